// Package cgroup bounds what runs in sandboxes, and reads what the kernel has
// counted against the bounds.
//
//	tree      a server's own: all of its sandboxes together
//	└ sandbox
//	  └ group a context's kernel, a command, a script, a shell
//
// Where version 2 is delegated to the server it uses that, else version 1, else
// each process's resource limits; [Tree.Force] says which. A tree that a server
// has left behind which was killed is cleared by the next one with the same
// data directory, with whatever still runs in it.
//
// Ownership: a [Tree] owns its sandboxes, and a [Sandbox] its groups, but for
// those that a process has been started in, which [child] ends. Goroutines: none.
package cgroup

import (
	"errors"
	"log/slog"

	"hotcell/internal/child"
)

// ErrClosed means that the sandbox, or the tree, was closed.
var ErrClosed = errors.New("the sandbox has ended")

// The mechanisms, in [Force].
const (
	V2      = "cgroup v2"
	V1      = "cgroup v1"
	Rlimits = "rlimits"
	None    = "none"
)

// Force is what bounds sandboxes on this machine.
type Force struct {
	Mechanism string `json:"mechanism"`
	// Memory, Processes and CPU tell which limits are a sandbox's as a whole. The
	// others hold for each process alone, or not at all.
	Memory    bool `json:"memory"`
	Processes bool `json:"processes"`
	CPU       bool `json:"cpu"`
	// Reason is why it isn't more.
	Reason string `json:"reason,omitempty"`
}

// Limits are what a sandbox or a group may have. 0 is no limit.
type Limits struct {
	Memory    int64   // bytes, with what is swapped out
	CPU       float64 // processors
	Processes int     // and threads
	// Of each process:
	Files    int   // descriptors
	FileSize int64 // bytes of a file
}

// Config is what a tree is made of. The zero value works.
type Config struct {
	// Dir is the server's data directory, by which it finds what it has left.
	Dir string
	// Whole bounds all sandboxes together.
	Whole Limits
	// Off is for whoever wants the processes' own limits and nothing more.
	Off bool
	Log *slog.Logger
}

var _ child.Doors = (*Group)(nil)
