package jail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

const (
	// startLimit bounds making a jail, which takes 20 ms on an idle machine.
	startLimit = 20 * time.Second
	// wordsLimit is what is kept of what the first process says on its stderr.
	wordsLimit = 4 << 10
)

// Jail is a boundary with what is inside.
type Jail struct {
	cfg   Config
	pipe  *pipe
	proc  *child.Process // bubblewrap, or the first process itself
	init  *os.File       // the first process's pidfd
	join  child.Join
	ready chan error
	done  chan struct{} // closed when nothing is left inside
	words *words
	wg    sync.WaitGroup

	mu      sync.Mutex
	seq     uint64
	waiting map[uint64]*asked
	alive   map[uint64]*child.Adopted
	fault   error // why nothing starts any more
}

var _ child.Jail = (*Jail)(nil)

// asked is a question to the first process.
type asked struct {
	answer chan answer // nil when nobody waits any more
	mark   child.Mark
	since  time.Time
	spec   child.Spec
}

type answer struct {
	process *child.Adopted
	reply   reply
	err     error
}

// New makes a jail and returns when processes can be started in it. ctx bounds the
// making only.
func New(ctx context.Context, cfg Config) (*Jail, error) {
	if err := cfg.complete(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("it took longer than %s", startLimit))
	defer cancel()
	j := &Jail{
		cfg: cfg, ready: make(chan error, 1), done: make(chan struct{}),
		waiting: make(map[uint64]*asked), alive: make(map[uint64]*child.Adopted),
	}
	if err := j.open(ctx); err != nil {
		j.cfg.removeScratch()
		return nil, fmt.Errorf("make the sandbox's jail: %w", err)
	}
	var err error
	select {
	case err = <-j.ready:
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err == nil && cfg.Admit != nil {
		err = j.Admit(pidOf(j.init))
	}
	if err != nil {
		j.Close()
		if said := j.words.text(); said != "" {
			err = fmt.Errorf("%w; it said: %s", err, said)
		}
		return nil, fmt.Errorf("make the sandbox's jail: %w", err)
	}
	return j, nil
}

// open starts the first process.
func (j *Jail) open(ctx context.Context) error {
	if err := j.cfg.makeScratch(); err != nil {
		return err
	}
	ruleset, err := j.cfg.ruleset()
	if err != nil {
		return err
	}
	defer func() {
		if j.proc == nil && ruleset != nil {
			_ = ruleset.Close()
		}
	}()
	j.join = child.Join{Ruleset: ruleset, UID: j.cfg.UID, Reaches: j.cfg.Reaches, Env: j.cfg.env()}
	prog, err := filter(j.cfg.limits())
	if err == nil {
		j.join.Seccomp = filterBytes(prog)
	} else if arch != 0 {
		return err
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("make a socket: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "jail")
	defer theirs.Close()
	if j.pipe, err = openPipe(os.NewFile(uintptr(fds[0]), "jail")); err != nil {
		return err
	}
	j.pipe.limit = answerLimit
	read, write, err := os.Pipe()
	if err != nil {
		_ = j.pipe.conn.Close()
		return fmt.Errorf("make a pipe: %w", err)
	}
	defer write.Close()
	spec, err := j.cfg.first()
	if err == nil {
		spec.Stdout, spec.Stderr = write, write
		spec.Files = []*os.File{theirs}
		if ruleset != nil {
			spec.Files = append(spec.Files, ruleset)
		}
		j.proc, err = child.Start(ctx, spec)
	}
	if err != nil {
		_ = j.pipe.conn.Close()
		_ = read.Close()
		return err
	}
	j.words = hear(read, &j.wg)
	// Ends when the first process has.
	go j.serve() //nolint:contextcheck // it outlives whoever had it made
	return nil
}

// terms are what the first process is told to put on.
func (c *Config) terms(ruleset bool) (string, error) {
	t := terms{UID: c.UID, Reaches: c.Reaches, Ruleset: ruleset, Seccomp: arch != 0, Limits: c.limits()}
	b, err := json.Marshal(t)
	return string(b), err
}

// seesAll tells that modes keep nothing from those inside: what the ruleset lets them
// read, they read, and a socket behind a private directory is one that they can open.
func (c *Config) seesAll() bool { return c.UID == 0 || c.Reaches }

// limits are what the filter has to see to, for want of namespaces and, perhaps, of a
// user of the sandbox's own.
func (c *Config) limits() limits {
	if c.Mode == Namespace {
		return limits{}
	}
	return limits{Internet: c.Network == NoNet, Local: c.seesAll(), Peers: c.UID == 0, SetID: c.UID == 0}
}

// Pid is the first process's number.
func (j *Jail) Pid() int { return pidOf(j.init) }

// Config is what the jail was made of.
func (j *Jail) Config() Config { return j.cfg }

// Done is closed when nothing is left inside, whoever ended it.
func (j *Jail) Done() <-chan struct{} { return j.done }

// Join implements [child.Jail].
func (j *Jail) Join() child.Join { return j.join }

// Admit implements [child.Jail].
func (j *Jail) Admit(pid int) error {
	if j.cfg.Admit == nil {
		return nil
	}
	return child.Limited(j, j.cfg.Admit(pid))
}

// Bound puts a jail that was made without limits under some. It is called before
// anything is started inside.
func (j *Jail) Bound(admit func(pid int) error) error {
	j.cfg.Admit = admit
	return j.Admit(pidOf(j.init))
}

// Close ends all that is inside, and returns when it is gone.
func (j *Jail) Close() {
	j.fail(ErrEnded)
	_ = j.pipe.conn.Close()
	<-j.done
	j.wg.Wait()
}

func (j *Jail) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fault == nil {
		j.fault = err
	}
}

// serve is the jail's life.
func (j *Jail) serve() {
	defer close(j.done)
	err := j.take()
	_ = j.pipe.conn.Close()
	j.fail(fmt.Errorf("%w: %w", ErrEnded, err))
	j.kill()
	<-j.proc.Done()
	j.sweep()
	j.mu.Lock()
	alive, waiting := j.alive, j.waiting
	j.alive, j.waiting = nil, nil
	fault := j.fault
	j.mu.Unlock()
	for _, p := range alive {
		p.Orphaned()
	}
	for _, p := range alive {
		<-p.Done()
	}
	for _, a := range waiting {
		if a.answer != nil {
			a.answer <- answer{err: fault}
		}
	}
	select {
	case j.ready <- unmade(j.proc.Exit()):
	default:
	}
	if j.init != nil {
		_ = j.init.Close()
	}
	if j.join.Ruleset != nil {
		_ = j.join.Ruleset.Close()
	}
	j.cfg.removeScratch()
}

// unmade says that a jail's first process has ended before it was ready. If it was killed
// that is [ErrEnded], and says nothing against another one.
func unmade(exit child.Exit) error {
	if exit.Unknown || exit.Signal == unix.SIGKILL {
		return fmt.Errorf("%w while the jail was made: %s", ErrEnded, exit)
	}
	return fmt.Errorf("its first process ended: %s", exit)
}

// kill ends the first process if the end of its socket doesn't.
func (j *Jail) kill() {
	if j.cfg.Mode == Namespace && j.init != nil {
		_ = j.signal(unix.SIGKILL) // the kernel sees to the rest
		return
	}
	// Before it, since it may have been stopped by those whom it is to kill, who would
	// be somebody else's then.
	j.mu.Lock()
	alive := slices.Collect(maps.Values(j.alive))
	j.mu.Unlock()
	for _, p := range alive {
		_ = p.Signal(unix.SIGKILL)
	}
	child.KillBelow(j.proc.Pid())
	j.proc.Stop(endGrace)
}

// endGrace is how long a first process without a namespace may take to kill what has
// come from it.
const endGrace = 2 * time.Second

// take takes the first process's messages until there are no more.
func (j *Jail) take() error {
	for {
		var r reply
		files, err := j.pipe.receive(&r)
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errors.New("its first process is gone")
			}
			return err
		}
		switch {
		case r.Op == replyReady && len(files) == 1 && j.init == nil:
			j.init = files[0]
			if j.cfg.Mode == Namespace {
				j.join.Init, err = child.NewFirst(j.init)
			}
			j.ready <- err
			continue
		case r.Op == replyStarted && len(files) == 1:
			j.started(r, files[0])
			continue
		case r.Op == replyStarted && len(files) == 0: // there was no room for it here
			j.answer(r.Seq, answer{err: fmt.Errorf("take the process's descriptor: %w", unix.EMFILE)})
			_ = j.pipe.send(request{Op: opEnd, Seq: r.Seq})
		case r.Op == replyFailed, r.Op == replyFine:
			j.answer(r.Seq, answer{reply: r})
		case r.Op == replyExited:
			j.exited(r)
		default:
			closeAll(files)
			return fmt.Errorf("its first process said %q", r.Op)
		}
		closeAll(files)
	}
}

// started adopts a process.
func (j *Jail) started(r reply, pidfd *os.File) {
	pid := pidOf(pidfd)
	j.mu.Lock()
	a := j.waiting[r.Seq]
	if a == nil || pid <= 0 {
		j.mu.Unlock()
		_ = pidfd.Close()
		j.answer(r.Seq, answer{err: fmt.Errorf("%w: it was gone before it could be seen", ErrEnded)})
		return
	}
	p := child.AdoptBorn(pid, pidfd, a.mark, a.since, a.spec)
	j.alive[r.Seq] = p
	j.mu.Unlock()
	j.answer(r.Seq, answer{process: p})
}

// answer tells whoever asked. A process for which nobody waits any more is killed.
func (j *Jail) answer(seq uint64, got answer) {
	j.mu.Lock()
	a := j.waiting[seq]
	delete(j.waiting, seq)
	j.mu.Unlock()
	if a != nil && a.answer != nil {
		a.answer <- got
	} else if got.process != nil {
		_ = got.process.Signal(syscall.SIGKILL)
	}
}

// exited passes an exit on, and lets the first process reap when what is left has
// been swept up, which takes a while.
func (j *Jail) exited(r reply) {
	j.mu.Lock()
	p := j.alive[r.Seq]
	delete(j.alive, r.Seq)
	j.mu.Unlock()
	if p == nil { // there was no room for its descriptor
		_ = j.pipe.send(request{Op: opReap, Seq: r.Seq})
		return
	}
	// Ends when the sweep has; Close joins it.
	j.wg.Go(func() {
		p.Exited(child.Exit{Code: r.Code, Signal: syscall.Signal(r.Signal), At: time.Now()})
		_ = j.pipe.send(request{Op: opReap, Seq: r.Seq})
	})
}

// pidOf is the number, here, of the process that a pidfd is of; -1 if it is gone.
func pidOf(pidfd *os.File) int {
	rc, err := pidfd.SyscallConn()
	if err != nil {
		return -1
	}
	pid := -1
	_ = rc.Control(func(fd uintptr) {
		text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		if err != nil {
			return
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "Pid:"); ok {
				_, _ = fmt.Sscan(rest, &pid)
			}
		}
	})
	return pid
}
