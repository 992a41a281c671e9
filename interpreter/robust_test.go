package interpreter_test

import (
	"encoding/json"
	"errors"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

// TestCodeThatNoFrameHolds: control characters take six bytes each in a frame.
func TestCodeThatNoFrameHolds(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "name x")
	too := strings.Repeat("\x01", wire.MaxFrame/6)
	ev := find(events(t, submit(t, in, interpreter.Request{Code: too, Timeout: 20 * time.Second})), wire.EventError)
	if ev.Name != "RequestTooLargeError" || ev.Cause != nil {
		t.Errorf("%+v", ev)
	}
	if _, err := in.Complete(t.Context(), too, 0); err == nil {
		t.Error("a question that no frame holds was answered")
	}
	evs := run(t, in, "echo on")
	if find(evs, wire.EventNotice).Text != "" || find(evs, wire.EventStdout).Text != "on\n" || in.Status().Epoch != 1 {
		t.Errorf("the kernel did not go on: %+v", evs)
	}
}

// TestTheCodeOfWhatEndedIsNotKept: the history holds events, not programs.
func TestTheCodeOfWhatEndedIsNotKept(t *testing.T) {
	in := open(t, nil)
	used := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := used()
	for range 12 {
		run(t, in, "comment "+strings.Repeat("x", 4<<20))
	}
	if grown := used() - before; grown > 20<<20 {
		t.Errorf("12 programs of 4 MB left %d bytes behind", grown)
	}
}

// TestBackgroundEventsAreBounded counts what is no output too.
func TestBackgroundEventsAreBounded(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "displays-after-done 40")
	if _, err := in.Complete(t.Context(), "a", 1); err != nil { // answered behind them
		t.Fatal(err)
	}
	evs := run(t, in, "echo on")
	kept := 0
	for _, ev := range evs {
		if ev.Type == wire.EventDisplay {
			kept++
		}
	}
	if kept == 0 || kept > 10 || !strings.Contains(find(evs, wire.EventNotice).Text, "discarded") {
		t.Errorf("%d displays of 100 kB were kept, notice %q", kept, find(evs, wire.EventNotice).Text)
	}
}

// TestTwoDeathsLoseTheFirstsNames: a kernel that replaced another and did
// nothing must not make the loss of the first one forgotten.
func TestTwoDeathsLoseTheFirstsNames(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "name x")
	for range 2 {
		if err := syscall.Kill(in.Status().Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		for range 2 { // the first may still meet the kernel that dies
			_, _ = in.Complete(t.Context(), "a", 1)
		}
	}
	evs := run(t, in, "echo on")
	if n := find(evs, wire.EventNotice); len(n.Lost) != 1 || n.Lost[0] != "x" || !strings.Contains(n.Text, "lost: x") {
		t.Errorf("%+v", n)
	}
}

// TestASlowQuestionIsInterrupted: asking about code must not cost variables.
func TestASlowQuestionIsInterrupted(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	if _, err := in.Complete(t.Context(), "hang until SIGINT", 0); !errors.Is(err, interpreter.ErrNoAnswer) {
		t.Errorf("%v", err)
	}
	if _, err := in.Complete(t.Context(), "a", 1); err != nil || in.Status().Epoch != 1 {
		t.Errorf("%v, %+v", err, in.Status())
	}
}

// TestTheSnapshotHasTheEvent: the error of a snapshot is the one of the events.
func TestTheSnapshotHasTheEvent(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	e := submit(t, in, interpreter.Request{Code: "raise Oops"})
	want := find(events(t, e), wire.EventError)
	if got := e.Snapshot().Error; got == nil || got.Seq != want.Seq || !got.Time.Equal(want.Time) {
		t.Errorf("%+v, %+v", got, want)
	}
}

// TestWhatIsTooLargeToBeKept is left out, and said; the code goes on.
func TestWhatIsTooLargeToBeKept(t *testing.T) {
	t.Parallel()
	large := json.RawMessage(`"` + strings.Repeat("x", 81<<20) + `"`)
	in := open(t, func(c *interpreter.Config) {
		c.Complete = func(wire.Bundle) wire.Bundle { return wire.Bundle{"text/plain": large} }
	})
	evs := run(t, in, "display x\necho on")
	if n := find(evs, wire.EventNotice); !strings.Contains(n.Text, "display was left out: it is too large to be kept") {
		t.Errorf("notice %q", n.Text)
	}
	if find(evs, wire.EventDisplay).Type != "" || find(evs, wire.EventStdout).Text != "on\n" || evs[len(evs)-1].Status != wire.StatusOK {
		t.Errorf("%d events, the last %+v", len(evs), evs[len(evs)-1])
	}
}

// TestALargeNameIsLost: the error that tells of it is there all the same.
func TestALargeNameIsLost(t *testing.T) {
	t.Parallel()
	j := stream.NewJournal(t.TempDir(), stream.JournalOptions{})
	defer j.Close()
	if _, err := j.Create(stream.Meta{Kind: interpreter.KindExecution, ID: "x", More: []byte("\x01fake")}); err != nil {
		t.Fatal(err)
	}
	stored := func() stream.Stored {
		s, err := interpreter.FindStored(j, "x")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	interpreter.EndStored(stored(), interpreter.Cut{Words: "the server died", Lost: []string{strings.Repeat("x", 41<<20)}, Now: time.Now()})
	got := interpreter.Restore(stored()).Snapshot()
	if ev := got.Error; got.Status != wire.StatusDied || ev == nil || ev.LostMore != 1 || !strings.HasPrefix(ev.Value, "the server died") || len(ev.Value) > 100<<10 {
		t.Errorf("%s, error %v", got.Status, ev != nil)
	}
}
