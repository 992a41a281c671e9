package session_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/process"
	"hotcell/process/session"
)

// TestDelete ends a session in all the states that it can be in, and wants
// everybody who waits to be told.
func TestDelete(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		s := b.open(t, "s")
		running := start(t, s, session.Request{Text: "echo on; sleep 600", Async: true})
		queued := start(t, s, session.Request{Text: "echo never"})
		until(t, running, "on")
		pieces := running.Pieces()
		defer pieces.Close()
		began := time.Now()
		if err := b.Delete(t.Context(), "sb", "s"); err != nil {
			t.Fatal(err)
		}
		t.Logf("deleted in %s", time.Since(began))
		var ended *session.EndedError
		for c, code := range map[*session.Command]int{running: 143, queued: -1} {
			if r, _ := c.Exit(); r != code || !errors.As(c.Err(), &ended) || !strings.Contains(ended.Words, "deleted") {
				t.Errorf("%s: %d %v", c.Text(), r, c.Err())
			}
		}
		// Who read before reads on.
		ps, err := pieces.Next(t.Context())
		if err != nil || ps[0].Text != "on\n" || ps[len(ps)-1].Kind != session.End {
			t.Errorf("%v %v", ps, err)
		}
		if _, err := pieces.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("%v", err)
		}
		if _, err := s.Execute(session.Request{Text: "true"}); !errors.As(err, &ended) {
			t.Errorf("%v", err)
		}
		if err := b.Delete(t.Context(), "sb", "s"); !errors.Is(err, session.ErrNotFound) {
			t.Errorf("%v", err)
		}
		b.open(t, "s")
	})
}

// TestTraps checks that a shell's own last words are spoken.
func TestTraps(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		run(t, b.open(t, "s"), "trap 'echo bye >farewell' EXIT")
		if err := b.Delete(t.Context(), "sb", "s"); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(b.place.Dir, "farewell")); err != nil {
			t.Error(err)
		}
	})
}

// TestStubborn has shells that won't end when asked.
func TestStubborn(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		for name, text := range map[string]string{
			"idle":       "trap '' TERM HUP INT; trap 'sleep 600' EXIT",
			"running":    "trap '' TERM HUP INT; echo on; sleep 600",
			"stopped":    "echo on; kill -STOP $$",
			"in a trap":  "trap 'sleep 600' TERM EXIT; echo on; sleep 600",
			"background": "trap '' TERM; sleep 600 & (sleep 600 &) ; echo on",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				c := start(t, b.open(t, name), session.Request{Text: text, Async: true})
				if name == "idle" {
					wait(t, c)
				} else {
					until(t, c, "on")
				}
				began := time.Now()
				if err := b.Delete(t.Context(), "sb", name); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("it took %s", took)
				}
			})
		}
	})
}

// TestQueueBehindStubborn wants who waits in the queue to be told before the one
// that runs has had its time to end.
func TestQueueBehindStubborn(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	running := start(t, s, session.Request{Text: "trap '' TERM; echo on; sleep 600"})
	queued := start(t, s, session.Request{Text: "true"})
	until(t, running, "on")
	deleted := make(chan error)
	go func() { deleted <- b.Delete(context.Background(), "sb", "s") }()
	<-queued.Done()
	if _, ended := running.Exit(); ended {
		t.Error("the queue has waited for what ran")
	}
	if err := <-deleted; err != nil {
		t.Error(err)
	}
}

// TestForeignHolder has a process of another session hold a command's pipe.
func TestForeignHolder(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	c := start(t, s, session.Request{Text: "echo on; read x", Async: true})
	until(t, c, "on")
	other := b.open(t, "other")
	run(t, other, "for f in "+b.scratch+"/session-*/stdout; do test -p $f && exec 7>$f && break; done")
	if err := b.Delete(t.Context(), "sb", "s"); err != nil {
		t.Error(err)
	}
	if r := run(t, other, "echo still here"); r.out != "still here\n" {
		t.Errorf("%+v", r)
	}
}

// TestSignalsBetweenCommands interrupts a shell that waits for a command.
func TestSignalsBetweenCommands(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		s, other := b.open(t, "s"), b.open(t, "other")
		pid := strings.TrimSpace(run(t, s, "trap 'n=$((n+1)); echo $n >count' USR1; n=0; echo $$").out)
		for _, n := range []string{"1", "2", "3"} {
			run(t, other, "kill -USR1 "+pid+"; until test \"$(cat count 2>/dev/null)\" = "+n+"; do :; done")
		}
		if r := run(t, s, "echo $n"); r.out != "3\n" {
			t.Errorf("%+v", r)
		}
	})
}

// TestEnd ends a sandbox's sessions and no other's.
func TestEnd(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	mine := start(t, b.open(t, "s"), session.Request{Text: "sleep 600"})
	place := process.Place{Sandbox: "other", Dir: t.TempDir()}
	theirs, err := b.Create(t.Context(), place, "s")
	if err != nil {
		t.Fatal(err)
	}
	if !b.Busy("sb") || b.Busy("other") {
		t.Error("the wrong sandbox is busy")
	}
	if err := b.End(t.Context(), "sb"); err != nil {
		t.Fatal(err)
	}
	var ended *session.EndedError
	if !errors.As(mine.Err(), &ended) || !strings.Contains(ended.Words, "stopped") {
		t.Errorf("%v", mine.Err())
	}
	if r := run(t, theirs, "echo on"); r.out != "on\n" {
		t.Errorf("%+v", r)
	}
	if _, err := b.Lookup("sb", "s"); !errors.Is(err, session.ErrNotFound) || len(b.List("sb")) > 0 || b.Busy("sb") {
		t.Errorf("%v", err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	running, queued := start(t, s, session.Request{Text: "sleep 600"}), start(t, s, session.Request{Text: "true"})
	b.Close()
	for _, c := range []*session.Command{running, queued} {
		if _, ended := c.Exit(); !ended || !errors.Is(c.Err(), process.ErrClosed) {
			t.Errorf("%v %v", ended, c.Err())
		}
	}
	if _, err := b.Create(t.Context(), b.place, "t"); !errors.Is(err, process.ErrClosed) {
		t.Errorf("%v", err)
	}
	if _, err := s.Execute(session.Request{Text: "true"}); !errors.Is(err, process.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// TestQueueAtTheEnd has commands that wait behind one that ends the shell.
func TestQueueAtTheEnd(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	first := start(t, s, session.Request{Text: "read x; exit 3", Async: true})
	second := start(t, s, session.Request{Text: "echo never", Async: true})
	if err := first.Send("go"); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, first); r.code != 3 || first.Err() != nil {
		t.Errorf("%+v %v", r, first.Err())
	}
	r := wait(t, second)
	var ended *session.EndedError
	if r.code != -1 || !errors.As(second.Err(), &ended) || !strings.Contains(r.errs, "never ran") || !strings.Contains(r.errs, first.ID()) {
		t.Errorf("%+v %v", r, second.Err())
	}
	if err := second.Send("x"); !errors.Is(err, session.ErrCompleted) {
		t.Errorf("%v", err)
	}
}

// TestDeathBetweenCommands kills a shell that runs nothing.
func TestDeathBetweenCommands(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s, other := b.open(t, "s"), b.open(t, "other")
	pid := strings.TrimSpace(run(t, s, "echo $$").out)
	run(t, other, "kill -9 "+pid)
	deadline := time.Now().Add(patience)
	for {
		c, err := s.Execute(session.Request{Text: "echo a"})
		if err == nil {
			<-c.Done()
			err = c.Err()
		}
		if err != nil {
			if !strings.Contains(err.Error(), "while no command ran: killed by SIGKILL") {
				t.Error(err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("it lives")
		}
	}
}

// TestForeignAnswers writes what a shell should not say.
func TestForeignAnswers(t *testing.T) {
	t.Parallel()
	for name, say := range map[string]string{"a word": "echo hello", "too much": "head -c 100 /dev/zero", "twice": "echo 0; echo 0", "twice, slowly": "echo 0; sleep 0.02; echo 0"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newLab(t, "bash", session.Limits{})
			s := b.open(t, "s")
			wait(t, start(t, s, session.Request{Text: "(" + say + ") >" + b.scratch + "/session-*/status; sleep 0.02"}))
			for began := time.Now(); time.Since(began) < patience; {
				c, err := s.Execute(session.Request{Text: "sleep 0.02"})
				if err == nil {
					wait(t, c)
					continue
				}
				var ended *session.EndedError
				if !errors.As(err, &ended) || !strings.Contains(ended.Words, "no longer answers") {
					t.Errorf("%v", err)
				}
				return
			}
			t.Error("nobody notices")
		})
	}
}

// TestEnvironment checks where a shell begins.
func TestEnvironment(t *testing.T) {
	t.Setenv("OLDPWD", "/usr")
	t.Setenv("HOTCELL_API_KEY", "secret")
	b := newLab(t, "bash", session.Limits{})
	b.place.Env = map[string]string{"HC_X": "a b"}
	r := run(t, b.open(t, "s"), `echo "$PWD|$OLDPWD|$HC_X|$HOTCELL_API_KEY|$0|$#"; pwd -P; env | grep -c hotcell`)
	if want := b.place.Dir + "||a b||bash|0\n" + b.place.Dir + "\n0\n"; r.out != want {
		t.Errorf("%q, want %q", r.out, want)
	}
}

// TestLostDirectory takes away what shell and server share.
func TestLostDirectory(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		for _, name := range []string{"", "/go", "/status", "/*"} {
			t.Run("session-*"+name, func(t *testing.T) {
				t.Parallel()
				b := newLab(t, shell, session.Limits{})
				s := b.open(t, "s")
				wait(t, start(t, s, session.Request{Text: "rm -r " + b.scratch + "/session-*" + name}))
				if c, err := s.Execute(session.Request{Text: "true"}); err == nil {
					wait(t, c)
				}
				var ended *session.EndedError
				if _, err := s.Execute(session.Request{Text: "true"}); !errors.As(err, &ended) {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

func TestStarts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	bad := filepath.Join(dir, "badshell")
	if err := os.WriteFile(bad, []byte("#!/bin/sh\necho no licence >&2\nexit 4\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		shell, dir, words string
	}{
		"no shell":        {"no-such-shell", dir, "is not there"},
		"a bad shell":     {bad, dir, "exit status 4: no licence"},
		"no directory":    {"bash", filepath.Join(dir, "nowhere"), "nowhere"},
		"not a directory": {"bash", bad, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newLab(t, tc.shell, session.Limits{})
			b.place.Dir = tc.dir
			if _, err := b.Create(t.Context(), b.place, "s"); err == nil || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("%v", err)
			}
			if len(b.List("sb")) > 0 {
				t.Error("it is listed")
			}
		})
	}
	t.Run("too late", func(t *testing.T) {
		t.Parallel()
		b := newLab(t, "bash", session.Limits{})
		b.place.Env = map[string]string{"BASH_ENV": "/dev/stdin"} // empty
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errors.New("gone already"))
		if _, err := b.Create(ctx, b.place, "s"); err != nil && err.Error() != "gone already" {
			t.Errorf("%v", err)
		}
	})
}
