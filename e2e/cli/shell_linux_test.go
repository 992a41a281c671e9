package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// desk is a person's terminal, with the program in it.
type desk struct {
	t      *testing.T
	cmd    *exec.Cmd
	ours   *os.File // the terminal, from the side of the program
	theirs *os.File // from the side of the person
	before *unix.Termios
	shown  bytes.Buffer
	news   chan []byte
}

// sit runs the program in a terminal of its own.
func sit(t *testing.T, home string, args ...string) *desk {
	t.Helper()
	theirs, ours, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(theirs, &pty.Winsize{Cols: 90, Rows: 20}); err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, cmd: command(t, home, append([]string{"shell"}, args...)...), ours: ours, theirs: theirs, news: make(chan []byte)}
	d.before = d.modes()
	d.cmd.Env = append(d.cmd.Env, "TERM=xterm-256color")
	d.cmd.Stdin, d.cmd.Stdout, d.cmd.Stderr = ours, ours, ours
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.cmd.Process.Kill(); _ = ours.Close(); _ = theirs.Close() })
	go func() { // ends when the terminal is closed
		defer close(d.news)
		for {
			buf := make([]byte, 4096)
			n, err := theirs.Read(buf)
			if err != nil {
				return
			}
			d.news <- buf[:n]
		}
	}()
	return d
}

func (d *desk) modes() *unix.Termios {
	d.t.Helper()
	modes, err := unix.IoctlGetTermios(int(d.ours.Fd()), unix.TCGETS)
	if err != nil {
		d.t.Fatal(err)
	}
	return modes
}

func (d *desk) until(text string) {
	d.t.Helper()
	limit := time.After(limit)
	for !strings.Contains(d.shown.String(), text) {
		select {
		case p := <-d.news:
			d.shown.Write(p)
		case <-limit:
			d.t.Fatalf("no %q in %q", text, d.shown.String())
		}
	}
}

func (d *desk) types(keys string) {
	d.t.Helper()
	if _, err := d.theirs.WriteString(keys); err != nil {
		d.t.Fatal(err)
	}
}

// leave waits for the end and checks that the terminal is as it was.
func (d *desk) leave(status int) {
	d.t.Helper()
	ended := make(chan struct{})
	go func() { _ = d.cmd.Wait(); close(ended) }() // the watchdog bounds it
	for waiting := true; waiting; {
		select {
		case p := <-d.news:
			d.shown.Write(p)
		case <-ended:
			waiting = false
		}
	}
	for drained := false; !drained; {
		select {
		case p := <-d.news:
			d.shown.Write(p)
		case <-time.After(100 * time.Millisecond):
			drained = true
		}
	}
	if got := d.cmd.ProcessState.ExitCode(); got != status {
		d.t.Errorf("status %d, not %d: %q", got, status, d.shown.String())
	}
	if diff := cmp.Diff(d.before, d.modes()); diff != "" {
		d.t.Errorf("the terminal isn't as it was:\n%s", diff)
	}
}

// shellHome is the home of a server whose shells say little: behind a boundary those
// of the default sandbox have its work directory as their home, else the server's.
func shellHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	work := filepath.Join(home, ".local/share/hotcell/sandboxes/default/work")
	if err := os.MkdirAll(work, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{".profile": "PS1='$ '\nunset HISTFILE\n", ".inputrc": "set enable-bracketed-paste off\n"} {
		for _, dir := range []string{home, work} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return home
}

func TestShell(t *testing.T) {
	t.Parallel()
	home := shellHome(t)
	s := start(t, home, nil)

	t.Run("a session", func(t *testing.T) {
		t.Parallel()
		d := sit(t, home, "--url", s.URL, "--env", "WHO=Ålice", "--cwd", "/tmp")
		d.until("$ ")
		if raw := d.modes(); raw.Lflag&unix.ICANON != 0 {
			t.Error("the terminal is not raw")
		}
		d.types("stty size; echo \"<$WHO $PWD>\"\r")
		d.until("20 90\r\n<Ålice /tmp>\r\n")
		if err := pty.Setsize(d.theirs, &pty.Winsize{Cols: 101, Rows: 31}); err != nil {
			t.Fatal(err)
		}
		d.types("until [ \"$(stty size)\" = '31 101' ]; do :; done; echo resized\r")
		d.until("\nresized\r\n")
		d.types("sleep 600\r")
		d.types("\x03")
		d.until("^C")
		d.types("~/nothing; exit 7\r")
		d.leave(7)
	})

	t.Run("left and come back to", func(t *testing.T) {
		t.Parallel()
		d := sit(t, home, "--url", s.URL, "--id", "mine")
		d.until("$ ")
		d.types("echo re''member; printf '\\033[?1049h\\033[?25l\\033[?1002hfull screen'; read\r")
		d.until("\x1b[?1002hfull screen")
		d.types("\r~\x04")
		d.leave(0)
		out := d.shown.String()
		if !strings.Contains(out, "left terminal mine") || !strings.Contains(out, "--id mine") {
			t.Errorf("%q", out)
		}
		for _, want := range []string{"\x1b[?1049l", "1002", "\x1b[?7;25h"} {
			if _, after, _ := strings.Cut(out, "\x1b[?1002hfull screen"); !strings.Contains(after, want) {
				t.Errorf("no %q: the screen is not left as it should be: %q", want, after)
			}
		}
		d = sit(t, home, "--url", s.URL, "--id", "mine")
		d.until("$ ")
		d.until("remember")
		d.types("echo $((6*7)); exit 3\r")
		d.leave(3)
		if !strings.Contains(d.shown.String(), "42\r\n") {
			t.Errorf("%q", d.shown.String())
		}
	})

	t.Run("ended by a signal", func(t *testing.T) {
		t.Parallel()
		d := sit(t, home, "--url", s.URL)
		d.until("$ ")
		d.types("printf '\\033[?1049h'; read\r")
		d.until("\x1b[?1049h")
		_ = d.cmd.Process.Signal(syscall.SIGTERM)
		d.leave(130)
		if !strings.Contains(d.shown.String(), "\x1b[?1049l") {
			t.Errorf("the other screen is still shown: %q", d.shown.String())
		}
	})

	t.Run("the terminal is closed", func(t *testing.T) {
		t.Parallel()
		d := sit(t, home, "--url", s.URL, "--id", "stays")
		d.until("$ ")
		d.types("echo up''on\r")
		d.until("upon\r\n")
		_ = d.cmd.Process.Signal(syscall.SIGHUP)
		d.leave(130)
		d = sit(t, home, "--url", s.URL, "--id", "stays")
		d.until("upon")
		d.types("exit\r")
		d.leave(0)
	})

	t.Run("piped", func(t *testing.T) {
		t.Parallel()
		got := finish(t, command(t, home, "shell", "--url", s.URL), "cat\necho no\n")
		// The terminal may or may not echo what is typed ahead of cat's start.
		if got.status != 0 || !strings.Contains(got.out, "echo no\r\n") || strings.Contains(got.out, "\nno\r\n") || !strings.Contains(got.err, "standard input is no terminal") {
			t.Errorf("%+v", got)
		}
		got = finish(t, command(t, home, "shell", "--url", s.URL), "echo $((6*7)); exit 5")
		if got.status != 5 || !strings.Contains(got.out, "42\r\n") {
			t.Errorf("%+v", got)
		}
		got = finish(t, command(t, home, "shell", "--url", s.URL), "exec seq 1 200000\n")
		if _, out, _ := strings.Cut(got.out, "\n1\r\n2\r\n"); got.status != 0 || !strings.HasSuffix(out, "\r\n200000\r\n") || strings.Count(out, "\n") != 199_998 {
			t.Errorf("%d bytes, status %d", len(got.out), got.status)
		}
	})

	t.Run("refusals", func(t *testing.T) {
		t.Parallel()
		for _, c := range []struct {
			args   []string
			status int
			words  string
		}{
			{[]string{"--id", "x"}, 2, "--id and --sandbox name what a running server has: name that with --url"},
			{[]string{"--url", s.URL, "--cwd", "/no/where"}, 125, "no such file or directory"},
			{[]string{"--url", s.URL, "--sandbox", "none"}, 125, "sandbox not found"},
			{[]string{"--url", s.URL, "--id", "a/b"}, 125, "must not contain"},
			{[]string{"--url", "http://127.0.0.1:1"}, 125, "connection refused"},
			{[]string{"--url", "nonsense"}, 2, "no key for nonsense"},
		} {
			got := finish(t, command(t, home, append([]string{"shell"}, c.args...)...), "")
			if got.status != c.status || !strings.Contains(got.err, c.words) {
				t.Errorf("%v: %+v", c.args, got)
			}
		}
	})
}

// TestShellOfItsOwn needs no server, and leaves nothing.
func TestShellOfItsOwn(t *testing.T) {
	t.Parallel()
	home := shellHome(t)
	d := sit(t, home)
	d.until("$ ")
	d.types("sleep 6000 & pwd; stty size\r")
	d.until(d.cmd.Dir + "\r\n20 90\r\n")
	d.types("exit 4\r")
	d.leave(4)
	noneLeft(t, home)
	d = sit(t, home)
	d.until("$ ")
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	d.leave(130)
	noneLeft(t, home)
}

// TestShellToldWhy: the server's end is said.
func TestShellToldWhy(t *testing.T) {
	t.Parallel()
	home := shellHome(t)
	s := start(t, home, nil)
	d := sit(t, home, "--url", s.URL)
	d.until("$ ")
	s.stop(syscall.SIGTERM)
	d.leave(129)
	if !regexp.MustCompile(`the terminal has ended: the server is shutting down\r?\n`).MatchString(d.shown.String()) {
		t.Errorf("%q", d.shown.String())
	}
}
