package terminal_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/process/terminal"
)

// fullScreen is a program that uses what such programs use, and then what a
// test tells it, byte by byte.
const fullScreen = `
import os, sys, termios, tty
def say(s): os.write(1, s.encode())
before = termios.tcgetattr(0)
tty.setraw(0)
say("\x1b[?1049h\x1b[22;0;0t\x1b[?1h\x1b=\x1b[?25l\x1b[?1002h\x1b[?1006h\x1b[?2004h\x1b]2;full screen\a")
for y in range(1, 25): say(f"\x1b[{y};1H\x1b[4{y%8}mrow {y} \x1b[1;3{(y+3)%8}m漢字 é\x1b[K\x1b[m")
say("\x1b[5;15r\x1b[15;1H\n\n\x1b[7mscrolled\x1b[27m\x1b[6n\x1b(0lqk\x1b(B")
os.read(0, 1)
say("\x1b[38;2;1;2;")
os.read(0, 1)
os.write(1, b"3mcoloured \xe6\x9c")
os.read(0, 1)
os.write(1, b"\xac done")
os.read(0, 1)
say("\x1b[r\x1b[?1049l\x1b[?1l\x1b>\x1b[?25h\x1b[?1002l\x1b[?1006l\x1b[?2004l")
termios.tcsetattr(0, termios.TCSANOW, before)
`

// same wants two people to see the same.
func same(t *testing.T, when string, a, b *person) {
	t.Helper()
	// A program may pause longer than settle waits: both read on until they agree.
	for range 30 {
		if cmp.Equal(a.screen.Replay(), b.screen.Replay()) {
			return
		}
		a.settle()
		b.settle()
	}
	if diff := cmp.Diff(a.screen.Replay(), b.screen.Replay()); diff != "" {
		t.Errorf("%s: the one who saw everything and the late one differ (-early +late):\n%q\n%q", when, a.screen.Replay(), b.screen.Replay())
	}
}

// TestLateJoiner comes in when a program is in the middle of a sequence and in
// the middle of a character, and after it.
func TestLateJoiner(t *testing.T) {
	t.Parallel()
	pl := place(t)
	if err := os.WriteFile(filepath.Join(pl.Dir, "full.py"), []byte(fullScreen), 0o600); err != nil {
		t.Fatal(err)
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	tm, err := newSet(t, terminal.Config{}).Create(t.Context(), pl, terminal.Options{ID: "x", Cols: 60, Rows: 24})
	if err != nil {
		t.Fatal(err)
	}
	early := attach(t, tm)
	early.typing(python + " full.py; echo en'd'ed\r")
	people := []*person{early}
	for i, step := range []struct{ key, until string }{
		{"", "\x1b(0lqk\x1b(B"}, {"a", "\x1b[38;2;1;2;"}, {"b", "3mcoloured \xe6\x9c"}, {"c", "\xac done"}, {"d", "ended\r\n$ "},
	} {
		early.typing(step.key)
		for _, p := range people {
			p.until(step.until)
		}
		for n, p := range people[1:] {
			same(t, fmt.Sprintf("step %d, client %d", i, n), early, p)
		}
		late := attach(t, tm)
		late.read()
		for late.text.Len() == 0 {
			late.read()
		}
		same(t, fmt.Sprintf("step %d, new", i), early, late)
		if strings.Contains(late.text.String(), "\x1b[6n") {
			t.Error("a question was asked again")
		}
		people = append(people, late)
	}
}

// TestLateJoinerOfPrograms does it with real ones.
func TestLateJoinerOfPrograms(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "int f%d(void) { return \"%d 漢字\"; }\n", i, i)
	}
	for _, c := range []struct {
		program string
		args    string
		keys    []string
	}{
		{"vim", "-u NONE -c 'syntax on | set nu mouse=a' file.c", []string{"\x06", "/return\r", "ihello\x1b", ":vsplit\r", "G", "zz"}},
		{"less", "-N file.c", []string{" ", " ", "/f7\r", "G", "yy"}},
		{"nano", "file.c", []string{"\x16", "hello"}},
		{"tmux", "-L hotcell-test -f /dev/null new-session", []string{"seq 100\r", "\x02%", "seq 30\r"}},
	} {
		t.Run(c.program, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath(c.program); err != nil {
				t.Skipf("no %s", c.program)
			}
			pl := place(t)
			if err := os.WriteFile(filepath.Join(pl.Dir, "file.c"), []byte(text.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			pl.Env["TMUX_TMPDIR"] = pl.Dir
			tm, err := newSet(t, terminal.Config{}).Create(t.Context(), pl, terminal.Options{ID: "x"})
			if err != nil {
				t.Fatal(err)
			}
			early := attach(t, tm)
			if c.program == "tmux" { // its server escapes from every session
				defer func() {
					kill := exec.Command("tmux", "-L", "hotcell-test", "kill-server")
					kill.Env = append(os.Environ(), "TMUX_TMPDIR="+pl.Dir)
					if err := kill.Run(); err != nil {
						t.Error(err)
					}
				}()
			}
			early.typing("exec " + c.program + " " + c.args + "\r")
			waitFor(t, func() bool { return command(t, tm) != "bash" })
			for i, key := range c.keys {
				early.typing(key)
				early.settle()
				late := attach(t, tm)
				late.settle()
				same(t, fmt.Sprintf("after key %d", i), early, late)
				late.client.Close()
			}
		})
	}
}
