//go:build !linux

package cgroup

import (
	"os"
	"syscall"

	"hotcell/internal/child"
)

// Tree bounds nothing here.
type Tree struct{}

// Sandbox bounds nothing here.
type Sandbox struct{ limits Limits }

// Group bounds nothing here.
type Group struct{}

// Open returns a tree that bounds nothing.
func Open(Config) *Tree { return &Tree{} }

// Force says that nothing is bounded.
func (t *Tree) Force() Force {
	return Force{Mechanism: None, Reason: "sandboxes are bounded on Linux only"}
}

// Dirs returns nothing.
func (t *Tree) Dirs() []string { return nil }

// Sandbox returns a sandbox without bounds.
func (t *Tree) Sandbox(limits Limits) (*Sandbox, error) { return &Sandbox{limits: limits}, nil }

// HaveUsers changes nothing here.
func (t *Tree) HaveUsers() {}

// Close does nothing.
func (t *Tree) Close() error { return nil }

// Limits are what the sandbox was made with.
func (s *Sandbox) Limits() Limits { return s.limits }

// Group returns a group without bounds.
func (s *Sandbox) Group(string, Limits) (*Group, error) { return &Group{}, nil }

// Home returns a group without bounds.
func (s *Sandbox) Home() (*Group, error) { return &Group{}, nil }

// Close does nothing.
func (s *Sandbox) Close() error { return nil }

// Start implements [child.Group].
func (g *Group) Start(_ *syscall.SysProcAttr, start func() (int, error)) error {
	_, err := start()
	return err
}

// Admit implements [child.Group].
func (g *Group) Admit(int) error { return nil }

// Doors implements [child.Doors].
func (g *Group) Doors() (in, back []*os.File, err error) { return nil, nil, nil }

// Opens implements [child.Doors].
func (g *Group) Opens() bool { return false }

// Entered implements [child.Doors].
func (g *Group) Entered(int) error { return nil }

// Count implements [child.Group].
func (g *Group) Count() child.Count { return child.Count{} }

// End implements [child.Group].
func (g *Group) End() (child.Count, bool) { return child.Count{}, false }

// MachineMemory can't be told here.
func MachineMemory() int64 { return 0 }

// MachineProcesses can't be told here.
func MachineProcesses() int { return 0 }
