package session_test

import (
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/process/session"
	"hotcell/stream"
)

// lasting is a set whose sessions the next one knows.
func lasting(t *testing.T, dir string, before *lives.End) *session.Set {
	t.Helper()
	j, err := stream.OpenJournal(filepath.Join(dir, "journal"), stream.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := lives.NewShelf[session.Card](filepath.Join(dir, "sessions"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(session.Config{Host: process.Host{Scratch: t.TempDir()}, Store: j, Shelf: shelf, Before: before})
	t.Cleanup(func() { s.Close(); j.Close() })
	return s
}

// TestTheNextSet has what a set had that ended without a word.
func TestTheNextSet(t *testing.T) {
	t.Parallel()
	dir, place := t.TempDir(), process.Place{Sandbox: "sb", Dir: t.TempDir()}
	first := lasting(t, dir, nil)
	for _, id := range []string{"a/b", "deleted"} {
		if _, err := first.Create(t.Context(), place, id); err != nil {
			t.Fatal(err)
		}
	}
	old, err := first.Lookup("sb", "a/b")
	if err != nil {
		t.Fatal(err)
	}
	done := start(t, old, session.Request{Text: "echo one; echo two >&2; (exit 3)"})
	<-done.Done()
	runs := start(t, old, session.Request{Text: "echo three; sleep 600"})
	until(t, runs, "three")
	waits := start(t, old, session.Request{Text: "echo never"})
	if err := first.Delete(t.Context(), "sb", "deleted"); err != nil {
		t.Fatal(err)
	}

	now := time.Now()
	next := lasting(t, dir, &lives.End{Seen: now, Again: now})
	s, err := next.Lookup("sb", "a/b")
	if err != nil {
		t.Fatal(err)
	}
	if all := next.List("sb"); len(all) != 1 || len(s.Commands()) != 3 {
		t.Fatalf("%d sessions, %d commands", len(all), len(s.Commands()))
	}
	for c, want := range map[*session.Command]struct {
		code         int
		text, stdout string
		words        string
	}{
		done:  {3, done.Text(), "one\n", ""},
		runs:  {-1, runs.Text(), "three\n", "the server died"},
		waits: {-1, waits.Text(), "", "the server died"},
	} {
		got, err := s.Command(c.ID())
		if err != nil {
			t.Fatal(err)
		}
		code, ended := got.Exit()
		r := read(t, got)
		if !ended || code != want.code || got.Text() != want.text || r.out != want.stdout || !strings.Contains(r.errs, want.words) || (got.Err() == nil) != (want.words == "") {
			t.Errorf("%q: %d, %+v, %v", want.text, code, r, got.Err())
		}
	}
	var ended *session.EndedError
	if _, err := s.Execute(session.Request{Text: "true"}); !errors.As(err, &ended) || !strings.Contains(err.Error(), "the server died") {
		t.Errorf("a command for it: %v", err)
	}
	fresh, err := next.Create(t.Context(), place, "a/b")
	if err != nil || len(fresh.Commands()) != 0 {
		t.Fatalf("one of the same name: %v", err)
	}
	if r := run(t, fresh, "echo anew"); r.out != "anew\n" {
		t.Errorf("%+v", r)
	}
	if err := next.Delete(t.Context(), "sb", "a/b"); err != nil {
		t.Error(err)
	}
	if all := lasting(t, dir, nil).List("sb"); len(all) != 0 {
		t.Errorf("%d sessions after all were deleted", len(all))
	}
}
