package interpreter_test

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/runtimes"
)

// parked hands out kernels that have waited, the first of which may have had
// something done to it.
func parked(first func(*runtimes.Kernel)) func(context.Context) (*runtimes.Kernel, error) {
	start := spawn("plain")
	return func(ctx context.Context) (*runtimes.Kernel, error) {
		k, err := start(ctx)
		if err != nil {
			return nil, err
		}
		if k.Parked = true; first != nil {
			first(k)
			first = nil
		}
		return k, nil
	}
}

func TestParkedIsUsed(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) { c.Spawn = parked(nil) })
	evs := run(t, in, "echo hello")
	if find(evs, wire.EventStdout).Text != "hello\n" || find(evs, wire.EventNotice).Text != "" || in.Status().Epoch != 1 {
		t.Errorf("%v", brief(evs))
	}
}

// TestParkedRefuses: what Open could not foresee is told by the first execution.
func TestParkedRefuses(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) {
		c.Spawn, c.Env = parked(nil), map[string]string{"REFUSE": "not today"}
	})
	for range 2 {
		ev := find(run(t, in, "echo hello"), wire.EventError)
		if ev.Name != "KernelStartError" || !strings.Contains(ev.Value, "not today") || ev.Cause == nil || ev.Cause.Reason != "start_failed" {
			t.Errorf("%+v", ev)
		}
	}
}

// TestParkedRefusesAtOnce: what can't be said in one go is waited for.
func TestParkedRefusesAtOnce(t *testing.T) {
	t.Parallel()
	in, err := interpreter.Open(t.Context(), interpreter.Config{
		Language: "fake", Spawn: parked(nil),
		Env: map[string]string{"REFUSE": "not today", "LONG": strings.Repeat("x", 1<<20)},
	})
	if err == nil {
		in.Close(interpreter.Deleted())
	}
	if err == nil || !strings.Contains(err.Error(), "not today") {
		t.Errorf("%v", err)
	}
}

// TestParkedDies: one that dies while it becomes a context's is replaced, and the
// first execution says so.
func TestParkedDies(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) {
		c.Spawn = parked(func(k *runtimes.Kernel) { _ = k.Process.Signal(syscall.SIGKILL) })
	})
	evs := run(t, in, "echo hello")
	if notice := find(evs, wire.EventNotice); !strings.Contains(notice.Text, "new fake kernel") || notice.Epoch != 2 {
		t.Errorf("notice %+v", notice)
	}
	if find(evs, wire.EventStdout).Text != "hello\n" {
		t.Errorf("%v", brief(evs))
	}
}

// TestParkedIsSilent: a context whose kernel says nothing can be closed, and what
// waits for it is told.
func TestParkedIsSilent(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) {
		c.Spawn, c.Env = parked(nil), map[string]string{"SILENT": "yes"}
	})
	e := submit(t, in, interpreter.Request{Code: "echo hello"})
	began := time.Now()
	in.Close(interpreter.Deleted())
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("closing took %s", took)
	}
	if ev := find(events(t, e), wire.EventError); ev.Name != "ContextDeletedError" {
		t.Errorf("%+v", ev)
	}
}

// TestOnEnd: whoever asked is called once, with all events there.
func TestOnEnd(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	e := submit(t, in, interpreter.Request{Code: "ask", Stdin: true})
	called := make(chan uint64, 4)
	note := func() { called <- e.Snapshot().Events }
	stopLate, stopEarly := e.OnEnd(note), e.OnEnd(func() { t.Error("called after it was stopped") })
	if stopLate == nil || stopEarly == nil || !stopEarly() || stopEarly() {
		t.Fatal("stop is wrong about itself")
	}
	for r := e.Events(1); ; {
		es, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if find(es, wire.EventInputRequest).Type != "" {
			break
		}
	}
	if err := e.Reply("x", false, nil); err != nil {
		t.Fatal(err)
	}
	all := events(t, e)
	if got := <-called; got != uint64(len(all)) {
		t.Errorf("called with %d of %d events", got, len(all))
	}
	if stopLate() || len(called) > 0 {
		t.Error("called again, or to be called")
	}
	if e.OnEnd(note) != nil {
		t.Error("it has ended already")
	}
}
