package interpreter_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

// disk is a store on one that is full, or slow, when the test says so.
type disk struct {
	*stream.Journal

	full atomic.Bool
	slow atomic.Pointer[chan struct{}] // Create waits for it
	made chan struct{}
}

type diskTape struct {
	stream.Tape

	d *disk
}

func (d *disk) Create(m stream.Meta) (stream.Tape, error) {
	tape, err := d.Journal.Create(m)
	if wait := d.slow.Load(); wait != nil {
		d.made <- struct{}{}
		<-*wait
	}
	return diskTape{tape, d}, err
}

func (t diskTape) Write(first uint64, records [][]byte, last bool) error {
	if t.d.full.Load() && !last {
		return stream.ErrNoSpace
	}
	return t.Tape.Write(first, records, last)
}

// TestWhatCannotBeginDoesNotRun: who reads the events later would be told that it hadn't.
func TestWhatCannotBeginDoesNotRun(t *testing.T) {
	t.Parallel()
	d := &disk{Journal: journal(t, stream.JournalOptions{})}
	in := open(t, func(c *interpreter.Config) { c.Store = d })
	first := submit(t, in, interpreter.Request{Code: "hang"})
	next(t, first)
	waits := submit(t, in, interpreter.Request{Code: "name x\necho on"})
	d.full.Store(true)
	if err := first.Interrupt("enough", 0); err != nil {
		t.Fatal(err)
	}
	got := events(t, waits)
	ev, end := find(got, wire.EventError), got[len(got)-1]
	if ev.Name != "OutputLimitError" || !strings.Contains(ev.Value, "disk that keeps the events is full; it ended before its code ran") || end.Status != wire.StatusCancelled {
		t.Errorf("%+v, %+v", ev, end)
	}
	d.full.Store(false)
	if find(got, wire.EventStdout).Text != "" {
		t.Error("it ran")
	}
	if got := run(t, in, "echo on"); got[len(got)-1].Status != wire.StatusOK {
		t.Errorf("the next: %+v", got)
	}
}

// next waits for an execution's first event.
func next(t *testing.T, e *interpreter.Execution) {
	t.Helper()
	r := e.Events(1)
	defer r.Close()
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestWhatIsBeingCreatedIsNotThereYet: nobody takes it for one that has ended.
func TestWhatIsBeingCreatedIsNotThereYet(t *testing.T) {
	t.Parallel()
	d := &disk{Journal: journal(t, stream.JournalOptions{}), made: make(chan struct{})}
	in := open(t, func(c *interpreter.Config) { c.Store = d })
	goOn := make(chan struct{})
	d.slow.Store(&goOn)
	done := make(chan error, 1)
	go func() { // ends when the disk goes on
		_, err := in.Execute(interpreter.Request{ID: "x", Code: "echo on", Timeout: 20 * time.Second})
		done <- err
	}()
	<-d.made
	if e, err := in.Execution("x"); !errors.Is(err, interpreter.ErrUnknownExecution) {
		t.Errorf("%+v, %v", e, err)
	}
	if all := in.Executions(); len(all) != 0 {
		t.Errorf("%d executions", len(all))
	}
	close(goOn)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	e, err := in.Execution("x")
	if err != nil {
		t.Fatal(err)
	}
	events(t, e)
	if all := in.Executions(); !slices.ContainsFunc(all, func(e *interpreter.Execution) bool { return e.ID() == "x" }) {
		t.Errorf("%d executions", len(all))
	}
}
