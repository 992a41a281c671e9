package sandboxes_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clock"
	"hotcell/sandboxes"
)

const (
	minute = 10 * time.Millisecond // of intervals
	long   = 200_000               // minutes: less than an hour, and more than any test
	year   = 365 * 24 * time.Hour
)

// timed are sandboxes whose time is over in half an hour.
type timed struct {
	t       *testing.T
	dir     string
	clock   *clock.Clock
	expired chan string // their names
}

func (x *timed) open(died bool) *sandboxes.Registry {
	x.t.Helper()
	return open(x.t, x.dir, sandboxes.Options{
		Minute: minute, Now: x.clock.Now, Died: died,
		Expired: func(sb sandboxes.Sandbox, _ bool) { x.expired <- sb.Name },
	})
}

// none wants no time to be over but that of a sandbox whose is: those that were over
// before would be told of first.
func (x *timed) none(r *sandboxes.Registry, when string) {
	x.t.Helper()
	began := time.Now()
	create(x.t, r, sandboxes.Spec{Name: "probe", Intervals: sandboxes.Intervals{TTL: 2, AutoDelete: -1}})
	select {
	case name := <-x.expired:
		if took := time.Since(began); name != "probe" || took < 2*minute {
			x.t.Errorf("%s: the time of %q was over after %s", when, name, took)
		}
	case <-time.After(30 * time.Second):
		x.t.Fatalf("%s: nothing's time is ever over", when)
	}
}

// TestClockIsSet: intervals are counted by the clock that nobody sets, and whoever reads
// a record later is told the age.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	x := &timed{t: t, dir: t.TempDir(), clock: &clock.Clock{}, expired: make(chan string, 10)}
	r := x.open(false)
	create(t, r, sandboxes.Spec{Name: "idle", Intervals: sandboxes.Intervals{AutoStop: long, AutoDelete: -1}})
	create(t, r, sandboxes.Spec{Name: "short", Intervals: sandboxes.Intervals{TTL: long, AutoDelete: -1}})
	create(t, r, sandboxes.Spec{Name: "stopped", Intervals: sandboxes.Intervals{AutoDelete: long}})
	if _, err := r.Stop(t.Context(), "stopped"); err != nil {
		t.Fatal(err)
	}
	for _, by := range []time.Duration{time.Hour, -time.Hour, year, -year, 0} {
		x.clock.Set(by)
		x.none(r, by.String())
		if _, err := r.Enter("idle"); err != nil { // which counts from here
			t.Error(err)
		}
	}
	for _, to := range []time.Duration{year, 0, 2 * year} { // while it is served; then it ends
		x.clock.Set(to)
		x.none(r, to.String())
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		r = x.open(false)
		x.none(r, "the next server, at "+to.String())
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	x.clock.Set(-year) // while none is there
	r = x.open(false)
	x.none(r, "everything is in the future")
	for _, name := range []string{"idle", "short", "stopped"} {
		if _, err := r.Lookup(name); err != nil {
			t.Error(err)
		}
	}
}

// TestDied: a server that died has not written down what was used.
func TestDied(t *testing.T) {
	t.Parallel()
	x := &timed{t: t, dir: t.TempDir(), clock: &clock.Clock{}, expired: make(chan string, 10)}
	r := x.open(false)
	create(t, r, sandboxes.Spec{Name: "used", Intervals: sandboxes.Intervals{AutoStop: long, AutoDelete: -1}})
	x.clock.Set(time.Hour)
	if _, err := r.Enter("used"); err != nil {
		t.Fatal(err)
	}
	x.none(x.open(true), "the next server")
	x.open(false) // as after one that was shut down in good order
	if name := <-x.expired; name != "used" {
		t.Errorf("the time of %q was over", name)
	}
}

// TestSetAndDied: a server notices that the clock was set, so that the next one isn't
// misled by what it can't write any more.
func TestSetAndDied(t *testing.T) {
	t.Parallel()
	x := &timed{t: t, dir: t.TempDir(), clock: &clock.Clock{}, expired: make(chan string, 10)}
	said := make(lines, 1)
	r := open(t, x.dir, sandboxes.Options{
		Minute: minute, Now: x.clock.Now, Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	create(t, r, sandboxes.Spec{Name: "short", Intervals: sandboxes.Intervals{TTL: long, AutoDelete: -1}})
	create(t, r, sandboxes.Spec{Name: "stopped", Intervals: sandboxes.Intervals{AutoDelete: long}})
	if _, err := r.Stop(t.Context(), "stopped"); err != nil {
		t.Fatal(err)
	}
	x.clock.Set(year)
	r.ClockSet()
	select {
	case line := <-said:
		if !strings.Contains(line, "the clock was set") {
			t.Error(line)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("nobody notices that the clock was set")
	}
	x.none(x.open(true), "the next server")
}

// lines is a log.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	select {
	case l <- string(p):
	default:
	}
	return len(p), nil
}
