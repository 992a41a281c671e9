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
	e := &engine{i: i}
	v := reflect.ValueOf(i).Elem()
	id, done := v.FieldByName("id"), v.FieldByName("done")
	if !id.IsValid() || id.Kind() != reflect.Uint64 || !done.IsValid() || done.Type() != reflect.TypeFor[chan struct{}]() {
		return nil, errors.New("this version of the interpreter is not known: yaegi v0.16.1 is needed")
	}
	e.id = (*uint64)(unsafe.Pointer(id.UnsafeAddr()))             //nolint:gosec // checked above
	e.done = *(*chan struct{})(unsafe.Pointer(done.UnsafeAddr())) //nolint:gosec // checked above
	bin, mapped := v.FieldByName("binPkg"), v.FieldByName("mapTypes")
	if bin.Type() != reflect.TypeFor[interp.Exports]() || mapped.Type() != reflect.TypeFor[map[reflect.Value][]reflect.Type]() {
		return nil, errors.New("this version of the interpreter is not known: yaegi v0.16.1 is needed")
	}
	useErrors(*(*interp.Exports)(unsafe.Pointer(bin.UnsafeAddr())), //nolint:gosec // checked above
		*(*map[reflect.Value][]reflect.Type)(unsafe.Pointer(mapped.UnsafeAddr()))) //nolint:gosec // checked above
	return e, nil
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
