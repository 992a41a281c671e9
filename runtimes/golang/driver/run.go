package driver

import (
	"errors"
	"fmt"
	"go/token"
	"regexp"
	"strconv"
	"time"

	"github.com/traefik/yaegi/interp"

	"hotcell/runtimes/golang/cell"
)

// grace is how long interrupted code may take to stop by itself. Interpreted
// code takes microseconds; what is left after that waits inside compiled code
// and is left behind.
const grace = 150 * time.Millisecond

// compile has the interpreter take a program. Some input makes it panic.
func (k *kernel) compile(p *cell.Program) (prog *interp.Program, file *token.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	defer k.engine.forget()
	for _, imp := range p.Imports {
		if k.imported[imp.Path] {
			continue
		}
		if _, err := k.engine.i.Eval(fmt.Sprintf("package main\nimport %s %q\n", imp.Alias, imp.Path)); err != nil {
			return nil, nil, fmt.Errorf("import %s: %w", imp.Path, err)
		}
		k.imported[imp.Path] = true
	}
	tree, file, err := k.engine.parse(p.Source)
	if err != nil {
		return nil, file, err
	}
	prog, err = k.engine.i.CompileAST(tree)
	return prog, file, err
}

// forget lets go of a cell that has ended, if nothing of it can run again.
func (k *kernel) forget(p *cell.Program, file *token.File) {
	if p.Passing && file != nil {
		k.engine.i.FileSet().RemoveFile(file)
	}
	k.session.Forget(p)
}

// located matches an error of the interpreter that has a place.
var located = regexp.MustCompile(`(?s)^(?:.*?panic: )?(\d+):\d+: (.*)$`)

// unsupported is the answer to a cell that is right but that the interpreter refuses.
func (k *kernel) unsupported(p *cell.Program, err error) *fault {
	msg := plainNames(err.Error())
	at, what := p.Name, msg
	if m := located.FindStringSubmatch(msg); m != nil {
		what = m[2]
		n, _ := strconv.Atoi(m[1])
		if name, line, ok := k.session.Place(n); ok {
			at = fmt.Sprintf("%s:%d", name, line)
		}
	}
	return &fault{
		name:      "Unsupported",
		value:     "valid Go, but the interpreter can't run it: " + what,
		traceback: fmt.Sprintf("%s: the interpreter can't run this: %s\n%s", at, what, k.trace.excerpt(k.session, at)),
	}
}

// run executes a compiled cell on a goroutine of its own and waits for its end
// or for an interrupt.
func (k *kernel) run(id string, prog *interp.Program) *fault {
	k.trace.reset()
	k.mu.Lock()
	ask := make(chan struct{})
	k.id, k.ask, k.asked = id, ask, false
	k.mu.Unlock()
	ended := make(chan error, 1)
	// Ends with the cell, or, after an interrupt, when it comes back from compiled code.
	go func() {
		err := errors.New("runtime.Goexit was called")
		defer func() { ended <- err }()
		k.users.start()
		defer k.users.end()
		_, err = k.engine.i.Execute(prog)
	}()
	var err error
	interrupted := false
	select {
	case err = <-ended:
	case <-ask:
		interrupted = true
		k.stop()
	}
	k.mu.Lock()
	k.id = ""
	k.mu.Unlock()
	if interrupted {
		return &fault{
			name: "Interrupted", value: "the cell was interrupted; variables are kept, goroutines were ended",
			traceback: "Interrupted: the cell was interrupted; variables are kept, goroutines were ended", interrupted: true,
		}
	}
	if err != nil {
		return k.failed(err)
	}
	return nil
}

// stop ends all user code, or leaves behind what doesn't come back in time.
func (k *kernel) stop() {
	resume := k.engine.halt()
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-k.users.none():
	case <-t.C:
		k.users.condemn()
	}
	resume()
}

// failed says how user code failed.
func (k *kernel) failed(err error) *fault {
	var p interp.Panic
	if !errors.As(err, &p) {
		return &fault{name: "error", value: plainNames(err.Error()), traceback: plainNames(err.Error())}
	}
	name, value := describe(p.Value)
	return &fault{name: name, value: value, traceback: k.trace.text(k.session, name, value)}
}
