package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/google/uuid"
	"golang.org/x/term"

	"hotcell/handlers/daytona/terminals/client"
	"hotcell/process/terminal"
	drawn "hotcell/process/terminal/screen"
)

const (
	// detachKey, typed after ~ at the start of a line, leaves the terminal.
	detachKey = 0x04
	endOfText = 0x04
	// eofPause is how long a shell whose input has ended may say nothing before
	// it is told again: what reads next wants to be told, too.
	eofPause = 200 * time.Millisecond
	// slowCode is WebSocket's for a client that was left behind.
	slowCode = 1008
)

type shellCommand struct {
	Sandbox string            `help:"The sandbox of the running server in which the shell runs. Default: default." placeholder:"ID"`
	Cwd     string            `help:"Its working directory. Default: this one for an own server, the sandbox's for a running one." placeholder:"DIR"`
	Env     map[string]string `help:"A variable for its environment. May be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	ID      string            `name:"id" help:"The terminal of the running server to attach to. It is made if it isn't there, and goes on when you leave it." placeholder:"NAME"`

	remoteFlags
	engineFlags
}

// Help is added to what `shell --help` prints.
func (shellCommand) Help() string {
	return `Opens a shell in a terminal of a running server, or of one that lives only as long as the shell.
Enter ~ Ctrl-D (at the start of a line) leaves the terminal without ending it; call the shell again
with its --id to come back to the screen as it is then. Without --id, anything else that ends this
program ends the terminal too.

The exit status is that of the shell, 0 after leaving it, 2 when the command line is wrong, 125 when
hotcell itself could not do it, and 130 when a signal ended it.`
}

// Run opens a shell, or comes back to one.
func (c *shellCommand) Run(a *app) error {
	if c.URL == "" && (c.ID != "" || c.Sandbox != "") {
		return badUsage("--id and --sandbox name what a running server has: name that with --url")
	}
	base, key, done, err := a.server(&c.remoteFlags, c.engineFlags)
	if err != nil {
		return err
	}
	defer done()
	v := &visit{
		a: a, server: client.Server{URL: base, Key: key, Sandbox: orDefault(c.Sandbox, "default")},
		own: c.URL == "", named: c.ID != "", done: make(chan struct{}),
		o: client.Options{ID: orDefault(c.ID, "shell-"+uuid.NewString()[:8]), Cwd: c.Cwd, Env: c.Env},
	}
	if v.own && c.Cwd == "" {
		if v.o.Cwd, err = os.Getwd(); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
	}
	return v.run()
}

// visit is one use of a terminal by the one in front of ours.
//
// Goroutines: one shows what the terminal prints, which run joins; one reads the
// standard input, which can't be called off and ends with the process.
type visit struct {
	a      *app
	server client.Server
	o      client.Options
	own    bool // the server is ours and ends with us
	named  bool
	done   chan struct{} // closed when the terminal, or our part in it, is over

	mu     sync.Mutex
	conn   *client.Conn  // the one in use
	screen *drawn.Screen // what ours shows
	eof    *time.Timer   // tells the shell once more that its input has ended; nil before that
	detach bool
}

// run tells the visit from beginning to end.
func (v *visit) run() error {
	v.o.Cols, v.o.Rows = v.size()
	v.screen = drawn.New(v.o.Cols, v.o.Rows)
	conn, err := v.open()
	if err != nil {
		return err
	}
	v.conn = conn
	leave, err := v.enter()
	if err != nil {
		conn.Close()
		return err
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	go v.read() // ends with the process
	fault := make(chan error, 1)
	go func() { fault <- v.show() }() // ends with the connection
	for {
		select {
		case err := <-fault:
			close(v.done)
			leave()
			return v.end(err)
		case <-resized:
			v.resize()
		case <-v.a.ctx.Done():
			v.current().Close()
			select { // unless nobody takes what there is to show
			case <-fault:
			case <-v.a.force:
			}
			close(v.done)
			leave()
			v.a.status = ExitInterrupted
			return v.abandon()
		}
	}
}

// open makes the terminal or, if it has a name and is there, comes back to it.
func (v *visit) open() (*client.Conn, error) {
	for {
		conn, err := v.server.Create(v.a.ctx, v.o)
		if !v.named || !refused(err, http.StatusConflict) {
			return conn, err
		}
		if conn, err = v.reconnect(); !refused(err, http.StatusGone) && !refused(err, http.StatusNotFound) {
			return conn, err
		}
		// It has ended in between: there is room for a new one.
	}
}

// reconnect gives the terminal our size first, so that its screen fits.
func (v *visit) reconnect() (*client.Conn, error) {
	if err := v.server.Resize(v.a.ctx, v.o.ID, v.o.Cols, v.o.Rows); err != nil {
		return nil, err
	}
	return v.server.Connect(v.a.ctx, v.o.ID)
}

func refused(err error, status int) bool {
	var e *client.Error
	return errors.As(err, &e) && e.Status == status
}

// enter prepares our own terminal; leave puts it back as it was.
func (v *visit) enter() (leave func(), err error) {
	in := v.a.term.In
	if !isTerminal(in) {
		fmt.Fprintln(v.a.term.Err, "hotcell: the standard input is no terminal: what it has is typed into the shell, which ends with it")
		return func() {}, nil
	}
	before, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return nil, fmt.Errorf("prepare the terminal: %w", err)
	}
	return func() {
		v.mu.Lock()
		_, _ = v.a.term.Out.Write(v.screen.Leave())
		v.mu.Unlock()
		_ = term.Restore(int(in.Fd()), before)
	}, nil
}

// size is that of the terminal that we write to or, if that is none, read from.
func (v *visit) size() (cols, rows int) {
	for _, f := range []any{v.a.term.Out, v.a.term.In} {
		if f, ok := f.(*os.File); ok {
			if cols, rows, err := term.GetSize(int(f.Fd())); err == nil && cols > 0 && rows > 0 {
				return min(cols, drawn.MaxSide), min(rows, drawn.MaxSide)
			}
		}
	}
	return terminal.DefaultCols, terminal.DefaultRows
}

// resize follows a change of our own terminal's size.
func (v *visit) resize() {
	cols, rows := v.size()
	v.mu.Lock()
	v.o.Cols, v.o.Rows = cols, rows
	v.screen.Resize(cols, rows)
	v.mu.Unlock()
	// A failure shows in the connection, or doesn't matter.
	_ = v.server.Resize(v.a.ctx, v.o.ID, cols, rows)
}

func (v *visit) current() *client.Conn {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.conn
}

// show writes what the terminal prints, until it has ended. When we were too
// slow for it, it goes on with the screen as it is now.
func (v *visit) show() error {
	for conn, fresh := v.current(), true; ; {
		p, err := conn.Next()
		var closed *client.ClosedError
		if errors.As(err, &closed) && closed.Code == slowCode && !fresh {
			if conn, err = v.reconnect(); err != nil {
				return err
			}
			v.mu.Lock()
			v.conn = conn
			v.mu.Unlock()
			fresh = true
			continue
		}
		if err != nil {
			return err
		}
		fresh = false
		v.mu.Lock()
		_, _ = v.screen.Write(p)
		if v.eof != nil {
			v.eof.Reset(eofPause)
		}
		v.mu.Unlock()
		if _, err := v.a.term.Out.Write(p); err != nil {
			return err
		}
	}
}

// read types what comes from the standard input.
func (v *visit) read() {
	var keys detacher
	keys.off = v.own || !isTerminal(v.a.term.In)
	buf, last := make([]byte, 32<<10), byte('\n')
	for {
		n, err := v.a.term.In.Read(buf)
		p, leave := keys.take(buf[:n])
		if len(p) > 0 {
			last = p[len(p)-1]
			_, _ = v.current().Write(p) // a failure shows where it is read
		}
		if leave {
			v.mu.Lock()
			v.detach = true
			v.mu.Unlock()
			v.current().Close()
			return
		}
		if err != nil {
			v.finish(last)
			return
		}
	}
}

// finish says that the input has ended, as a person would: at the start of a
// line, and to every program that asks again.
func (v *visit) finish(last byte) {
	if last != '\n' {
		_, _ = v.current().Write([]byte{'\n'})
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.eof = time.AfterFunc(eofPause, func() { // does nothing any more after the end
		select {
		case <-v.done:
		default:
			_, _ = v.current().Write([]byte{endOfText})
		}
	})
}

// end says how it ended.
func (v *visit) end(err error) error {
	v.mu.Lock()
	detach := v.detach
	v.mu.Unlock()
	switch {
	case detach:
		fmt.Fprintf(v.a.term.Err, "\nhotcell: left terminal %s, which goes on: %s\n", v.o.ID, v.comeBack())
		return nil
	case errors.Is(err, io.EOF):
		e := v.current().Exit()
		v.a.status = e.Code
		if told := map[string]bool{"": true, "non-zero exit": true, "Ctrl+C": true}; !told[e.Reason] {
			fmt.Fprintf(v.a.term.Err, "hotcell: the terminal has ended: %s\n", e.Reason)
		}
		return nil
	case errors.Is(err, syscall.EPIPE): // whoever read us has enough
		v.a.status = exitPipe
		return v.abandon()
	case v.own:
		return err
	default:
		return fmt.Errorf("%w\nThe terminal may go on: %s", err, v.comeBack())
	}
}

func (v *visit) comeBack() string {
	text := "hotcell shell --url " + v.server.URL + " --id " + v.o.ID
	if v.server.Sandbox != "default" {
		text += " --sandbox " + v.server.Sandbox
	}
	return text
}

// abandon ends a terminal that nobody could come back to.
func (v *visit) abandon() error {
	if v.named || v.own {
		return nil
	}
	ctx, cancel := v.a.patience(shutdownLimit)
	defer cancel()
	err := v.server.Kill(ctx, v.o.ID)
	if refused(err, http.StatusNotFound) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// detacher looks for the keys that leave the terminal, and passes on the rest.
type detacher struct {
	off   bool
	inner bool // something was typed on this line
	tilde bool // a ~ at the start of a line waits for what follows
}

// take returns what to type, and whether to leave.
func (d *detacher) take(p []byte) (out []byte, leave bool) {
	if d.off {
		return p, false
	}
	for _, b := range p {
		if d.tilde {
			d.tilde = false
			if b == detachKey {
				return out, true
			}
			out = append(out, '~')
			d.inner = true
		} else if b == '~' && !d.inner {
			d.tilde = true
			continue
		}
		out = append(out, b)
		d.inner = b != '\r' && b != '\n'
	}
	return out, false
}
