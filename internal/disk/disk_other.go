//go:build !linux

package disk

import "log/slog"

// Set has nothing to bound volumes with on this system.
type Set struct{}

// Open finds out that there is nothing.
func Open(Config) *Set { return &Set{} }

// Force is what is in force.
func (s *Set) Force() Force {
	return Force{Mechanism: None, Reason: "this system has nothing for it"}
}

// Settle is Force.
func (s *Set) Settle() Force { return s.Force() }

// Clear does nothing.
func Clear(string, *slog.Logger) error { return nil }

// Attach does nothing.
func (s *Set) Attach(Volume, func() error) error { return nil }

// Used has nothing to tell of.
func (s *Set) Used(string) Used { return Used{} }

// Detach does nothing.
func (s *Set) Detach(string) error { return nil }

// Close does nothing.
func (s *Set) Close() error { return nil }
