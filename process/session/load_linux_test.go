package session_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/process/session"
)

func TestThousandCommands(t *testing.T) {
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	run(t, s, "n=0")
	began := time.Now()
	for i := range 1000 {
		if r := run(t, s, "n=$((n+1)); echo $n"); r.out != fmt.Sprintln(i+1) {
			t.Fatalf("%d: %+v", i, r)
		}
	}
	t.Logf("%s for each", time.Since(began)/1000)
	if n := len(s.Commands()); n != 1001 {
		t.Errorf("%d are kept", n)
	}
}

// TestSilentCommands checks that pipes which serve one command after the other keep
// nobody waiting for the end of the commands before.
func TestSilentCommands(t *testing.T) {
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	run(t, s, "true")
	before := b.inventory(t)
	for range 100 {
		run(t, s, "true")
	}
	b.settlesAt(t, before)
}

func TestHundredSessions(t *testing.T) {
	b := newLab(t, "bash", session.Limits{})
	began := time.Now()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			s := b.open(t, fmt.Sprint(i))
			if r := run(t, s, fmt.Sprintf("x=%d; echo $x", i)); r.out != fmt.Sprintln(i) {
				t.Errorf("%d: %+v", i, r)
			}
		})
	}
	wg.Wait()
	t.Logf("%s until each had answered", time.Since(began))
	began = time.Now()
	if err := b.End(t.Context(), "sb"); err != nil {
		t.Error(err)
	}
	t.Logf("%s until all had ended", time.Since(began))
}

// inventory is what there is when nothing runs.
type inventory struct{ goroutines, descriptors, processes, files int }

func (b *lab) inventory(t *testing.T) inventory {
	t.Helper()
	files, err := os.ReadDir(b.scratch)
	if err != nil {
		t.Fatal(err)
	}
	return inventory{runtime.NumGoroutine(), procs.Descriptors(), len(procs.Descendants(os.Getpid())), len(files)}
}

// TestNothingIsLeft ends sessions in many states, and wants everything to be
// as it was: goroutines, descriptors, processes, files.
func TestNothingIsLeft(t *testing.T) {
	b := newLab(t, "bash", session.Limits{})
	lives := map[string]func(t *testing.T, s *session.Session){
		"idle":    func(*testing.T, *session.Session) {},
		"used":    func(t *testing.T, s *session.Session) { t.Helper(); run(t, s, "seq 1 20000") },
		"running": func(t *testing.T, s *session.Session) { t.Helper(); start(t, s, session.Request{Text: "sleep 600"}) },
		"waiting for input": func(t *testing.T, s *session.Session) {
			t.Helper()
			c := start(t, s, session.Request{Text: "sleep 600", Async: true})
			if err := c.Send(strings.Repeat("x", 500_000)); err != nil {
				t.Error(err)
			}
		},
		"background": func(t *testing.T, s *session.Session) {
			t.Helper()
			run(t, s, "for i in 1 2 3; do (sleep 600; echo $i) & done; yes >/dev/null &")
			run(t, s, "yes &")
		},
		"spilled": func(t *testing.T, s *session.Session) { t.Helper(); run(t, s, "head -c 20000000 /dev/zero") },
		"exited":  func(t *testing.T, s *session.Session) { t.Helper(); run(t, s, "sleep 600 & exit 3") },
		"killed":  func(t *testing.T, s *session.Session) { t.Helper(); run(t, s, "sleep 600 & kill -9 $$") },
		"followed": func(t *testing.T, s *session.Session) {
			t.Helper()
			c := start(t, s, session.Request{Text: "echo on; sleep 600"})
			until(t, c, "on")
		},
	}
	turn := func() {
		for name, live := range lives {
			live(t, b.open(t, name))
			if err := b.Delete(t.Context(), "sb", name); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	turn()
	before := b.inventory(t)
	for range 5 {
		turn()
	}
	b.settlesAt(t, before)
}

// settlesAt wants as much as there was before.
func (b *lab) settlesAt(t *testing.T, before inventory) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		if after := b.inventory(t); after.goroutines > before.goroutines || after.descriptors > before.descriptors ||
			after.processes > before.processes || after.files > before.files {
			return fmt.Errorf("before %+v, after %+v: %s %v", before, after, procs.Listing(os.Getpid()), procs.Descendants(os.Getpid()))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}

// TestNoProcessIsLeft names the processes that a session leaves.
func TestNoProcessIsLeft(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"in the group":     "sleep MARK &",
		"another group":    "set -m; sleep MARK &",
		"nohup":            "nohup sleep MARK >/dev/null 2>&1 &",
		"one that ignores": "(trap '' TERM HUP; sleep MARK) &",
		"its own session":  "setsid sleep MARK &",
		"a daemon":         "(setsid sh -c 'sleep MARK & exec sleep MARK' >/dev/null 2>&1 </dev/null &)",
	} {
		for way, last := range map[string]string{"deleted": "", "exited": "exit 1"} {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				b := newLab(t, "bash", session.Limits{})
				s := b.open(t, "s")
				mark := fmt.Sprintf("600.%d", rand.Uint64()) // in its arguments
				run(t, s, strings.ReplaceAll(text, "MARK", mark))
				left := sleepers(t, mark)
				if last != "" {
					run(t, s, last)
				}
				if err := b.Delete(t.Context(), "sb", "s"); err != nil {
					t.Fatal(err)
				}
				gone(t, left)
			})
		}
	}
}

func gone(t *testing.T, left []procs.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := procs.Gone(ctx, left); err != nil {
		t.Error(err)
	}
}

// sleepers finds the processes that have a mark in their arguments.
func sleepers(t *testing.T, mark string) (found []procs.Process) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		for _, p := range procs.All() {
			args, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", p.Pid))
			if p.Name == "sleep" && strings.Contains(string(args), mark) {
				found = append(found, p)
			}
		}
		if len(found) == 0 {
			return errors.New("there is none")
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return found
}
