// Package terminal runs interactive shells on pseudo-terminals, to which any
// number of clients attach and from which they leave as they like.
//
// Ownership: a [Set] owns its terminals, a [Terminal] its process, its two
// descriptors and its goroutines, and joins them before Done is closed. A
// [Client] belongs to whoever attached, who closes it.
//
// Goroutines of a terminal that runs: one reads what the program prints, one
// writes what clients type, and one waits for the process. Clients have none of
// their own: they read from the terminal's [tape], each at its own pace.
package terminal

import (
	"cmp"
	"context"
	"maps"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
	"github.com/google/uuid"

	"hotcell/internal/activity"
	"hotcell/internal/child"
	"hotcell/process"
	"hotcell/process/terminal/screen"
)

// Sizes of a terminal that nobody gave one.
const (
	DefaultCols = 80
	DefaultRows = 24
)

// Options say what a new terminal is.
type Options struct {
	ID   string
	Cwd  string // relative to the place's directory
	Env  map[string]string
	Cols int // 0: DefaultCols, and likewise
	Rows int
	Lazy bool // the shell starts when the first client attaches

	Origin activity.Origin // who asks
}

// Info is what can be said of a terminal at a moment.
type Info struct {
	ID      string
	Cwd     string
	Env     map[string]string // what it was created with
	Cols    int
	Rows    int
	Created time.Time
	Running bool
	Lazy    bool
}

// Exit is how a terminal ended.
type Exit struct {
	Code   int    `json:"code"`
	Reason string `json:"reason,omitempty"` // in words; empty after a status of 0
}

// Terminal is a shell on a pseudo-terminal.
type Terminal struct {
	set     *Set
	place   process.Place
	opts    Options
	cwd     string
	created time.Time
	card    string // the name of its card
	tape    *tape
	input   *input
	// turn holds one token: whoever has it may start the process, or end what
	// was not started.
	turn chan struct{}
	done chan struct{} // closed when the terminal is gone, with everything it had
	exit Exit          // written before done is closed

	mu     sync.Mutex
	cols   int
	rows   int
	proc   *child.Process // nil until it has started
	master *os.File
	reason string // why the service ends it
	over   bool   // it has ended, or never will start
}

// newTerminal makes a terminal whose process doesn't run yet.
func newTerminal(s *Set, p process.Place, o Options) (*Terminal, error) {
	o.Cols, o.Rows = cmp.Or(o.Cols, DefaultCols), cmp.Or(o.Rows, DefaultRows)
	if err := checkSize(o.Cols, o.Rows); err != nil {
		return nil, err
	}
	if err := process.CheckEnv(o.Env); err != nil {
		return nil, err
	}
	dir, err := p.Resolve(o.Cwd)
	if err != nil {
		return nil, err
	}
	o.Env = maps.Clone(o.Env)
	t := &Terminal{
		set: s, place: p, opts: o, cwd: dir, created: time.Now(), card: uuid.NewString(), cols: o.Cols, rows: o.Rows,
		turn: make(chan struct{}, 1), done: make(chan struct{}), input: newInput(s.cfg.InputStall),
	}
	t.tape = newTape(screen.New(o.Cols, o.Rows), s.cfg.StallAlone, s.cfg.StallShared, s.cfg.Log)
	return t, nil
}

// Info describes the terminal.
func (t *Terminal) Info() Info {
	t.mu.Lock()
	defer t.mu.Unlock()
	env := maps.Clone(t.opts.Env)
	if env == nil {
		env = map[string]string{}
	}
	return Info{
		ID: t.opts.ID, Cwd: t.cwd, Env: env, Cols: t.cols, Rows: t.rows,
		Created: t.created, Running: t.proc != nil && !t.over, Lazy: t.opts.Lazy,
	}
}

// ID is the name that its creator chose.
func (t *Terminal) ID() string { return t.opts.ID }

// Done is closed when the terminal is gone: its process is reaped, and
// everything that it printed is on the tape of its clients.
func (t *Terminal) Done() <-chan struct{} { return t.done }

// Exit is how it ended. It may be called once Done is closed.
func (t *Terminal) Exit() Exit { return t.exit }

// start starts the shell, unless it runs already.
func (t *Terminal) start(ctx context.Context) error {
	select {
	case t.turn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-t.turn }()
	t.mu.Lock()
	started, over, size := t.proc != nil, t.over, &pty.Winsize{Cols: uint16(t.cols), Rows: uint16(t.rows)}
	t.mu.Unlock()
	switch {
	case over:
		return t.set.ended(t)
	case started:
		return nil
	}
	spec, err := t.spec()
	if err != nil {
		return err
	}
	master, slave, err := openPair(size, t.place.Jail)
	if err != nil {
		return err
	}
	spec.Stdin, spec.Stdout, spec.Stderr = slave, slave, slave
	var proc *child.Process
	if err = t.place.Bound(&spec, "terminal"); err == nil {
		proc, err = child.Start(ctx, spec)
	}
	if err != nil {
		_ = master.Close()
		_ = slave.Close()
		return err
	}
	t.mu.Lock()
	t.proc, t.master = proc, master
	if t.cols != int(size.Cols) || t.rows != int(size.Rows) { // somebody was quick
		_ = setSize(master, t.cols, t.rows)
	}
	t.mu.Unlock()
	go t.run(proc, master, slave) // ends with the process; done says so
	return nil
}

// spec is the shell as a process.
func (t *Terminal) spec() (child.Spec, error) {
	shell, err := t.set.cfg.Host.ShellPath()
	if err != nil {
		return child.Spec{}, err
	}
	extra := map[string]string{"PWD": t.cwd, "SHELL": shell, "TERM": "xterm-256color"}
	for name := range t.place.Env { // the sandbox's win over these
		delete(extra, name)
	}
	maps.Copy(extra, t.opts.Env)
	env, err := t.set.cfg.Host.Environ(t.place, extra)
	if err != nil {
		return child.Spec{}, err
	}
	return child.Spec{Path: shell, Args: []string{"-i", "-l"}, Env: t.withoutHere(env), Dir: t.cwd, Terminal: true, Jail: t.place.Jail}, nil
}

// Resize gives the terminal another size, of which its program is told. The
// last one who does wins.
func (t *Terminal) Resize(cols, rows int) error {
	if err := checkSize(cols, rows); err != nil {
		return err
	}
	// The lock keeps the two views of the size the same; the call is as short
	// as a system call can be.
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.over {
		return t.set.ended(t)
	}
	if t.master != nil {
		if err := setSize(t.master, cols, rows); err != nil {
			return err
		}
	}
	t.cols, t.rows = cols, rows
	t.tape.resize(cols, rows)
	return nil
}

// Kill ends the terminal at once and returns when it is gone.
func (t *Terminal) Kill() { t.end("", 0) }

// end ends the terminal: a hang-up first, if there is grace, as when somebody
// closes a terminal's window, and SIGKILL for what is left. Clients are told
// the reason, or if there is none, how the process ended.
func (t *Terminal) end(reason string, grace time.Duration) {
	t.turn <- struct{}{} // a start that is under way comes first
	t.mu.Lock()
	proc := t.proc
	if t.reason == "" {
		t.reason = reason
	}
	never := proc == nil && !t.over
	t.over = t.over || never
	t.mu.Unlock()
	<-t.turn
	switch {
	case never:
		t.finish(child.Exit{Code: 137})
	case proc != nil:
		t.tape.hurry()
		hangUp(proc, grace)
	}
	<-t.done
}

// Pid is the number of the shell's process, 0 when it doesn't run.
func (t *Terminal) Pid() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.proc == nil || t.over {
		return 0
	}
	return t.proc.Pid()
}
