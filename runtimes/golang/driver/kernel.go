package driver

import (
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"hotcell/internal/wire"
	"hotcell/runtimes/golang/cell"
	"hotcell/runtimes/golang/std"
)

// maxNames is how many of the user's names go with a done.
const maxNames = 200

// kernel is the interpreter with everything around it. serve alone uses its
// fields, but for what is guarded.
type kernel struct {
	conn     *conn
	streams  *streams
	lib      *std.Library
	engine   *engine
	session  *cell.Session
	trace    *trace
	imported map[string]bool // paths that the interpreter has
	users    *goroutines
	signals  chan os.Signal
	program  bool // it has become a script

	showing sync.Mutex // one display waits for its ack at a time

	mu    sync.Mutex
	id    string        // of the execution that runs; empty between cells
	ask   chan struct{} // closed to interrupt it
	asked bool
}

func newKernel(c *conn, s *streams) (*kernel, error) {
	k := &kernel{conn: c, streams: s, trace: &trace{}, users: newGoroutines(), imported: map[string]bool{}, signals: make(chan os.Signal, 1)}
	c.control = func(wire.Request) { k.interrupt() }
	k.lib = std.New(k.exports())
	e, err := newEngine(k.lib, k.trace)
	if err != nil {
		return nil, err
	}
	k.engine = e
	k.session = cell.NewSession(k.lib)
	return k, nil
}

// takeSignals has SIGINT do nothing to this process. It is for the commands that
// user code runs, and would reach them as ignored if it were ignored here. What
// ends a cell is the frame that comes along with it: frames keep their order,
// so one that is late can't hit the next cell, as a signal could.
func (k *kernel) takeSignals() {
	signal.Reset(syscall.SIGINT) // user code may have taken it for itself
	signal.Notify(k.signals, syscall.SIGINT)
}

func (k *kernel) interrupt() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.id != "" && !k.asked {
		k.asked = true
		close(k.ask)
	}
}

// serve answers requests until the descriptor ends.
func (k *kernel) serve() int {
	for req := range k.conn.requests {
		var err error
		switch req.Type {
		case wire.ReqScript:
			return k.script(req)
		case wire.ReqConfigure:
			err = k.conn.send(k.configure(req))
		case wire.ReqExecute:
			err = k.execute(req)
		case wire.ReqComplete:
			err = k.conn.send(k.complete(req))
		case wire.ReqInspect:
			err = k.conn.send(k.inspect(req))
		case wire.ReqIsComplete:
			m := isComplete(req.Code)
			m.ID = req.ID
			err = k.conn.send(m)
		}
		if err != nil {
			return 1
		}
	}
	return 0
}

func (k *kernel) configure(req wire.Request) wire.Message {
	if req.Cwd != "" {
		if err := os.Chdir(req.Cwd); err != nil {
			return wire.Message{Type: wire.MsgRefused, Value: "change to the working directory: " + err.Error()}
		}
	}
	for name, value := range req.Env {
		if err := os.Setenv(name, value); err != nil {
			return wire.Message{Type: wire.MsgRefused, Value: fmt.Sprintf("set the variable %q: %v", name, err)}
		}
	}
	return wire.Message{Type: wire.MsgReady}
}

// execute runs one cell: restore what user code may have broken, compile, run,
// report.
func (k *kernel) execute(req wire.Request) error {
	k.streams.restore()
	k.takeSignals()
	restore, err := setEnv(req.Env)
	defer restore()
	done := wire.Message{Type: wire.MsgDone, ID: req.ID, Status: "ok"}
	if err != nil {
		done.Status = "error"
		if err := k.conn.send(wire.Message{Type: wire.MsgError, ID: req.ID, Name: "EnvironmentError", Value: err.Error(), Traceback: err.Error()}); err != nil {
			return err
		}
	} else if fail := k.cell(req); fail != nil {
		done.Status = "error"
		if fail.interrupted {
			done.Status = "interrupted"
		}
		m := wire.Message{Type: wire.MsgError, ID: req.ID, Name: fail.name, Value: clip(fail.value), Traceback: clip(fail.traceback)}
		if err := k.conn.send(m); err != nil {
			return err
		}
	}
	done.Names = k.session.Names()
	if n := len(done.Names); n > maxNames {
		done.Names, done.More = done.Names[:maxNames], n-maxNames
	}
	return k.conn.send(done)
}

// maxError bounds the texts of an error, which have to fit a frame.
const maxError = 256 << 10

// clip cuts a long text in the middle.
func clip(s string) string {
	if len(s) > maxError {
		s = s[:maxError/2] + "\n…\n" + s[len(s)-maxError/2:]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// setEnv sets variables for one run.
func setEnv(env map[string]string) (restore func(), err error) {
	type before struct {
		value string
		was   bool
	}
	old := map[string]before{}
	restore = func() {
		for name, b := range old {
			if b.was {
				_ = os.Setenv(name, b.value)
			} else {
				_ = os.Unsetenv(name)
			}
		}
	}
	for name, value := range env {
		v, was := os.LookupEnv(name)
		if err := os.Setenv(name, value); err != nil {
			return restore, fmt.Errorf("set the variable %q: %w", name, err)
		}
		old[name] = before{v, was}
	}
	return restore, nil
}

// fault is how a cell ended when it didn't end well.
type fault struct {
	name, value, traceback string
	interrupted            bool
}

// cell compiles a cell and runs it.
func (k *kernel) cell(req wire.Request) (f *fault) {
	defer func() {
		if r := recover(); r != nil {
			f = &fault{name: "InternalError", value: fmt.Sprint(r), traceback: fmt.Sprintf("the Go driver failed: %v\n%s", r, debug.Stack())}
		}
	}()
	prog, cerr := k.session.Compile(req.Code)
	if cerr != nil {
		return &fault{name: cerr.Name, value: cerr.Value, traceback: cerr.Traceback}
	}
	compiled, file, err := k.compile(prog)
	defer k.forget(prog, file)
	if err != nil {
		return k.unsupported(prog, err)
	}
	if prog.Func == "" {
		_, err := k.engine.i.Execute(compiled)
		if err != nil {
			return k.unsupported(prog, err)
		}
		prog.Commit()
		return nil
	}
	prog.Commit()
	return k.run(req.ID, compiled)
}
