package driver

import (
	"context"
	"errors"
	"fmt"
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
	kinds := map[string]reflect.Kind{"roots": reflect.Slice, "universe": reflect.Pointer, "scopes": reflect.Map}
	known := map[string]reflect.Type{
		"id": reflect.TypeFor[uint64](), "done": reflect.TypeFor[chan struct{}](),
		"binPkg": reflect.TypeFor[interp.Exports](), "mapTypes": reflect.TypeFor[map[reflect.Value][]reflect.Type](),
	}
	for name, kind := range kinds {
		if f := v.FieldByName(name); !f.IsValid() || f.Kind() != kind {
			return nil, fmt.Errorf("%w: %s", errInterpreter, name)
		}
	}
	for name, t := range known {
		if f := v.FieldByName(name); !f.IsValid() || f.Type() != t {
			return nil, fmt.Errorf("%w: %s", errInterpreter, name)
		}
	}
	e := &engine{
		i:        i,
		id:       (*uint64)(unsafe.Pointer(v.FieldByName("id").UnsafeAddr())), //nolint:gosec // checked above
		done:     open(v.FieldByName("done")).Interface().(chan struct{}),
		roots:    open(v.FieldByName("roots")),
		universe: open(v.FieldByName("universe")),
		scopes:   open(v.FieldByName("scopes")),
	}
	useErrors(open(v.FieldByName("binPkg")).Interface().(interp.Exports),
		open(v.FieldByName("mapTypes")).Interface().(map[reflect.Value][]reflect.Type))
	return e, nil
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
