package lives_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/internal/lives"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func begin(t *testing.T, dir string, now time.Time) *lives.Life {
	t.Helper()
	l, err := lives.Begin(dir, now, quiet())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// TestLives: a server that died, one that was shut down, and one whose record is spoilt.
func TestLives(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)
	if e := begin(t, dir, now).Before(); e != nil {
		t.Errorf("the first: %+v", e)
	}
	l := begin(t, dir, now.Add(time.Hour))
	l.Seen(now.Add(time.Minute))
	l.Seen(now.Add(2 * time.Hour)) // a clock that was wrong
	e := l.Before()
	if e == nil || !e.Died() || e.Reason() != "server_died" || !e.At().Equal(now.Add(time.Minute)) ||
		e.Words() != "the server died, at 2030-01-02 03:05:05 UTC or later, and was started again at 2030-01-02 04:04:05 UTC" {
		t.Errorf("one that died: %+v %s", e, e.Words())
	}
	if err := l.Finish(now.Add(2 * time.Hour)); err != nil {
		t.Error(err)
	}
	if e := begin(t, dir, now.Add(3*time.Hour)).Before(); e.Died() || e.Reason() != "shutdown" || !strings.Contains(e.Words(), "was shut down at 2030-01-02 05:04:05 UTC") {
		t.Errorf("one that was shut down: %+v %s", e, e.Words())
	}
	if e := begin(t, dir, now).Before(); !e.Died() || !e.At().Equal(now) || e.Words() != "the server died, and was started again at 2030-01-02 03:04:05 UTC" {
		t.Errorf("one that died, before the clock was set back: %+v %s", e, e.Words())
	}
	path := filepath.Join(dir, "server.json")
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if e := begin(t, dir, now).Before(); e == nil || !e.Died() || !e.At().Equal(now) {
		t.Errorf("one that nothing is known of: %+v", e)
	}
	if _, err := os.Stat(path + ".unreadable"); err != nil {
		t.Error(err)
	}
}

// TestShelf keeps things by any name, and sets aside what can't be read.
func TestShelf(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := lives.NewShelf[string](dir, quiet())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"a", "../b", strings.Repeat("c", 1000)} {
		s.Put(name, "old")
		s.Put(name, name)
	}
	s.Remove("a")
	for _, name := range []string{"bad.json", ".new-1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if all := s.All(); len(all) != 2 || len(all[0])+len(all[1]) != 1004 {
			t.Errorf("%q", all)
		}
	}
	left, _ := os.ReadDir(dir)
	if _, err := os.Stat(filepath.Join(dir, "bad.json.unreadable")); err != nil || len(left) != 3 {
		t.Errorf("%v, %v", left, err)
	}
	var none *lives.Shelf[string]
	none.Put("a", "b")
	none.Remove("a")
	if all := none.All(); all != nil {
		t.Errorf("%q", all)
	}
}
