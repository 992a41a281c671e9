package contexts_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/internal/lives"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/runtimes"
	"hotcell/stream"
)

// server is a set with what outlives it.
func server(t *testing.T, dir string, before *lives.End) (*contexts.Set, *stream.Journal) {
	t.Helper()
	return serverAt(t, dir, before, nil)
}

// serverAt is server with another clock.
func serverAt(t *testing.T, dir string, before *lives.End, now func() time.Time) (*contexts.Set, *stream.Journal) {
	t.Helper()
	j, err := stream.OpenJournal(filepath.Join(dir, "journal"), stream.JournalOptions{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := lives.OpenShelf[contexts.Card](filepath.Join(dir, "contexts"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := contexts.New(t.Context(), contexts.Config{Table: runtimes.NewTable(&fakeRuntime{}), Parked: -1, Store: j, Shelf: shelf, Before: before, Now: now})
	t.Cleanup(func() { s.Close(); j.Close(); _ = shelf.Close() })
	return s, j
}

// read reads an execution to its end, or to an event that is wanted.
func read(t *testing.T, x *interpreter.Execution, upto func(wire.Event) bool) (all []wire.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r := x.Events(1)
	defer r.Close()
	for {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, es...)
		if upto != nil && upto(all[len(all)-1]) {
			return all
		}
	}
}

// only sees what one owner has.
func only(owner string) func(string) bool { return func(other string) bool { return other == owner } }

// TestEvicted: that there was one is told to those alone who might have seen it.
func TestEvicted(t *testing.T) {
	t.Parallel()
	j := stream.NewJournal(t.TempDir(), stream.JournalOptions{Count: 1})
	defer j.Close()
	s := contexts.New(t.Context(), contexts.Config{Table: runtimes.NewTable(&fakeRuntime{}), Parked: -1, Store: j})
	defer s.Close()
	e, err := s.Default(t.Context(), "sb", contexts.Options{Language: "fake"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		x, err := e.Execute(interpreter.Request{ID: id})
		if err != nil {
			t.Fatal(err)
		}
		read(t, x, nil)
	}
	if _, err := s.Execution("1", only("sb")); !errors.Is(err, interpreter.ErrEvicted) {
		t.Errorf("its owner is told: %v", err)
	}
	if _, err := s.Execution("1", only("another")); !errors.Is(err, interpreter.ErrUnknownExecution) {
		t.Errorf("somebody else is told: %v", err)
	}
}

// TestTheNextSet takes over from one that ended without a word.
func TestTheNextSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, _ := server(t, dir, nil)
	kept, err := first.Default(t.Context(), "sb", contexts.Options{Language: "fake"})
	if err != nil {
		t.Fatal(err)
	}
	deleted, err := first.Create(t.Context(), "sb", contexts.Options{Language: "fake"})
	if err != nil {
		t.Fatal(err)
	}
	run := func(e *contexts.Entry, id, code string, upto func(wire.Event) bool) []wire.Event {
		x, err := e.Execute(interpreter.Request{ID: id, Code: code})
		if err != nil {
			t.Fatal(err)
		}
		return read(t, x, upto)
	}
	run(deleted, "of a deleted one", "", nil)
	run(kept, "done", "name", nil)
	seen := run(kept, "hangs", "hang", func(e wire.Event) bool { return e.Type == wire.EventStdout })
	if _, err := kept.Execute(interpreter.Request{ID: "waits"}); err != nil {
		t.Fatal(err)
	}
	if err := first.Delete(t.Context(), "sb", deleted.ID()); err != nil {
		t.Fatal(err)
	}

	now := time.Now()
	next, j := server(t, dir, &lives.End{Seen: now, Again: now})
	for id, want := range map[string]struct {
		status wire.Status
		words  string
	}{
		"of a deleted one": {wire.StatusOK, ""},
		"done":             {wire.StatusOK, ""},
		"hangs":            {wire.StatusDied, "was running, and ended with its fake kernel; its variables are lost: x and 2 more"},
		"waits":            {wire.StatusCancelled, "before this ran"},
	} {
		x, err := next.Execution(id, only("sb"))
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		s, all := x.Snapshot(), read(t, x, nil)
		if s.Status != want.status || s.State != wire.StateDone || s.Events != uint64(len(all)) || all[len(all)-1].Status != want.status {
			t.Errorf("%s: %+v", id, s)
		}
		if (s.Error == nil) != (want.words == "") || s.Error != nil && (!strings.Contains(s.Error.Value, want.words) || s.Error.Cause.Reason != "server_died") {
			t.Errorf("%s: %+v", id, s.Error)
		}
		if id == "hangs" && (all[1].Text != seen[1].Text || all[1].Seq != seen[1].Seq) {
			t.Errorf("%+v were seen, %+v are there", seen, all)
		}
	}
	whoMayKnow(t, next, kept.ID(), deleted.ID())
	again, err := next.Default(t.Context(), "sb", contexts.Options{Language: "fake"})
	if err != nil {
		t.Fatal(err)
	}
	if all := run(again, "new", "", nil); all[1].Type != wire.EventNotice || all[1].LostMore != 2 {
		t.Errorf("the new default context: %+v", all)
	}
	if _, err := again.Execute(interpreter.Request{ID: "done"}); !errors.Is(err, interpreter.ErrDuplicateID) {
		t.Errorf("an old id: %v", err)
	}
	if err := j.Forget("sb"); err != nil {
		t.Error(err)
	}
	if _, err := next.Execution("done", nil); !errors.Is(err, interpreter.ErrUnknownExecution) {
		t.Errorf("of a sandbox that is gone: %v", err)
	}
}

// TestDrain: what runs may end, what waits doesn't run, and nothing more is taken.
func TestDrain(t *testing.T) {
	t.Parallel()
	s, _ := server(t, t.TempDir(), nil)
	e, err := s.Create(t.Context(), "sb", contexts.Options{Language: "fake"})
	if err != nil {
		t.Fatal(err)
	}
	runs, err := e.Execute(interpreter.Request{Code: "hang"})
	if err != nil {
		t.Fatal(err)
	}
	read(t, runs, func(e wire.Event) bool { return e.Type == wire.EventStdout })
	waits, err := e.Execute(interpreter.Request{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	drained := make(chan struct{})
	go func() { s.Drain(ctx); close(drained) }()
	if all := read(t, waits, nil); all[0].Cause.Reason != "shutdown" {
		t.Errorf("%+v", all)
	}
	if _, err := e.Execute(interpreter.Request{}); !errors.Is(err, interpreter.ErrShutdown) {
		t.Errorf("an execution: %v", err)
	}
	if _, err := s.Create(t.Context(), "sb", contexts.Options{Language: "fake"}); !errors.Is(err, contexts.ErrClosed) {
		t.Errorf("a context: %v", err)
	}
	select {
	case <-drained:
		t.Error("it didn't wait")
	default:
	}
	cancel()
	<-drained
	s.Close()
	if s := runs.Snapshot(); s.Status != wire.StatusCancelled || s.Error.Name != "ServerShutdownError" {
		t.Errorf("%+v", s)
	}
}

// whoMayKnow looks for the contexts of a server that has died, with the eyes of their
// owner and of somebody else.
func whoMayKnow(t *testing.T, next *contexts.Set, kept, deleted string) {
	t.Helper()
	var lost *contexts.LostError
	if _, err := next.Find(kept); !errors.As(err, &lost) || !strings.Contains(err.Error(), "the server died") || !strings.Contains(err.Error(), "x and 2 more") {
		t.Errorf("the old context: %v", err)
	}
	if _, err := next.Lookup("another", kept); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("somebody else's: %v", err)
	}
	if _, err := next.Find(deleted); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("one that was deleted: %v", err)
	}
	if _, err := next.See(kept, only("another")); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("whoever doesn't see it is told: %v", err)
	}
	if _, err := next.Executions(kept, only("another")); !errors.Is(err, contexts.ErrNotFound) {
		t.Errorf("and of its executions: %v", err)
	}
	if _, err := next.Execution("done", only("another")); !errors.Is(err, interpreter.ErrUnknownExecution) {
		t.Errorf("and of one: %v", err)
	}
	if all, err := next.Executions(kept, only("sb")); err != nil || len(all) != 3 || all[0].ID() != "done" {
		t.Errorf("of the old context: %d, %v", len(all), err)
	}
	if all := next.Kept(10, only("sb")); len(all) != 4 || len(next.Kept(10, only("another"))) != 0 {
		t.Errorf("%d are kept", len(all))
	}
}
