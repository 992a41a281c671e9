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
