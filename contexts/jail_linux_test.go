package contexts_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hotcell/contexts"
	"hotcell/internal/child"
	"hotcell/interpreter"
	"hotcell/runtimes"
)

// wall is a jail that keeps nobody in. Its first process ends when it is killed.
type wall struct {
	child.Jail
	first *exec.Cmd
	init  *child.First
}

func newWall(t *testing.T) *wall {
	t.Helper()
	pidfd := -1
	w := &wall{first: exec.Command("sleep", "600")}
	w.first.SysProcAttr = &syscall.SysProcAttr{PidFD: &pidfd}
	if err := w.first.Start(); err != nil {
		t.Fatal(err)
	}
	init := os.NewFile(uintptr(pidfd), "init")
	t.Cleanup(func() { w.end(); _ = init.Close() })
	var err error
	if w.init, err = child.NewFirst(init); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wall) Join() child.Join { return child.Join{Init: w.init} }

func (w *wall) CheckDir(path string) error {
	if path == "/elsewhere" {
		return syscall.ENOENT
	}
	return nil
}

func (w *wall) end() {
	_ = w.first.Process.Kill()
	_ = w.first.Wait()
}

// walls are the jails of some owners.
type walls struct {
	mu    sync.Mutex
	of    map[string]*wall
	fault error
}

func (w *walls) find(_ context.Context, owner string) (child.Jail, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fault != nil {
		return nil, w.fault
	}
	if j := w.of[owner]; j != nil {
		return j, nil
	}
	return nil, nil //nolint:nilnil // an owner without one
}

func (w *walls) set(owner string, j *wall) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.of[owner] = j
}

// jailedRuntime notes where its kernels are.
type jailedRuntime struct {
	fakeRuntime
	mu    sync.Mutex
	where map[int]child.Jail
}

func (r *jailedRuntime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	if child.Ended(spec.Jail) {
		return nil, child.ErrJailEnded
	}
	k, err := r.fakeRuntime.Start(ctx, spec)
	if err == nil {
		r.mu.Lock()
		r.where[k.Process.Pid()] = spec.Jail
		r.mu.Unlock()
	}
	return k, err
}

func (r *jailedRuntime) jailOf(e *contexts.Entry) child.Jail {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.where[e.Status().Pid]
}

func jailedSet(t *testing.T, w *walls) (*contexts.Set, *jailedRuntime) {
	t.Helper()
	r := &jailedRuntime{where: make(map[int]child.Jail)}
	s := contexts.New(t.Context(), contexts.Config{Table: runtimes.NewTable(r), Jail: w.find, Jailed: true})
	t.Cleanup(s.Close)
	return s, r
}

// parked waits until so many kernels are.
func parked(t *testing.T, s *contexts.Set, n int) {
	t.Helper()
	for s.Parked()["fake"] != n { // ends with the test's own limit
		if t.Context().Err() != nil {
			t.Fatalf("%v parked", s.Parked())
		}
	}
}

func TestKernelsParkInJails(t *testing.T) {
	t.Parallel()
	w := &walls{of: map[string]*wall{"a": newWall(t), "b": newWall(t)}}
	s, r := jailedSet(t, w)
	s.Warm(t.Context())
	if n := s.Parked()["fake"]; n != 0 {
		t.Errorf("%d are parked for nobody", n)
	}
	in := func(owner string, want *wall) {
		t.Helper()
		e := create(t, s, owner)
		var none child.Jail
		if want != nil {
			none = want
		}
		if got := r.jailOf(e); got != none {
			t.Errorf("a kernel of %s's is in %v, not %v", owner, got, none)
		}
	}
	in("a", w.of["a"])
	parked(t, s, 2)
	in("b", w.of["b"])
	parked(t, s, 4)
	for range 3 { // parked ones and, perhaps, one that wasn't
		in("a", w.of["a"])
		in("b", w.of["b"])
	}
	in("c", nil)
	parked(t, s, 6)
	if err := s.DeleteOwner(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if n := s.Parked()["fake"]; n != 4 {
		t.Errorf("%d are parked when a has gone", n)
	}
	in("b", w.of["b"])
	k, err := s.Kernel(t.Context(), "b", r)
	if err != nil {
		t.Fatal(err)
	}
	if k.Jail != child.Jail(w.of["b"]) {
		t.Errorf("a kernel for a script is in %v", k.Jail)
	}
	discard(k)
	born, err := s.Create(t.Context(), "b", contexts.Options{Language: "fake", Env: map[string]string{"BORN": "1"}})
	if err != nil || r.jailOf(born) != child.Jail(w.of["b"]) {
		t.Errorf("a kernel with variables of its own: %v", err)
	}
}

func discard(k *runtimes.Kernel) {
	_ = k.Process.Signal(syscall.SIGKILL)
	<-k.Process.Done()
	_ = k.Conn.Close()
	_ = k.Stdout.Close()
	_ = k.Stderr.Close()
}

// TestJailEnds: what was parked in a jail that has ended is nobody's, and what
// lived in it is accounted for.
func TestJailEnds(t *testing.T) {
	t.Parallel()
	w := &walls{of: map[string]*wall{"a": newWall(t)}}
	s, r := jailedSet(t, w)
	e := create(t, s, "a")
	parked(t, s, 2)
	w.of["a"].end()
	next := newWall(t)
	w.set("a", next)
	other := create(t, s, "a")
	if got := r.jailOf(other); got != child.Jail(next) {
		t.Errorf("a kernel is in %v", got)
	}
	parked(t, s, 2)
	// The jail's end was the kernel's.
	_ = syscall.Kill(e.Status().Pid, syscall.SIGKILL)
	ex, err := e.Execute(interpreter.Request{Code: "x"})
	if err != nil {
		t.Fatal(err)
	}
	<-ex.Done()
	const want = "killed by SIGKILL with all else in its sandbox, whose first process has ended"
	told := false
	for r := ex.Events(1); !told; {
		events, err := r.Next(t.Context())
		if err != nil {
			t.Fatalf("it was not told how its kernel ended: %v", err)
		}
		for _, event := range events {
			told = told || strings.Contains(event.Text, want)
		}
	}
	if got := r.jailOf(e); got != child.Jail(next) {
		t.Errorf("its next kernel is in %v", got)
	}
	_, err = s.Create(t.Context(), "a", contexts.Options{Language: "fake", Cwd: "/elsewhere"})
	if cwd := (*interpreter.CwdError)(nil); !errors.As(err, &cwd) || !errors.Is(err, syscall.ENOENT) {
		t.Errorf("a directory that isn't inside: %v", err)
	}
	w.fault = errors.New("bwrap is gone")
	if _, err := s.Create(t.Context(), "a", fake); err == nil || !strings.Contains(err.Error(), "isolate the sandbox: bwrap is gone") {
		t.Errorf("%v", err)
	}
}
