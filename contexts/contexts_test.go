package contexts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"hotcell/contexts"
	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/runtimes"
)

const fakeVar = "HOTCELL_FAKE_DRIVER"

// TestMain is also the fake driver: it says done to everything.
func TestMain(m *testing.M) {
	if os.Getenv(fakeVar) == "" {
		goleak.VerifyTestMain(m)
		return
	}
	conn := os.NewFile(wire.ProtocolFD, "protocol")
	say := func(m wire.Message) { _ = wire.WriteFrame(conn, m) }
	say(wire.Message{Type: wire.MsgHello, Protocol: wire.ProtocolVersion, Version: "1.0"})
	for {
		var r wire.Request
		if wire.ReadFrame(conn, &r) != nil {
			os.Exit(0)
		}
		switch r.Type {
		case wire.ReqConfigure:
			say(wire.Message{Type: wire.MsgReady})
		case wire.ReqExecute:
			fmt.Println(os.Getpid())
			switch r.Code {
			case "hang":
			case "name":
				say(wire.Message{Type: wire.MsgDone, ID: r.ID, Status: "ok", Names: []string{"x"}, More: 2})
			default:
				say(wire.Message{Type: wire.MsgDone, ID: r.ID, Status: "ok"})
			}
		}
	}
}

// fakeRuntime starts fake drivers and counts them.
type fakeRuntime struct {
	mu     sync.Mutex
	starts int
	births int
	fault  string
	gate   chan struct{} // a start waits for it; nil: for nothing
	broken error         // what a start ends in
}

func (f *fakeRuntime) Info() runtimes.Info {
	return runtimes.Info{Name: "fake", Languages: []string{"fake"}, Aliases: []string{"f=fake"}, Fault: f.fault}
}

func (f *fakeRuntime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	f.mu.Lock()
	f.starts++
	f.births += len(spec.Env)
	broken := f.broken
	f.mu.Unlock()
	if f.gate != nil {
		<-f.gate
	}
	if broken != nil {
		return nil, broken
	}
	return runtimes.Launch(ctx, child.Spec{Path: os.Args[0], Env: []string{fakeVar + "=1"}})
}

func (f *fakeRuntime) Translate(_, code string) (string, *runtimes.UserError) { return code, nil }
func (f *fakeRuntime) Close() error                                           { return nil }

func (f *fakeRuntime) BirthEnv(env map[string]string) map[string]string {
	if v, ok := env["BORN"]; ok {
		return map[string]string{"BORN": v}
	}
	return nil
}

func newSet(t *testing.T, f *fakeRuntime, change func(*contexts.Config)) *contexts.Set {
	t.Helper()
	cfg := contexts.Config{Table: runtimes.NewTable(f)}
	if change != nil {
		change(&cfg)
	}
	s := contexts.New(t.Context(), cfg)
	t.Cleanup(s.Close)
	return s
}

var fake = contexts.Options{Language: " F "}

func create(t *testing.T, s *contexts.Set, owner string) *contexts.Entry {
	t.Helper()
	e, err := s.Create(t.Context(), owner, fake)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestOwnersSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, nil)
	a, b := create(t, s, "a"), create(t, s, "b")
	if a.Language() != "fake" {
		t.Errorf("language %q", a.Language())
	}
	if got, err := s.Lookup("a", a.ID()); err != nil || got != a {
		t.Errorf("%v %v", got, err)
	}
	if _, err := s.Lookup("a", b.ID()); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := s.Delete(t.Context(), "a", b.ID()); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if got := s.List("a"); len(got) != 1 || got[0] != a {
		t.Errorf("%v", got)
	}
	if err := s.DeleteOwner(t.Context(), "a"); err != nil || len(s.All()) != 1 {
		t.Errorf("%v, %d left", err, len(s.All()))
	}
}

func TestDefaultContext(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, nil)
	var wg sync.WaitGroup
	got := make([]*contexts.Entry, 8)
	for i := range got {
		wg.Go(func() { got[i], _ = s.Default(t.Context(), "a", fake) })
	}
	wg.Wait()
	for _, e := range got {
		if e == nil || e != got[0] || !e.Default {
			t.Fatalf("%v", got)
		}
	}
	if len(s.List("a")) != 0 || len(s.All()) != 1 {
		t.Error("listed")
	}
	for _, id := range []string{contexts.DefaultID, got[0].ID()} {
		if err := s.Delete(t.Context(), "a", id); !errors.Is(err, contexts.ErrDefault) {
			t.Errorf("delete %s: %v", id, err)
		}
	}
	if e, err := s.Lookup("a", contexts.DefaultID); err != nil || e != got[0] {
		t.Errorf("%v %v", e, err)
	}
}

func TestParkedKernelsAreTakenAndReplaced(t *testing.T) {
	t.Parallel()
	f := &fakeRuntime{}
	s := newSet(t, f, func(c *contexts.Config) { c.Parked = 3 })
	s.Warm(t.Context())
	if n := s.Parked()["fake"]; n != 3 {
		t.Fatalf("%d parked", n)
	}
	e := create(t, s, "a")
	if err := syscall.Kill(e.Status().Pid, 0); err != nil {
		t.Error(err)
	}
	if _, err := s.Create(t.Context(), "a", contexts.Options{Language: "fake", Env: map[string]string{"BORN": "yes", "OTHER": "x"}}); err != nil {
		t.Fatal(err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.births != 1 {
		t.Errorf("%d variables at birth", f.births)
	}
}

func TestLimitAndFault(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) { c.Limit = 2; c.Parked = -1 })
	create(t, s, "a")
	e := create(t, s, "a")
	if _, err := s.Create(t.Context(), "a", fake); !errors.Is(err, contexts.ErrLimit) {
		t.Errorf("%v", err)
	}
	if err := s.Delete(t.Context(), "a", e.ID()); err != nil {
		t.Fatal(err)
	}
	create(t, s, "a")
	if _, err := s.Create(t.Context(), "a", contexts.Options{Language: "cobol"}); !errors.Is(err, runtimes.ErrUnknownLanguage) {
		t.Errorf("%v", err)
	}
	broken := newSet(t, &fakeRuntime{fault: "fake 1 found; 2 is needed"}, nil)
	if _, err := broken.Create(t.Context(), "a", fake); !errors.Is(err, runtimes.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// TestReady: a set is ready when the first kernels are parked, or none can be.
func TestReady(t *testing.T) {
	t.Parallel()
	f := &fakeRuntime{gate: make(chan struct{})}
	s := newSet(t, f, nil)
	if !s.Parking() || s.Ready()["fake"] == nil {
		t.Error("ready before there is a kernel")
	}
	close(f.gate)
	s.Warm(t.Context())
	if err := s.Ready()["fake"]; s.Parking() || err != nil {
		t.Errorf("%v", err)
	}
	broken := newSet(t, &fakeRuntime{broken: errors.New("no memory")}, nil)
	broken.Warm(t.Context())
	if err := broken.Ready()["fake"]; broken.Parking() || err == nil || err.Error() != "no memory" {
		t.Errorf("%v", err)
	}
	if all := newSet(t, &fakeRuntime{fault: "not there"}, nil).Ready(); len(all) != 0 {
		t.Errorf("%v", all)
	}
}

// TestOwnersWhoLeftGetNothing: a context that was being made when its owner
// was ended would be nobody's.
func TestOwnersWhoLeftGetNothing(t *testing.T) {
	t.Parallel()
	gone := errors.New("gone")
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) {
		c.Admit = func(owner string) error {
			if owner == "left" {
				return gone
			}
			return nil
		}
	})
	if _, err := s.Create(t.Context(), "left", fake); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	for range 2 { // nothing is left of the first attempt
		if _, err := s.Default(t.Context(), "left", fake); !errors.Is(err, gone) {
			t.Errorf("%v", err)
		}
	}
	if len(s.All()) != 0 {
		t.Errorf("%v", s.All())
	}
	create(t, s, "here")
}

func TestIdleContextsExpire(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) { c.IdleTimeout = 30 * time.Millisecond })
	e := create(t, s, "a")
	ex, err := e.Execute(interpreter.Request{Code: "x"})
	if err != nil {
		t.Fatal(err)
	}
	<-ex.Done()
	pid := e.Status().Pid
	for syscall.Kill(pid, 0) == nil { // ends with the test's own limit
		if _, err := s.Lookup("a", e.ID()); err != nil {
			break
		}
		<-time.After(5 * time.Millisecond)
	}
	if _, err := s.Lookup("a", e.ID()); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// TestLifetime ends a context in the middle of what it runs.
func TestLifetime(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) { c.Lifetime = 100 * time.Millisecond })
	e := create(t, s, "a")
	for {
		ex, err := e.Execute(interpreter.Request{Code: "x"})
		if err != nil {
			if !errors.Is(err, interpreter.ErrClosed) {
				t.Error(err)
			}
			break
		}
		<-ex.Done()
	}
	if _, err := s.Lookup("a", e.ID()); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestOwnerLimit(t *testing.T) {
	t.Parallel()
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) { c.OwnerLimit = 2 })
	first := create(t, s, "a")
	create(t, s, "a")
	if _, err := s.Create(t.Context(), "a", contexts.Options{Language: "fake"}); !errors.Is(err, contexts.ErrLimit) || !strings.Contains(err.Error(), "in this sandbox: it has 2 already") {
		t.Errorf("%v", err)
	}
	create(t, s, "b")
	if err := s.End(t.Context(), first); err != nil {
		t.Error(err)
	}
	create(t, s, "a")
}

func TestNothingIsLeft(t *testing.T) {
	s := newSet(t, &fakeRuntime{}, func(c *contexts.Config) { c.Limit = 100 })
	s.Warm(t.Context())
	before := descriptors(t)
	for range 10 {
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				e, err := s.Create(t.Context(), "a", fake)
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Delete(t.Context(), "a", e.ID()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	s.Close()
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	if _, err := s.Create(t.Context(), "a", fake); !errors.Is(err, contexts.ErrClosed) {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(0, len(s.All())); d != "" {
		t.Error(d)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}
