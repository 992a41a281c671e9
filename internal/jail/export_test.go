//go:build linux

package jail

// WorldReadable is for tests.
func WorldReadable(dir string) []string { return worldReadable(dir) }
