package child

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Adopted is a process that a child of ours forked, and that this child (its
// reaper) waits for. The reaper reports the exit and must not reap before
// Exited has returned.
//
// Goroutines: one, only after Orphaned, until the process ends.
type Adopted struct {
	handle handle
	settle func()
	done   chan struct{}
	exit   Exit
	jail   Jail // before it enters a group; nil: none

	mu    sync.Mutex
	group Group // nil: none
	over  bool  // it has exited, and enters no group any more
	ended bool
}

// Adopt takes over a process by the pidfd that its parent opened for it before
// it could have been reaped.
func Adopt(pid int, pidfd *os.File) *Adopted {
	// It has its parent's mark, whose end it may outlive.
	return adopt(handle{pid: pid, pidfd: pollable(dupe(pidfd)), mark: newMark().adopt(pid), alone: true}, nil)
}

// AdoptBorn is Adopt for a process that a jail's first process started by [Bear],
// with the mark, since the moment, and what [Spec] says is to be called at its end. It
// has the group from the beginning, in which it may have ended before it is settled there.
func AdoptBorn(pid int, pidfd *os.File, mark Mark, since time.Time, spec Spec) *Adopted {
	a := adopt(handle{pid: pid, pidfd: pollable(dupe(pidfd)), mark: mark, born: since, alone: true}, spec.Settle)
	a.group = spec.Group
	return a
}

func adopt(h handle, settle func()) *Adopted {
	return &Adopted{handle: h, settle: settle, done: make(chan struct{})}
}

// dupe gives a descriptor of our own, since a *os.File that arrived over a
// socket was not registered for polling.
func dupe(f *os.File) int {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1
	}
	return fd
}

// Pid is the process number, of the process and of its group.
func (a *Adopted) Pid() int { return a.handle.pid }

// Enter is like [Process.Enter].
func (a *Adopted) Enter(group Group) error { return a.enter(group, group.Admit) }

// Entered is Enter for a process that has gone through the doors by itself.
func (a *Adopted) Entered(group Doors) error { return a.enter(group, group.Entered) }

// settleIn is for a process that was born beyond the group's doors, if it has any, and
// else in the sandbox's own group, which is above.
func (a *Adopted) settleIn(group Group) error {
	if doors, ok := group.(Doors); ok && doors.Opens() {
		return a.Entered(doors)
	}
	return a.Enter(group)
}

func (a *Adopted) enter(group Group, admit func(pid int) error) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		group.End()
		return nil // its end is told elsewhere
	}
	if err := Limited(a.jail, admit(a.handle.pid)); err != nil {
		group.End()
		return err
	}
	a.group = group
	return nil
}

// Done is closed when the process has exited and Exit is known.
func (a *Adopted) Done() <-chan struct{} { return a.done }

// Exit is how it ended. It may be called once Done is closed.
func (a *Adopted) Exit() Exit { return a.exit }

// Signal is like [Process.Signal].
func (a *Adopted) Signal(sig os.Signal) error {
	s, ok := sig.(syscall.Signal)
	if !ok {
		return fmt.Errorf("signal %v is not a system signal", sig)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return nil
	}
	return a.handle.signal(s)
}

// Exited takes the reaper's word that the process has exited and is still
// unreaped. It kills what is left of the group and the session.
func (a *Adopted) Exited(e Exit) {
	group, first := a.leaving()
	if !first {
		return
	}
	if a.settle != nil {
		a.settle()
	}
	var empty bool
	if e.Count, empty = leave(group); !empty {
		a.mu.Lock()
		left := a.handle.sweep()
		a.mu.Unlock()
		left.bury()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.end(e)
}

// leaving is called by whoever has seen the exit, of whom the first goes on.
func (a *Adopted) leaving() (group Group, first bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first, a.over = !a.over, true
	return a.group, first
}

// Orphaned says that the reaper is gone. From now on the pidfd itself is
// watched; the status goes to whoever inherits the process.
func (a *Adopted) Orphaned() {
	// Ends when the process does.
	go func() {
		_ = awaitReadable(a.handle.pidfd)
		group, first := a.leaving()
		if !first {
			return
		}
		if a.settle != nil {
			a.settle()
		}
		count, _ := leave(group)
		a.mu.Lock()
		defer a.mu.Unlock()
		_ = signalGroup(a.handle.pidfd, a.handle.pid, syscall.SIGKILL)
		a.end(Exit{Unknown: true, At: time.Now(), Count: count})
	}()
}

// end is called with mu held.
func (a *Adopted) end(e Exit) {
	a.ended = true
	a.exit = e
	a.handle.close()
	close(a.done)
}
