package cgroup

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
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

	mu     sync.Mutex
	gauges *gauges // from the first Count on, until it has ended
	seen   reading // of the gauges
	ended  bool
	last   child.Count // as of seen; once ended the directories are somebody else's
}

// passes bounds the search for who was born while we looked.
const passes = 16

// real reports whether there is a group of the kernel's.
func (g *Group) real() bool { return g.node.system.mkdir != nil }

// Start implements [child.Group].
//
// In version 2 the system call that makes a process puts it into the group. In version
// 1 a process is born where the thread is that makes it, so the thread goes there.
// Moving the process instead, by its number, takes a lock for which the kernel waits
// until every processor has been through its scheduler: 12 ms on a busy machine, where
// a thread that moves itself takes 50 µs. The process's own limits are set from outside
// in any case; until they are it is held back before its first instruction, as a
// debugger would.
func (g *Group) Start(attr *syscall.SysProcAttr, start func() (int, error)) (err error) {
	if err := g.sandbox.enter(); err != nil {
		return err
	}
	defer g.sandbox.visits.Done()
	runtime.LockOSThread() // only the thread that started it may let it go
	defer runtime.UnlockOSThread()
	if unix.Gettid() != unix.Getpid() {
		return g.start(attr, start)
	}
	// This is the first thread, whose group is where the memory of the whole process is
	// charged: another one has to go. It ends with the start.
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err = g.start(attr, start)
	}()
	<-done
	return err
}

// start is Start on a thread that may go.
func (g *Group) start(attr *syscall.SysProcAttr, start func() (int, error)) error {
	attr.Ptrace = g.sandbox.tree.holds.Load()
	pid, err := g.bear(attr, start)
	if attr.Ptrace && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)) {
		attr.Ptrace = false
		if pid, err = g.bear(attr, start); err == nil { // that was why
			g.sandbox.tree.holds.Store(false)
		}
	}
	if err != nil {
		return g.explain(err)
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

// bear starts a process in the group.
func (g *Group) bear(attr *syscall.SysProcAttr, start func() (int, error)) (int, error) {
	switch {
	case !g.real():
		return start()
	case !g.node.v2:
		return g.visit(start)
	case g.sandbox.tree.clones:
		fd, err := unix.Open(g.node.dirs()[0], unix.O_DIRECTORY|unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return 0, fmt.Errorf("open the sandbox's group: %w", err)
		}
		defer unix.Close(fd)
		attr.UseCgroupFD, attr.CgroupFD = true, fd
		return start()
	}
	pid, err := start()
	if err == nil {
		err = g.Admit(pid)
	}
	return pid, err
}

// visit calls start on a thread of ours that is a member meanwhile.
func (g *Group) visit(start func() (int, error)) (pid int, err error) {
	home := g.sandbox.tree.home
	var entered []door
	defer func() {
		for _, d := range entered {
			if back := write(d.home, "tasks", "0"); back != nil {
				// The thread is of no use to others: locked once more, it ends with its
				// goroutine.
				runtime.LockOSThread()
				err = errors.Join(err, fmt.Errorf("leave the sandbox's group: %w", back))
				return
			}
		}
	}()
	for _, d := range []door{{g.node.pids, home.pids}, {g.node.memory, home.memory}, {g.node.cpu, home.cpu}} {
		if d.into == "" || d.into == g.node.cpu && g.throttled() {
			continue
		}
		if err := write(d.into, "tasks", "0"); err != nil {
			return 0, fmt.Errorf("enter the sandbox's group: %w", err)
		}
		entered = append(entered, d)
	}
	return start()
}

// door is a way into a group, and back.
type door struct{ into, home string }

// throttled reports that there is a limit on the processors: a thread of ours would be
// held up in there, with locks that everybody needs. The process follows by itself.
func (g *Group) throttled() bool { return g.limits.CPU > 0 || g.sandbox.limits.CPU > 0 }

// explain says so if it was a limit that kept a process from being started.
func (g *Group) explain(err error) error {
	if errors.Is(err, syscall.EAGAIN) {
		if full := g.sandbox.room(1); full != nil {
			return fmt.Errorf("%w: %w", full, err)
		}
	}
	return err
}

// gather puts a process that was just born, and who descends from it by now, under the
// limits that they weren't born to.
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
			if !g.node.v2 && g.throttled() && g.node.cpu != "" {
				if err := write(g.node.cpu, "cgroup.procs", strconv.Itoa(p)); err != nil && !errors.Is(err, unix.ESRCH) {
					return fmt.Errorf("put process %d into its sandbox's group: %w", p, err)
				}
			}
			if err := g.limit(p); err != nil {
				return err
			}
		}
		if !grown {
			break
		}
		found = g.node.members()
	}
	return nil
}

// room says so if a sandbox has as many processes as it may, or will have with some
// more.
func (s *Sandbox) room(more int) error {
	for _, level := range []struct {
		node  node
		of    string
		limit int
	}{{s.node, "sandbox", s.limits.Processes}, {s.tree.node, "sandboxes together", s.tree.whole.Processes}} {
		if level.limit > 0 && level.node.pids != "" && number(level.node.pids, "pids.current")+int64(more) >= int64(level.limit) {
			return fmt.Errorf("%w: there is no room for one more in the %s, whose limit is %d processes and threads", child.ErrNoProcess, level.of, level.limit)
		}
	}
	return nil
}

// Admit implements [child.Group]. A process that has ended is no error; moving one is
// never refused for want of room, so that is looked at first.
func (g *Group) Admit(pid int) error {
	if g.real() {
		if err := g.sandbox.room(0); err != nil {
			return err
		}
		if err := g.node.add(pid); err != nil && !errors.Is(err, unix.ESRCH) {
			return fmt.Errorf("put process %d into its sandbox's group: %w", pid, err)
		}
	}
	return g.limit(pid)
}

// Doors implements [child.Doors]. There are some in version 1 only.
func (g *Group) Doors() (in, back []*os.File, err error) {
	if !g.Opens() {
		return nil, nil, nil
	}
	if err := g.sandbox.room(0); err != nil {
		return nil, nil, err
	}
	if in, err = g.node.doors(); err != nil {
		return nil, nil, err
	}
	home := g.sandbox.homeNode()
	if back, err = home.doors(); err != nil {
		closeAll(in)
		return nil, nil, err
	}
	if len(in) != len(back) {
		closeAll(append(in, back...))
		return nil, nil, errors.New("the sandbox has no group of its own to come back to")
	}
	return in, back, nil
}

// Opens implements [child.Doors].
func (g *Group) Opens() bool { return g.real() && !g.node.v2 }

// doors opens the files by which a thread becomes a member.
func (n node) doors() (out []*os.File, err error) {
	for _, dir := range n.holders() {
		path := filepath.Join(dir, "tasks")
		fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			closeAll(out)
			return nil, fmt.Errorf("open the sandbox's group: %w", err)
		}
		out = append(out, os.NewFile(uintptr(fd), path))
	}
	return out, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

// Entered implements [child.Doors].
func (g *Group) Entered(pid int) error { return g.limit(pid) }

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
		g.gauges.close()
		g.mu.Unlock()
		g.sandbox.takeBack(g)
	})
	return g.Count(), g.empty
}

// limit sets a process's own limits.
func (g *Group) limit(pid int) error {
	limits := g.sandbox.limitsOf(g.limits)
	if g.sandbox.tree.users.Load() { // whose processes are all that this limit counts
		limits.Processes = g.sandbox.limits.Processes
	}
	return limits.apply(pid, g.sandbox.tree.force)
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
	limits := child.Rlimits{unix.RLIMIT_CORE: 0} // a dump would fill the sandbox's disk
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
	if l.Processes > 0 && !force.Processes {
		limits[unix.RLIMIT_NPROC] = uint64(l.Processes)
	}
	return limits.Put(pid)
}
