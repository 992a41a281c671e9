// Package jail is the boundary around the processes of one sandbox. A [Jail] has a
// first process, which is our own program in another role ([Main]): it puts on what
// is to hold for all (namespaces, user, filter), then starts the others on request
// and reports how they end.
//
// Ownership: a Jail owns its first process, and bubblewrap's where that makes the
// namespaces. Close ends all that is inside and joins the goroutines: one that reads
// the first process's messages, one that reads its last words, and one for each end
// that is being dealt with.
package jail

import (
	"errors"
	"fmt"
	"slices"

	"hotcell/internal/child"
)

// Mode is how strong the boundary is.
type Mode string

// The modes, from the strongest.
const (
	Namespace Mode = "namespace" // its own view of files, processes, IPC and, if asked for, network
	Process   Mode = "process"   // its own user where that is possible, and Landlock
	None      Mode = "none"      // nothing: processes are started beside the server
)

// Network is what processes inside reach.
type Network string

// The networks.
const (
	Host     Network = "host"     // what this machine reaches, its own loopback too
	Loopback Network = "loopback" // a loopback of its own
	NoNet    Network = "none"     // nothing
)

// UserBase is the first of the numbers that sandboxes' users and groups have, and
// UserCount how many there are. Neither distributions nor systemd give them out.
const (
	UserBase  = 0x70000000
	UserCount = 1 << 28
)

// Errors of this package.
var (
	ErrEnded       = fmt.Errorf("the sandbox's processes were ended: %w", child.ErrJailEnded)
	ErrUnavailable = errors.New("this isolation doesn't work here")
)

// Config says what a jail is made of.
type Config struct {
	Mode    Mode
	Network Network
	// Name is the host's name inside.
	Name string
	// UID is the user and group of what runs inside. 0: the server's own.
	UID int
	// Reaches has what runs inside, as UID, pass all directories and read what the
	// ruleset allows, whatever the modes: for interpreters that lie where other users
	// don't get to. It takes [CanReach].
	Reaches bool
	// Program is our own, whose main calls [Main] for Args. Empty: the running one.
	Program string
	Args    []string // nil: be-child init
	// Bwrap is bubblewrap's program. Empty: bwrap on the PATH.
	Bwrap string

	// Work is the work directory. It can be written to, by its own path and, in
	// namespaces, as /workspace.
	Work string
	// Scratch is a directory of the jail's, in which New makes Run and Rooms.
	Scratch string
	// Shared are directories and files that can be read, beside the system's own:
	// interpreters, drivers. Those that aren't there are left out.
	Shared []string
	// Hidden are directories of which nothing is seen but what is named above.
	Hidden []string
	// Admit puts a process, by its number, under the limits of the sandbox. It is
	// called for the first process before anything else is started. Nil: none.
	Admit func(pid int) error
}

// Validate reports all faults.
func (c *Config) Validate() error {
	var errs []error
	if !slices.Contains([]Mode{Namespace, Process}, c.Mode) {
		errs = append(errs, fmt.Errorf("isolation %q is none of namespace and process", c.Mode))
	}
	if !slices.Contains([]Network{Host, Loopback, NoNet}, c.Network) {
		errs = append(errs, fmt.Errorf("network %q is none of host, loopback and none", c.Network))
	}
	if c.Mode == Process && c.Network == Loopback {
		errs = append(errs, errors.New("a loopback of its own takes namespaces"))
	}
	if c.Work == "" || c.Scratch == "" {
		errs = append(errs, errors.New("a jail needs a work directory and a scratch directory"))
	}
	return errors.Join(errs...)
}
