package session_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"hotcell/process"
	"hotcell/process/session"
)

func TestIDs(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	for _, id := range []string{"a", "a/b", "../..", "zażółć 🧪", " ", "a\x00b", strings.Repeat("x", 512)} {
		if r := run(t, b.open(t, id), "echo on"); r.out != "on\n" {
			t.Errorf("%q: %+v", id, r)
		}
		if _, err := b.Create(t.Context(), b.place, id); !errors.Is(err, session.ErrExists) {
			t.Errorf("%q again: %v", id, err)
		}
	}
	for _, id := range []string{"", strings.Repeat("x", 513)} {
		if _, err := b.Create(t.Context(), b.place, id); !errors.Is(err, session.ErrInvalid) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := b.Lookup("other", "a"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("%v", err)
	}
	if err := b.Delete(t.Context(), "other", "a"); !errors.Is(err, session.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

func TestCommands(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Command: 1000})
	s := b.open(t, "s")
	for text, want := range map[string]error{
		"":                              session.ErrInvalid,
		" \n\t":                         session.ErrInvalid,
		"echo a\x00b":                   session.ErrInvalid,
		"# " + strings.Repeat("x", 999): session.ErrTooLarge,
	} {
		if _, err := s.Execute(session.Request{Text: text}); !errors.Is(err, want) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
	if _, err := s.Command("nope"); !errors.Is(err, session.ErrUnknownCommand) {
		t.Errorf("%v", err)
	}
	c := start(t, s, session.Request{Text: "exit_code() { return 4; }; exit_code"})
	wait(t, c)
	if got, err := s.Command(c.ID()); err != nil || got != c || len(s.Commands()) != 1 {
		t.Errorf("%v %v", got, err)
	}
}

func TestLargeCommand(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		text := "x='" + strings.Repeat("y", 5_000_000) + "'\necho ${#x}"
		if r := run(t, b.open(t, "s"), text); r.out != "5000000\n" {
			t.Errorf("%.200q", r)
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Queue: 3, QueueBytes: 100})
	s := b.open(t, "s")
	first := start(t, s, session.Request{Text: "echo on; read x", Async: true})
	until(t, first, "on")
	start(t, s, session.Request{Text: "n=1"})
	if _, err := s.Execute(session.Request{Text: "# " + strings.Repeat("x", 100)}); !errors.Is(err, session.ErrQueueFull) {
		t.Errorf("%v", err)
	}
	start(t, s, session.Request{Text: "n=${n}2"})
	last := start(t, s, session.Request{Text: "echo $n"})
	if _, err := s.Execute(session.Request{Text: "true"}); !errors.Is(err, session.ErrQueueFull) {
		t.Errorf("%v", err)
	}
	if err := first.Send("go"); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, last); r.out != "12\n" {
		t.Errorf("%+v", r)
	}
}

func TestEviction(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Kept: 3, KeptBytes: 1 << 20})
	s := b.open(t, "s")
	var cs []*session.Command
	for i := range 5 {
		c := start(t, s, session.Request{Text: fmt.Sprintf("echo %d", i)})
		wait(t, c)
		cs = append(cs, c)
	}
	kept := func() (n int) {
		for _, c := range cs {
			if _, err := s.Command(c.ID()); err == nil {
				n++
			} else if !errors.Is(err, session.ErrEvicted) {
				t.Errorf("%v", err)
			}
		}
		return n
	}
	run(t, s, "true") // the fifth is taken in by now
	if n := kept(); n != 2 || len(s.Commands()) != 3 {
		t.Errorf("%d of them are kept", n)
	}
	large := start(t, s, session.Request{Text: "head -c 2000000 /dev/zero"})
	wait(t, large)
	run(t, s, "true")
	run(t, s, "true")
	if _, err := s.Command(large.ID()); !errors.Is(err, session.ErrEvicted) || kept() != 0 {
		t.Errorf("%v, and %d others are kept", err, kept())
	}
}

func TestLeftovers(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Leftovers: 10})
	s := b.open(t, "s")
	for range 200 {
		run(t, s, "true") // of which nothing is left
	}
	for range 11 {
		run(t, s, "sleep 600 &")
	}
	_, err := s.Execute(session.Request{Text: "true"})
	if !errors.Is(err, session.ErrLeftovers) {
		t.Errorf("%v", err)
	}
}

func TestSessionLimit(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Sessions: 2})
	b.open(t, "1")
	b.open(t, "2")
	if _, err := b.Create(t.Context(), b.place, "3"); !errors.Is(err, session.ErrLimit) {
		t.Errorf("%v", err)
	}
	if _, err := b.Create(t.Context(), process.Place{Sandbox: "other", Dir: b.place.Dir}, "3"); err != nil {
		t.Errorf("%v", err)
	}
	if err := b.Delete(t.Context(), "sb", "1"); err != nil {
		t.Fatal(err)
	}
	b.open(t, "3")
	if ids := []string{b.List("sb")[0].ID(), b.List("sb")[1].ID()}; ids[0] != "2" || ids[1] != "3" {
		t.Errorf("%v", ids)
	}
}
