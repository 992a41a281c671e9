package child

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ErrNoProcess means that a limit on processes was reached: nothing was started.
var ErrNoProcess = errors.New("too many processes")

// ErrJailEnded means that a jail's first process has ended, and all else with it.
var ErrJailEnded = errors.New("the sandbox's first process has ended")

// Group is where the system counts and bounds a process and all that it starts.
// It belongs to one process: whoever was handed it ends it, once. Package cgroup
// has an implementation.
type Group interface {
	// Start calls start, which starts a process with the attributes, in such a way
	// that it is born inside.
	Start(attr *syscall.SysProcAttr, start func() (pid int, err error)) error
	// Admit moves a process inside that was forked elsewhere, with its threads. What
	// it has started before stays where it is.
	Admit(pid int) error
	// Count tells what the system has counted so far. It may be called until End.
	Count() Count
	// End kills who is still inside, waits for that, and gives the group up. It
	// returns the last count, and whether it is sure that nobody is left; when it is
	// called again, the same.
	End() (last Count, empty bool)
}

// Doors is a group that a process can enter by itself. Where it can, that costs the
// system next to nothing, other than moving it from outside.
type Doors interface {
	Group
	// Doors are files into which a thread writes "0" to go in, and those to come back
	// into the group of the sandbox as such. They are the caller's to close; there may
	// be none, then a process has to be moved by Admit.
	Doors() (in, back []*os.File, err error)
	// Opens tells whether there are any.
	Opens() bool
	// Entered does what is left of Admit.
	Entered(pid int) error
}

// Count is what the system has counted against the limits of a group. These are
// its own counters, nobody's guess.
type Count struct {
	Killed    int   // processes that it killed because there was no memory left
	Memory    Bound // the limit that was reached, if Killed isn't 0
	Refused   int   // processes and threads that it didn't let begin
	Processes Bound // the limit that was reached, if Refused isn't 0
	Disk      Bound // the limit on files that is reached now; the zero value if it isn't
}

// Bound is a limit that was reached.
type Bound struct {
	Of    string // whose it is: "context", "sandbox", "server"; "machine" if it is all there is
	Limit int64  // bytes of memory, or processes; 0: not known
}

// Since is what has been counted after an earlier count.
func (c Count) Since(before Count) Count {
	c.Killed = max(0, c.Killed-before.Killed)
	c.Refused = max(0, c.Refused-before.Refused)
	if before.Disk != (Bound{}) { // it was told when it began
		c.Disk = Bound{}
	}
	return c
}

// OutOfMemory says in words that memory was what ended something: "out of memory:
// the kernel killed 1 process at the sandbox's limit of 512 MiB". It is empty if
// it wasn't.
func (c Count) OutOfMemory() string {
	if c.Killed == 0 {
		return ""
	}
	return fmt.Sprintf("out of memory: the system killed %s at %s", plural(c.Killed, "process", "processes"), c.Memory.words(Bytes(c.Memory.Limit), "memory"))
}

// TooMany says that processes could not be started, and is empty if all could.
func (c Count) TooMany() string {
	if c.Refused == 0 {
		return ""
	}
	return fmt.Sprintf("too many processes: the system refused to start %s at %s", plural(c.Refused, "one", "of them"),
		c.Processes.words(fmt.Sprintf("%d processes and threads", c.Processes.Limit), "processes"))
}

// Full says that the disk is, and is empty if it isn't.
func (c Count) Full() string {
	if c.Disk == (Bound{}) {
		return ""
	}
	return "disk full: what is in the work directory has reached " + c.Disk.words(Bytes(c.Disk.Limit), "disk")
}

// String is all of them, or nothing.
func (c Count) String() string {
	var out []string
	for _, s := range []string{c.OutOfMemory(), c.TooMany(), c.Full()} {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, "; ")
}

func (b Bound) words(limit, what string) string {
	switch {
	case b.Of == "machine":
		return "the end of the machine's " + what
	case b.Of == "server":
		return "the limit of all sandboxes together, " + limit
	case b.Limit == 0:
		return "the " + b.Of + "'s limit"
	}
	return "the " + b.Of + "'s limit of " + limit
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Bytes is a size in words: "512 MiB".
func Bytes(n int64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	v, i := float64(n), 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return strings.TrimSuffix(fmt.Sprintf("%.1f", v), ".0") + " " + units[i]
}
