package terminal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/process"
	"hotcell/process/terminal"
)

func TestShell(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	pl := place(t)
	if err := os.Mkdir(filepath.Join(pl.Dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	tm, err := s.Create(t.Context(), pl, terminal.Options{ID: "a", Cwd: "sub", Env: map[string]string{"WHO": "Ålice"}, Cols: 90, Rows: 11})
	if err != nil {
		t.Fatal(err)
	}
	i := tm.Info()
	i.Created = time.Time{}
	if diff := cmp.Diff(terminal.Info{
		ID: "a", Cwd: filepath.Join(pl.Dir, "sub"), Env: map[string]string{"WHO": "Ålice"}, Cols: 90, Rows: 11, Running: true,
	}, i); diff != "" {
		t.Error(diff)
	}
	p := attach(t, tm)
	p.typing("stty size; echo \"<$TERM $WHO ${PWD##*/}>\"; tty -s && echo is a tty; stty -a | grep -o '.iutf8'\r")
	p.until("11 90\r\n<xterm-256color Ålice sub>\r\nis a tty\r\n iutf8\r\n")
	p.typing("sh -c \"trap 'stty size; exit' WINCH; echo set; while :; do sleep 0.02; done\"\r")
	p.until("\r\nset\r\n")
	if err := tm.Resize(132, 50); err != nil {
		t.Fatal(err)
	}
	p.until("50 132\r\n$ ")
	if i := tm.Info(); i.Cols != 132 || i.Rows != 50 {
		t.Errorf("%+v", i)
	}
	p.typing("exit 7\r")
	if e := p.end(); e.Code != 7 || e.Reason != "non-zero exit" {
		t.Errorf("%+v", e)
	}
	if len(s.List("box")) != 0 {
		t.Error("it is still listed")
	}
	_, err = s.Lookup("box", "a")
	if gone := (*terminal.EndedError)(nil); !errors.As(err, &gone) || gone.Code != 7 {
		t.Errorf("%v", err)
	}
	if err := tm.Resize(10, 10); !errors.As(err, new(*terminal.EndedError)) {
		t.Errorf("resize: %v", err)
	}
	if _, err := tm.Attach(t.Context(), false); !errors.As(err, new(*terminal.EndedError)) {
		t.Errorf("attach: %v", err)
	}
}

func TestEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed string
		want  terminal.Exit
	}{
		{"exit\r", terminal.Exit{}},
		{"\x04", terminal.Exit{}},
		{"exit 130\r", terminal.Exit{Code: 130, Reason: "Ctrl+C"}},
		{"kill -KILL $$\r", terminal.Exit{Code: 137, Reason: "SIGKILL"}},
		{"exec sh -c 'kill -TERM $$'\r", terminal.Exit{Code: 143, Reason: "SIGTERM"}},
		{"exec sh -c 'kill -USR1 $$'\r", terminal.Exit{Code: 138, Reason: "signal 10"}},
		{"exec sleep 600\r\x03", terminal.Exit{Code: 130, Reason: "Ctrl+C"}},
	} {
		t.Run(c.typed, func(t *testing.T) {
			t.Parallel()
			p := attach(t, create(t, newSet(t, terminal.Config{}), terminal.Options{}))
			p.until("$ ")
			first, rest, _ := strings.Cut(c.typed, "\x03")
			p.typing(first)
			if first != c.typed {
				p.until("sleep 600\r\n")
				waitFor(t, func() bool { return command(t, p.term) == "sleep" })
				p.typing("\x03" + rest)
			}
			if diff := cmp.Diff(c.want, p.end()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEndedByUs: a kill, the end of a sandbox and the end of the server.
func TestEndedByUs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		end  func(*terminal.Set, *terminal.Terminal)
		want terminal.Exit
	}{
		{"kill", func(_ *terminal.Set, tm *terminal.Terminal) { tm.Kill() }, terminal.Exit{Code: 137, Reason: "SIGKILL"}},
		{"sandbox", func(s *terminal.Set, _ *terminal.Terminal) {
			if err := s.End(context.Background(), "box"); err != nil {
				t.Error(err)
			}
		}, terminal.Exit{Code: 129, Reason: "the sandbox was stopped"}},
		{"server", func(s *terminal.Set, _ *terminal.Terminal) { s.Close() }, terminal.Exit{Code: 129, Reason: "the server is shutting down"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newSet(t, terminal.Config{})
			tm := create(t, s, terminal.Options{})
			p, other := attach(t, tm), attach(t, tm)
			p.typing("sleep 6000 & echo on'e'\r")
			p.until("one\r\n")
			c.end(s, tm)
			for _, who := range []*person{p, other} {
				if diff := cmp.Diff(c.want, who.end()); diff != "" {
					t.Error(diff)
				}
			}
			if len(s.List("box")) != 0 {
				t.Error("it is still listed")
			}
		})
	}
}

func TestLazy(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	tm := create(t, s, terminal.Options{Lazy: true})
	if i := tm.Info(); i.Running || !i.Lazy {
		t.Errorf("%+v", i)
	}
	if err := tm.Resize(33, 12); err != nil {
		t.Fatal(err)
	}
	p, other := attach(t, tm), attach(t, tm)
	if !tm.Info().Running {
		t.Error("it doesn't run")
	}
	p.typing("stty size\r")
	p.until("12 33\r\n")
	other.until("12 33\r\n")
	never := create(t, s, terminal.Options{ID: "never", Lazy: true})
	never.Kill()
	if e := never.Exit(); e.Code != 137 {
		t.Errorf("%+v", e)
	}
	if _, err := never.Attach(t.Context(), false); !errors.As(err, new(*terminal.EndedError)) {
		t.Errorf("attach: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{PerSandbox: 2, Total: 3, Clients: 1})
	pl := place(t)
	for _, c := range []struct {
		name string
		o    terminal.Options
		want string
	}{
		{"no id", terminal.Options{}, "the terminal's id is missing or empty: choose one"},
		{"long id", terminal.Options{ID: strings.Repeat("x", 129)}, "the terminal's id has 129 bytes; at most 128 are possible"},
		{"slash", terminal.Options{ID: "a/b"}, `the terminal's id "a/b" must not contain / \ ? # % or control characters`},
		{"reserved", terminal.Options{ID: "create-connect"}, `the terminal's id must not be "create-connect": choose another`},
		{"cols", terminal.Options{ID: "x", Cols: 1001}, "cols must be from 1 to 1000, not 1001"},
		{"rows", terminal.Options{ID: "x", Rows: -1}, "rows must be from 1 to 1000, not -1"},
		{"env", terminal.Options{ID: "x", Env: map[string]string{"1A": ""}}, `environment variable "1A" has a name that is not letters, digits and _, with no digit first`},
		{"cwd", terminal.Options{ID: "x", Cwd: "nowhere"}, `working directory "nowhere" cannot be used: no such file or directory`},
	} {
		if _, err := s.Create(t.Context(), pl, c.o); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	make := func(box, id string) error {
		pl.Sandbox = box
		_, err := s.Create(t.Context(), pl, terminal.Options{ID: id, Lazy: true})
		return err
	}
	for _, c := range []struct {
		box, id string
		want    error
	}{
		{"a", "1", nil},
		{"a", "1", terminal.ErrExists},
		{"a", "2", nil},
		{"a", "3", terminal.ErrLimit},
		{"b", "1", nil},
		{"b", "2", terminal.ErrLimit},
	} {
		if err := make(c.box, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s %s: %v", c.box, c.id, err)
		}
	}
	tm, err := s.Lookup("a", "1")
	if err != nil {
		t.Fatal(err)
	}
	p := attach(t, tm)
	if _, err := tm.Attach(t.Context(), false); !errors.Is(err, terminal.ErrClients) {
		t.Errorf("a second client: %v", err)
	}
	p.client.Close()
	attach(t, tm)
	if _, err := s.Lookup("b", "7"); !errors.Is(err, terminal.ErrNotFound) {
		t.Errorf("%v", err)
	}
	s.Close()
	if err := make("c", "1"); !errors.Is(err, process.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

func TestNoShell(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{Host: process.Host{Shell: "/does/not/exist"}})
	if _, err := s.Create(t.Context(), place(t), terminal.Options{ID: "x"}); !errors.Is(err, process.ErrNoShell) {
		t.Errorf("%v", err)
	}
	if n := len(s.List("box")); n != 0 {
		t.Errorf("%d are listed", n)
	}
	tm := create(t, s, terminal.Options{ID: "later", Lazy: true})
	if _, err := tm.Attach(t.Context(), false); !errors.Is(err, process.ErrNoShell) {
		t.Errorf("%v", err)
	}
	<-tm.Done()
}

// TestSmallShell uses the one that every system has.
func TestSmallShell(t *testing.T) {
	t.Parallel()
	p := attach(t, create(t, newSet(t, terminal.Config{Host: process.Host{Shell: "sh"}}), terminal.Options{}))
	p.typing("echo $0 $((40+2)); exit 3\r")
	if e := p.end(); e.Code != 3 || !strings.Contains(p.text.String(), "42\r\n") {
		t.Errorf("%+v %q", e, p.text.String())
	}
}

// TestOutlivedByOthers: whoever keeps the terminal open doesn't keep it alive.
func TestOutlivedByOthers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, typed string }{
		{"a job", "sleep 6000 & exit 5\r"},
		{"one that hung on", "nohup sleep 6000 >&0 & exit 5\r"},
		{"one that escaped", "setsid -f sleep 2; exit 5\r"},
		{"one that escaped and writes", "setsid -f timeout 2 yes; exit 5\r"},
		{"a shell that closed all", "exec </dev/null >/dev/null 2>&1; sleep 0.1; echo back >/dev/tty; exit 5\r"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := attach(t, create(t, newSet(t, terminal.Config{}), terminal.Options{}))
			p.typing(c.typed)
			if e := p.end(); e.Code != 5 {
				t.Errorf("%+v", e)
			}
			if strings.Contains(c.typed, "back") && !strings.HasSuffix(p.text.String(), "back\r\n") {
				t.Errorf("%q", p.text.String())
			}
		})
	}
}

func TestNothingIsLeft(t *testing.T) {
	s := newSet(t, terminal.Config{})
	run := func(i int) {
		tm := create(t, s, terminal.Options{ID: fmt.Sprint(i)})
		p := attach(t, tm)
		p.typing("sleep 6000 & sleep 6000 & exit\r")
		p.end()
		p.client.Close()
	}
	run(0)
	before := descriptors(t)
	for i := range 20 {
		run(i)
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors became %d", before, after)
	}
	if left := children(t, os.Getpid()); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
}

func TestBusy(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	tm := create(t, s, terminal.Options{})
	p := attach(t, tm)
	p.until("$ ")
	if s.Busy("box") {
		t.Error("a shell that waits is busy")
	}
	p.typing("head -n 1\r")
	waitFor(t, func() bool { return s.Busy("box") })
	if s.Busy("other") {
		t.Error("another sandbox is busy")
	}
	p.typing("enough\r")
	waitFor(t, func() bool { return !s.Busy("box") })
}
