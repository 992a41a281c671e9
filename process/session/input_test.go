package session_test

import (
	"errors"
	"strings"
	"testing"

	"hotcell/process/session"
)

func TestInput(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		s := b.open(t, "s")
		for name, tc := range map[string]struct {
			quiet bool
			out   string
		}{
			"echoed":     {false, "name? world\nhello world\n"},
			"not echoed": {true, "name? hello world\n"},
		} {
			t.Run(name, func(t *testing.T) {
				c := start(t, s, session.Request{Text: "printf 'name? '; read n; echo hello $n", Async: true, NoEcho: tc.quiet})
				until(t, c, "name? ")
				if err := c.Send("world"); err != nil {
					t.Fatal(err)
				}
				if r := wait(t, c); r.out != tc.out || r.code != 0 {
					t.Errorf("%+v", r)
				}
				if err := c.Send("again"); !errors.Is(err, session.ErrCompleted) {
					t.Errorf("%v", err)
				}
			})
		}
	})
}

// TestInputWaits sends to a command before it begins, and before it reads.
func TestInputWaits(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	first := start(t, s, session.Request{Text: "read x; echo got $x", Async: true})
	second := start(t, s, session.Request{Text: "read a; read b; echo $a,$b", Async: true, NoEcho: true})
	for _, line := range []string{"1\n", "2"} {
		if err := second.Send(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Send("go"); err != nil {
		t.Fatal(err)
	}
	if r := wait(t, first); r.out != "go\ngot go\n" {
		t.Errorf("%+v", r)
	}
	if r := wait(t, second); r.out != "1,2\n" {
		t.Errorf("%+v", r)
	}
}

// TestMuchInput sends more than a pipe holds.
func TestMuchInput(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	c := start(t, s, session.Request{Text: "mkfifo gate; read x <gate; head -c 1000000 | wc -c", Async: true, NoEcho: true})
	line := strings.Repeat("x", 1<<20-1) + "\n"
	if err := c.Send(line); err != nil {
		t.Fatal(err)
	}
	if err := c.Send("more"); !errors.Is(err, session.ErrInputFull) {
		t.Errorf("%v", err)
	}
	open := b.open(t, "other")
	run(t, open, "echo >gate")
	if r := wait(t, c); strings.TrimSpace(r.out) != "1000000" {
		t.Errorf("%+v", r)
	}
	// What was not read is nobody else's.
	if r := run(t, s, "cat; echo on"); r.out != "on\n" {
		t.Errorf("%+v", r)
	}
}

func TestNoInput(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	c := start(t, s, session.Request{Text: "mkfifo gate; read x <gate; cat; echo end"})
	if err := c.Send("x"); !errors.Is(err, session.ErrNoInput) {
		t.Errorf("%v", err)
	}
	run(t, b.open(t, "other"), "until test -p gate; do :; done; echo >gate")
	if r := wait(t, c); r.out != "end\n" {
		t.Errorf("%+v", r)
	}
}

// TestInputStays has a command whose input nobody ends while it reads.
func TestInputStays(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	c := start(t, b.open(t, "s"), session.Request{Text: "while read x; do echo \"<$x>\"; test \"$x\" = end && break; done", Async: true, NoEcho: true})
	for _, line := range []string{"a", "", "b c", "end"} {
		if err := c.Send(line); err != nil {
			t.Fatal(err)
		}
		until(t, c, "<"+line+">")
	}
	if r := wait(t, c); r.out != "<a>\n<>\n<b c>\n<end>\n" || r.code != 0 {
		t.Errorf("%+v", r)
	}
}

// TestEchoOrder sends to a command of which it knows that it has prompted, although
// nobody may have read that yet.
func TestEchoOrder(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s, other := b.open(t, "s"), b.open(t, "other")
	run(t, s, "mkfifo gate")
	for range 20 {
		c := start(t, s, session.Request{Text: "printf '? '; echo >gate; read x; echo got $x", Async: true})
		run(t, other, "read x <gate")
		if err := c.Send("a"); err != nil {
			t.Fatal(err)
		}
		if r := wait(t, c); r.out != "? a\ngot a\n" {
			t.Errorf("%q", r.out)
		}
	}
}

// TestInputEnds has a process that reads a command's input beyond the command's end.
func TestInputEnds(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		s := b.open(t, "s")
		c := start(t, s, session.Request{Text: "exec 5<&0; (cat <&5; echo at the end) & exec 5<&-; echo on", Async: true})
		wait(t, c)
		until(t, c, "at the end")
	})
}
