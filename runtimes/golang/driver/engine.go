package driver

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"reflect"
	"sync/atomic"
	"unsafe"

	"github.com/traefik/yaegi/interp"

	"hotcell/runtimes/golang/std"
)

var errInterpreter = errors.New("this version of the interpreter is not known, yaegi v0.16.1 is needed: its field differs")

// engine is the interpreter, and the two private fields of it by which running
// code is ended.
//
// The interpreter's own way to cancel can't be used: it retires the run's
// number and closes its channel, and every function value that was made
// before then does nothing, silently, for ever. So the number is changed only
// while code is being ended, and the channel is sent to, not closed.
type engine struct {
	i    *interp.Interpreter
	id   *uint64
	done chan struct{}
	// What the interpreter keeps of every program.
	roots, universe, scopes reflect.Value
}

func newEngine(lib *std.Library, trace io.Writer) (*engine, error) {
	i := interp.New(interp.Options{Unrestricted: true, Stderr: trace})
	if err := i.Use(lib.Exports()); err != nil {
		return nil, fmt.Errorf("load the standard library: %w", err)
	}
	// The first run with a context makes the channel and turns on channel
	// operations that can be ended; later runs keep both.
	if _, err := i.EvalWithContext(context.Background(), "package main"); err != nil {
		return nil, fmt.Errorf("start the interpreter: %w", err)
	}
	return reach(i)
}

// reach finds the private fields. The version of the interpreter is pinned;
// another one is refused here, before it can do harm.
func reach(i *interp.Interpreter) (*engine, error) {
	v := reflect.ValueOf(i).Elem()
	e := &engine{i: i}
	id, err := private[uint64](v, "id")
	if err != nil {
		return nil, err
	}
	done, err := private[chan struct{}](v, "done")
	if err != nil {
		return nil, err
	}
	bin, err := private[interp.Exports](v, "binPkg")
	if err != nil {
		return nil, err
	}
	mapped, err := private[map[reflect.Value][]reflect.Type](v, "mapTypes")
	if err != nil {
		return nil, err
	}
	for name, to := range map[string]*reflect.Value{"roots": &e.roots, "universe": &e.universe, "scopes": &e.scopes} {
		f := v.FieldByName(name)
		if !f.IsValid() {
			return nil, fmt.Errorf("%w: %s", errInterpreter, name)
		}
		*to = open(f)
	}
	e.id, e.done = id, *done
	useErrors(*bin, *mapped)
	return e, nil
}

// private is the address of an unexported field, if it is what is expected.
func private[T any](v reflect.Value, name string) (*T, error) {
	f := v.FieldByName(name)
	if !f.IsValid() || f.Type() != reflect.TypeFor[T]() {
		return nil, fmt.Errorf("%w: %s", errInterpreter, name)
	}
	return (*T)(unsafe.Pointer(f.UnsafeAddr())), nil //nolint:gosec // its type was checked
}

// forget lets go of the trees of programs that nothing refers to any more. The
// interpreter keeps them, and the scopes of their functions, for a debugger.
func (e *engine) forget() {
	e.roots.SetZero()
	for _, scope := range []reflect.Value{e.universe, e.scopes.MapIndex(reflect.ValueOf("main"))} {
		if !scope.IsValid() || scope.IsNil() {
			continue
		}
		if child := scope.Elem().FieldByName("child"); child.Kind() == reflect.Slice {
			open(child).SetZero()
		}
	}
}

// open makes an unexported field settable.
func open(field reflect.Value) reflect.Value {
	return reflect.NewAt(field.Type(), unsafe.Pointer(field.UnsafeAddr())).Elem() //nolint:gosec // the address of a field
}

// parse reads a file for the interpreter, whose own Compile would read it three times and keep the
// places of each for good. The place of this one among all files is there with a fault too.
func (e *engine) parse(src string) (*ast.File, *token.File, error) {
	fset := e.i.FileSet()
	tree, err := parser.ParseFile(fset, interp.DefaultSourceName, src, parser.DeclarationErrors)
	file := fset.File(tree.FileStart)
	if err != nil {
		return nil, file, fmt.Errorf("parse: %w", err)
	}
	return tree, file, nil
}

// halt makes interpreted code stop at its next step, wherever it runs, until
// the returned function is called.
func (e *engine) halt() (resume func()) {
	atomic.AddUint64(e.id, 1)
	quit, ended := make(chan struct{}), make(chan struct{})
	// Wakes whoever waits in a channel operation; ends with resume.
	go func() {
		defer close(ended)
		for {
			select {
			case e.done <- struct{}{}:
			case <-quit:
				return
			}
		}
	}()
	return func() {
		close(quit)
		<-ended
		atomic.AddUint64(e.id, ^uint64(0))
	}
}
