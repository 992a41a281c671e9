//go:build linux

package disk

// Wait returns when nothing is being made ahead.
func (s *Set) Wait() { s.wg.Wait() }
