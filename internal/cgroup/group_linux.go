package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// Group bounds and counts one process and its descendants. It implements
// [child.Group].
type Group struct {
	sandbox *Sandbox
	node    node // the zero value where there are only the processes' own limits
	of      string
	limits  Limits
	base    tally // where the counters stood when it was handed out

	once  sync.Once
	empty bool

	mu    sync.Mutex
	ended bool
	last  child.Count // once ended: the directories are somebody else's then
}

// passes bounds the search for who was born while we looked.
const passes = 16

// real reports whether there is a group of the kernel's.
func (g *Group) real() bool { return g.node.system.mkdir != nil }

// Start implements [child.Group].
//
// In version 2 the system call that makes a process puts it into the group. In
// version 1 somebody else has to, and the limits of a process are set from outside in
// both: so it is held back before its first instruction, as a debugger would. Where
// that isn't possible it runs for a moment without.
func (g *Group) Start(attr *syscall.SysProcAttr, start func() (int, error)) error {
	if g.real() && g.node.v2 && g.sandbox.tree.clones {
		fd, err := unix.Open(g.node.dirs()[0], unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return fmt.Errorf("open the sandbox's group: %w", err)
		}
		defer unix.Close(fd)
		attr.UseCgroupFD, attr.CgroupFD = true, fd
	}
	if g.sandbox.tree.holds.Load() {
		// Only the thread that started it may let it go.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		attr.Ptrace = true
	}
	pid, err := start()
	if attr.Ptrace && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		attr.Ptrace = false
		if pid, err = start(); err == nil { // that was why
			g.sandbox.tree.holds.Store(false)
		}
	}
	if err != nil {
		return err
	}
	if attr.Ptrace {
		awaitHeld(pid)
		defer func() { _ = unix.PtraceDetach(pid) }() // one that has ended needs it no more
	}
	return g.gather(pid)
}

// awaitHeld waits until a process is where it is held, or has ended. The news is left
// to whoever waits for the end.
func awaitHeld(pid int) {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return
		}
	}
}

// gather puts a process that was just born, and who descends from it if it wasn't held,
// under the limits.
func (g *Group) gather(pid int) error {
	known := make(map[int]bool, 1)
	found := []int{pid}
	for range passes {
		grown := false
		for _, p := range found {
			if known[p] {
				continue
			}
			known[p], grown = true, true
			if err := g.Admit(p); err != nil {
				return err
			}
		}
		if !grown || !g.real() {
			break
		}
		found = g.node.members()
	}
	return nil
}

// room says so if a sandbox has as many processes as it may.
func (s *Sandbox) room() error {
	for _, level := range []struct {
		node  node
		of    string
		limit int
	}{{s.node, "sandbox has", s.limits.Processes}, {s.tree.node, "sandboxes together have", s.tree.whole.Processes}} {
		if level.limit > 0 && level.node.pids != "" && number(level.node.pids, "pids.current") >= int64(level.limit) {
			return fmt.Errorf("%w: the %s %d of them and of threads, which is the limit", child.ErrNoProcess, level.of, level.limit)
		}
	}
	return nil
}

// Admit implements [child.Group]. A process that has ended is no error; moving one is
// never refused for want of room, so that is looked at first.
func (g *Group) Admit(pid int) error {
	if err := g.sandbox.room(); err != nil {
		return err
	}
	if g.real() {
		if err := g.node.add(pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("put process %d into its sandbox's group: %w", pid, err)
		}
	}
	return g.sandbox.limitsOf(g.limits).apply(pid, g.sandbox.tree.force)
}

// End implements [child.Group].
func (g *Group) End() (child.Count, bool) {
	g.once.Do(func() {
		if !g.real() {
			g.sandbox.forget(g)
			return
		}
		before := g.Count()
		g.empty = g.node.clear(os.Getpid() == 1)
		last := g.Count()
		// The clearing refuses them too.
		last.Refused, last.Processes = before.Refused, before.Processes
		g.mu.Lock()
		g.ended, g.last = true, last
		g.mu.Unlock()
		g.sandbox.takeBack(g)
	})
	return g.Count(), g.empty
}

// limitsOf are what holds for each process of a group.
func (s *Sandbox) limitsOf(own Limits) Limits {
	return Limits{
		Memory:   least(own.Memory, s.limits.Memory),
		Files:    least(own.Files, s.limits.Files),
		FileSize: least(own.FileSize, s.limits.FileSize),
	}
}

// least is the smaller of two limits, of which 0 is none.
func least[N int | int64](a, b N) N {
	if a == 0 || b == 0 {
		return cmp.Or(a, b)
	}
	return min(a, b)
}

// apply sets a process's own limits, which those that it starts inherit.
func (l Limits) apply(pid int, force Force) error {
	limits := map[int]uint64{unix.RLIMIT_CORE: 0} // a dump would fill the sandbox's disk
	if l.Files > 0 {
		limits[unix.RLIMIT_NOFILE] = uint64(l.Files)
	}
	if l.FileSize > 0 {
		limits[unix.RLIMIT_FSIZE] = uint64(l.FileSize)
	}
	if l.Memory > 0 && !force.Memory {
		// Not RLIMIT_AS: V8 and Go reserve addresses by the gigabyte.
		limits[unix.RLIMIT_DATA] = uint64(l.Memory)
	}
	for which, limit := range limits {
		var now unix.Rlimit
		err := unix.Prlimit(pid, which, nil, &now)
		if err == nil {
			now = unix.Rlimit{Cur: min(now.Cur, limit), Max: min(now.Max, limit)}
			err = unix.Prlimit(pid, which, &now, nil)
		}
		if err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("limit process %d: %w", pid, err)
		}
	}
	return nil
}
