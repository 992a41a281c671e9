package session_test

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/process"
	"hotcell/process/session"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for what has to happen soon; the machine may be busy.
const patience = 30 * time.Second

// lab is a set of sessions with one sandbox.
type lab struct {
	*session.Set
	place   process.Place
	scratch string
}

func newLab(t *testing.T, shell string, l session.Limits) *lab {
	t.Helper()
	scratch := t.TempDir()
	set := session.New(session.Config{Host: process.Host{Shell: shell, Scratch: scratch}, Limits: l})
	b := &lab{Set: set, place: process.Place{Sandbox: "sb", Dir: real(t, t.TempDir())}, scratch: scratch}
	t.Cleanup(func() {
		set.Close()
		if left, _ := os.ReadDir(scratch); len(left) > 0 {
			t.Errorf("files are left: %v", left)
		}
	})
	return b
}

// real is the path without symbolic links, as pwd shows it.
func real(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// open makes a session.
func (b *lab) open(t *testing.T, id string) *session.Session {
	t.Helper()
	s, err := b.Create(t.Context(), b.place, id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// result is what a command did.
type result struct {
	code        int
	out, errs   string
	late        string // both streams, after the end
	interleaved string
}

func start(t *testing.T, s *session.Session, req session.Request) *session.Command {
	t.Helper()
	c, err := s.Execute(req)
	if err != nil {
		t.Fatalf("%.80q: %v", req.Text, err)
	}
	return c
}

func wait(t *testing.T, c *session.Command) result {
	t.Helper()
	select {
	case <-c.Done():
	case <-time.After(patience):
		t.Fatalf("%.80q has not ended; so far %+v", c.Text(), read(t, c))
	}
	return read(t, c)
}

func run(t *testing.T, s *session.Session, text string) result {
	t.Helper()
	return wait(t, start(t, s, session.Request{Text: text}))
}

// read returns what the log holds by now.
func read(t *testing.T, c *session.Command) result {
	t.Helper()
	var r result
	r.code, _ = c.Exit()
	var out, errs, late, interleaved strings.Builder
	pieces := c.Pieces()
	defer pieces.Close()
	ended := false
	for n, have := uint64(0), c.Recorded(); n < have; {
		ps, err := pieces.Next(t.Context())
		if err != nil {
			t.Errorf("read the log: %v", err)
			return r
		}
		for _, p := range ps[:min(uint64(len(ps)), have-n)] {
			n++
			switch {
			case p.Kind == session.End:
				ended = true
				continue
			case ended:
				late.WriteString(p.Text)
				continue
			case p.Kind == session.Stdout:
				out.WriteString(p.Text)
			default:
				errs.WriteString(p.Text)
			}
			interleaved.WriteString(p.Text)
		}
	}
	r.out, r.errs, r.late, r.interleaved = out.String(), errs.String(), late.String(), interleaved.String()
	return r
}

// until follows a command until its log contains text, on any stream.
func until(t *testing.T, c *session.Command, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	pieces := c.Pieces()
	defer pieces.Close()
	seen := ""
	for !strings.Contains(seen, text) {
		ps, err := pieces.Next(ctx)
		if errors.Is(err, io.EOF) || err != nil {
			t.Fatalf("%q is not in %q: %v", text, seen, err)
		}
		for _, p := range ps {
			seen += p.Text
		}
	}
}

// shells are those that are tested.
func shells(t *testing.T, test func(t *testing.T, shell string)) {
	t.Helper()
	t.Parallel()
	for _, shell := range []string{"bash", "dash", "sh"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(shell); err != nil {
				t.Skip(err)
			}
			test(t, shell)
		})
	}
}
