package interpreter_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/clock"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// heard is what an observer was told, in words.
type heard struct {
	mu    sync.Mutex
	words []string
}

func (h *heard) add(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.words = append(h.words, fmt.Sprintf(format, args...))
}

// since returns what came since it was asked last.
func (h *heard) since() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	words := h.words
	h.words = nil
	return words
}

func (h *heard) observe(c *interpreter.Config) {
	c.Observe = interpreter.Observe{
		Did: func(r activity.Record) {
			h.add("%s %s %q %s %d/%d", r.ID, r.Outcome, r.Reason, r.Code, r.Stdout, r.Stderr)
		},
		Output:    func(stream wire.EventType, n int) { h.add("%s %d", stream, n) },
		Started:   func(_, why string) { h.add("started %s", why) },
		Died:      func(_, cause string) { h.add("died %s", cause) },
		Interrupt: func(step string) { h.add("interrupt %s", step) },
		Limit:     func(kind string) { h.add("limit %s", kind) },
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	h := &heard{}
	in := open(t, h.observe)
	h.check(t, "a new context", "started first")
	do := func(code string, limit time.Duration) {
		t.Helper()
		events(t, submit(t, in, interpreter.Request{ID: code, Code: code, Timeout: limit}))
	}
	do("echo four", 0)
	h.check(t, "output", "stdout 5", `echo four ok "" echo four 5/0`)
	do("raise E", 0)
	h.check(t, "an error", `raise E error "" raise E 0/0`)
	do("end forged", 0)
	h.check(t, "a word of the code's own", `end forged unknown "" end forged 0/0`)
	do("hang", 20*time.Millisecond)
	h.check(t, "a time limit", "interrupt 1", `hang timeout "timeout" hang 0/0`)
	do("exit 3", 0)
	h.check(t, "an exit", "died exited", `exit 3 died "kernel_died" exit 3 0/0`)
	do("kill 9", 0)
	h.check(t, "a kill", "started replacement", "died signaled", `kill 9 died "kernel_died" kill 9 0/0`)
	if err := in.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.check(t, "a restart", "started restart")
}

func (h *heard) check(t *testing.T, what string, want ...string) {
	t.Helper()
	if d := cmp.Diff(want, h.since()); d != "" {
		t.Errorf("%s: %s", what, d)
	}
}

// TestObserveWaiting: what never ran is told too, with how long it has waited.
func TestObserveWaiting(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	records := map[string]activity.Record{}
	in := open(t, func(c *interpreter.Config) {
		c.Observe.Did = func(r activity.Record) {
			mu.Lock()
			defer mu.Unlock()
			records[r.ID] = r
		}
	})
	first := submit(t, in, interpreter.Request{ID: "first", Code: "echo on\nhang"})
	r := first.Events(1)
	defer r.Close()
	for on := (wire.Event{}); on.Text == ""; {
		es, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		on = find(es, wire.EventStdout)
	}
	second := submit(t, in, interpreter.Request{ID: "second", Code: "echo", Origin: activity.Origin{Key: "k"}})
	if err := second.Interrupt("not needed", 0); err != nil {
		t.Fatal(err)
	}
	<-second.Done()
	if err := first.Interrupt("enough", 0); err != nil {
		t.Fatal(err)
	}
	<-first.Done()
	mu.Lock()
	defer mu.Unlock()
	if r := records["second"]; r.Outcome != "cancelled" || r.Took != 0 || r.Waited <= 0 || r.Origin.Key != "k" {
		t.Errorf("%+v", r)
	}
	if r := records["first"]; r.Outcome != "interrupted" || r.Took <= 0 {
		t.Errorf("%+v", r)
	}
}

// TestObserveClock: whatever the clock is set to, and however often, nothing has taken
// less than no time, or longer than the test.
func TestObserveClock(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	for _, by := range []time.Duration{year, -year} {
		records := make(chan activity.Record, 1)
		in := open(t, func(c *interpreter.Config) {
			var wrong clock.Clock
			var calls atomic.Int64
			c.Now = func() time.Time { // each time another one
				wrong.Set(by * time.Duration(calls.Add(1)%50))
				return wrong.Now()
			}
			c.Observe.Did = func(r activity.Record) { records <- r }
		})
		events(t, submit(t, in, interpreter.Request{Code: "echo on"}))
		r := <-records
		for name, d := range map[string]time.Duration{"waited": r.Waited, "took": r.Took, "the first event": r.First} {
			if d < 0 || d > time.Minute {
				t.Errorf("by %s: %s: %s", by, name, d)
			}
		}
		if r.First == 0 {
			t.Errorf("by %s: the first event came at once", by)
		}
	}
}
