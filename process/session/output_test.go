package session_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"hotcell/process/session"
)

// TestOutput checks what arrives of what is printed.
func TestOutput(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	s := b.open(t, "s")
	seq := strings.Builder{}
	for i := range 20000 {
		fmt.Fprintf(&seq, "%d\n", i+1)
	}
	for name, c := range map[string]struct{ text, out, errs string }{
		"no end of line":     {"printf a", "a", ""},
		"many lines":         {"seq 1 20000", seq.String(), ""},
		"one long line":      {"printf '%0300000d' 1", strings.Repeat("0", 299999) + "1", ""},
		"both streams":       {"printf a; printf b >&2; printf c", "ac", "b"},
		"characters":         {"for i in 1 2 3; do printf 'zażółć 🧪'; done", strings.Repeat("zażółć 🧪", 3), ""},
		"a cut character":    {`printf '\360\237\247'; sleep 0.03; printf '\252'`, "🧪", ""},
		"half a character":   {`printf 'a\360\237'`, "a\uFFFD\uFFFD", ""},
		"bytes":              {`printf 'a\000\377\001\001\001b'`, "a\x00\uFFFD\x01\x01\x01b", ""},
		"process of its own": {"sh -c 'echo a; echo b >&2'", "a\n", "b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := run(t, s, c.text); r.out != c.out || r.errs != c.errs || r.code != 0 {
				t.Errorf("%d bytes %.200q, %.200q, %d", len(r.out), r.out, r.errs, r.code)
			}
		})
	}
}

// TestOrder checks that what is printed with pauses is in order over both streams.
func TestOrder(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	c := start(t, b.open(t, "s"), session.Request{Async: true, NoEcho: true, Text: "for i in 1 2 3 4; do echo $i; read x; echo e$i >&2; read x; done"})
	for i := range 4 {
		for _, printed := range []string{fmt.Sprintf("%d\n", i+1), fmt.Sprintf("e%d\n", i+1)} {
			until(t, c, printed)
			if err := c.Send("go on"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if r := wait(t, c); r.interleaved != "1\ne1\n2\ne2\n3\ne3\n4\ne4\n" {
		t.Errorf("%q", r.interleaved)
	}
}

// TestPieces checks that each is text by itself and not too long.
func TestPieces(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{})
	c := start(t, b.open(t, "s"), session.Request{Text: `for i in {1..40000}; do printf '%s' 'ä🧪€'; done; head -c 200000 /dev/zero | tr '\0' '\377'`})
	pieces := c.Pieces()
	defer pieces.Close()
	bytes, ended := 0, false
	for !ended {
		ps, err := pieces.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			if p.Kind == session.End {
				ended = true
				continue
			}
			bytes += len(p.Text)
			if !utf8.ValidString(p.Text) || len(p.Text) > 31<<10 {
				t.Errorf("a piece of %d bytes", len(p.Text))
			}
		}
	}
	if want := 40000*9 + 200000*3; bytes != want {
		t.Errorf("%d bytes, want %d", bytes, want)
	}
}

// TestLateOutput is about processes that a command leaves behind: what they print
// is the command's, whatever runs meanwhile, and they hold up nobody.
func TestLateOutput(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		b := newLab(t, shell, session.Limits{})
		s := b.open(t, "s")
		began := time.Now()
		first := start(t, s, session.Request{Text: "mkfifo gate gate2; (read x <gate; echo late; echo worse >&2; read x <gate2) & echo now"})
		if r := wait(t, first); r.out != "now\n" || r.late != "" || r.code != 0 {
			t.Errorf("%+v", r)
		}
		if took := time.Since(began); took > patience {
			t.Errorf("it took %s", took)
		}
		if r := run(t, s, "echo second; echo >gate"); r.out != "second\n" || r.late != "" {
			t.Errorf("%+v", r)
		}
		until(t, first, "worse")
		if r := read(t, first); r.out != "now\n" || r.late != "late\nworse\n" {
			t.Errorf("%+v", r)
		}
		if r := run(t, s, "echo >gate2; wait; echo third"); r.out != "third\n" {
			t.Errorf("%+v", r)
		}
	})
}

// TestEndlessOutput has a process that prints without end while others run.
func TestEndlessOutput(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Log: 4 << 20})
	s := b.open(t, "s")
	first := start(t, s, session.Request{Text: "yes & echo now"})
	wait(t, first)
	for range 20 {
		if r := run(t, s, "echo a"); r.out != "a\n" || r.late != "" {
			t.Fatalf("%.100q", r)
		}
	}
	until(t, first, "not kept")
	if stored := first.Stored(); stored > 16<<20 {
		t.Errorf("%d bytes are kept", stored)
	}
	if r := run(t, s, "kill %1; wait; echo on"); r.out != "on\n" {
		t.Errorf("%+v", r)
	}
}

// TestFullLog checks that a command which prints too much goes on, and says so.
func TestFullLog(t *testing.T) {
	t.Parallel()
	b := newLab(t, "bash", session.Limits{Log: 2 << 20})
	s := b.open(t, "s")
	r := run(t, s, "head -c 20000000 /dev/zero | tr '\\0' x; echo end >&2; exit_code=1")
	if r.code != 0 || len(r.out) < 2<<20 || len(r.out) > 8<<20 {
		t.Errorf("%d bytes, code %d", len(r.out), r.code)
	}
	if !strings.Contains(r.errs, "what follows is not kept: event log is full") || !strings.HasSuffix(r.errs, "bytes were not kept\n") {
		t.Errorf("%q", r.errs)
	}
	var lost int
	if _, err := fmt.Sscanf(r.errs[strings.LastIndex(r.errs, "hotcell: "):], "hotcell: %d bytes", &lost); err != nil || lost+len(r.out) != 20000000+len("end\n") {
		t.Errorf("%d lost and %d kept: %v", lost, len(r.out), err)
	}
	if r := run(t, s, "echo on"); r.out != "on\n" {
		t.Errorf("%+v", r)
	}
}
