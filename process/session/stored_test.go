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
	return lastingIn(t, dir, before, func(j *stream.Journal) stream.Store { return j })
}

func lastingIn(t *testing.T, dir string, before *lives.End, store func(*stream.Journal) stream.Store) *session.Set {
	t.Helper()
	j, err := stream.OpenJournal(filepath.Join(dir, "journal"), stream.JournalOptions{})
	if err != nil {
		t.Fatal(err)
	}
	shelf, err := lives.OpenShelf[session.Card](filepath.Join(dir, "sessions"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := session.New(session.Config{Host: process.Host{Scratch: t.TempDir()}, Store: store(j), Shelf: shelf, Before: before})
	t.Cleanup(func() { s.Close(); j.Close(); _ = shelf.Close() })
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

// noteless is a store that doesn't hear of ends, as one whose server is killed just then.
type noteless struct{ *stream.Journal }

func (s noteless) Create(m stream.Meta) (stream.Tape, error) {
	tape, err := s.Journal.Create(m)
	return notelessTape{tape}, err
}

type notelessTape struct{ stream.Tape }

func (t notelessTape) Conclude(first uint64, records [][]byte, _ []byte) error {
	return t.Write(first, records, true)
}

func (t notelessTape) End([]byte) error { return nil }

// TestOnlyTheNoteIsMissing: a command whose log has its end has ended as that says, though
// the store hasn't heard of it.
func TestOnlyTheNoteIsMissing(t *testing.T) {
	t.Parallel()
	dir, place := t.TempDir(), process.Place{Sandbox: "sb", Dir: t.TempDir()}
	first := lastingIn(t, dir, nil, func(j *stream.Journal) stream.Store { return noteless{j} })
	s, err := first.Create(t.Context(), place, "s")
	if err != nil {
		t.Fatal(err)
	}
	c := start(t, s, session.Request{Text: "echo one; (exit 3)"})
	<-c.Done()
	now := time.Now()
	s, err = lasting(t, dir, &lives.End{Seen: now, Again: now}).Lookup("sb", "s")
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Command(c.ID())
	if err != nil {
		t.Fatal(err)
	}
	if code, ended := got.Exit(); !ended || code != 3 || got.Err() != nil {
		t.Errorf("%d, %v, %v", code, ended, got.Err())
	}
	if r := read(t, got); r.out != "one\n" || r.errs != "" {
		t.Errorf("%+v", r)
	}
}
