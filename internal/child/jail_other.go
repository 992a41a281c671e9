//go:build !linux

package child

// Jail is the boundary around the processes of one sandbox. There is none here.
type Jail interface{ none() }
