package cli_test

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args  []string
		input string
		want  outcome
		says  string // on stderr
	}{
		"python":          {args: []string{"-c", "x = 6\nprint('hi')\nx * 7"}, want: outcome{out: "hi\n42\n"}},
		"typescript":      {args: []string{"--lang", "typescript", "-c", "const n: number = 6; n * 7"}, want: outcome{out: "42\n"}},
		"go":              {args: []string{"--lang", "go", "-c", "x := 6\nx * 7"}, want: outcome{out: "42\n"}},
		"standard input":  {args: []string{"-", "--lang", "py"}, input: "print('piped')", want: outcome{out: "piped\n"}},
		"input":           {args: []string{"-c", "print('hello', input('who? '))"}, input: "Alice\n", want: outcome{out: "who? hello Alice\n"}},
		"end of input":    {args: []string{"-c", "input()"}, want: outcome{status: 1}, says: "EOFError"},
		"environment":     {args: []string{"--env", "A=b=c", "-c", "import os; print(os.environ['A'])"}, want: outcome{out: "b=c\n"}},
		"to stderr":       {args: []string{"-c", "import sys; print('x', file=sys.stderr)"}, want: outcome{}, says: "x\n"},
		"an error":        {args: []string{"-c", "print('before')\n1/0"}, want: outcome{out: "before\n", status: 1}, says: "ZeroDivisionError"},
		"a dead kernel":   {args: []string{"-c", "import os; os._exit(3)"}, want: outcome{status: 1}, says: "exit status 3"},
		"a time limit":    {args: []string{"--timeout", "300ms", "-c", "while True: pass"}, want: outcome{status: 124}, says: "TimeoutError"},
		"nothing":         {args: nil, want: outcome{status: 2}, says: "nothing to run"},
		"both":            {args: []string{"a.py", "-c", "1"}, want: outcome{status: 2}, says: "exclude each other"},
		"no such file":    {args: []string{"nope.py"}, want: outcome{status: 2}, says: "nope.py"},
		"no language":     {args: []string{"nope.txt"}, want: outcome{status: 2}, says: "--lang"},
		"other language":  {args: []string{"--lang", "cobol", "-c", "1"}, want: outcome{status: 125}, says: "cobol"},
		"no server":       {args: []string{"--url", "http://127.0.0.1:1", "--api-key", "k", "-c", "1"}, want: outcome{status: 125}, says: "refused"},
		"a key not ours":  {args: []string{"--url", "http://example.org", "-c", "1"}, want: outcome{status: 2}, says: "no key for http://example.org"},
		"no URL":          {args: []string{"--url", "localhost", "--api-key", "k", "-c", "1"}, want: outcome{status: 125}, says: "http://127.0.0.1:3986"},
		"unknown flag":    {args: []string{"--colour"}, want: outcome{status: 2}, says: "unknown flag --colour"},
		"bad value":       {args: []string{"--timeout", "soon", "-c", "1"}, want: outcome{status: 2}, says: "--timeout"},
		"no unit":         {args: []string{"--timeout", "5", "-c", "1"}, want: outcome{status: 2}, says: "--timeout"},
		"unpaired equals": {args: []string{"--env", "A", "-c", "1"}, want: outcome{status: 2}, says: "--env"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, c.input, append([]string{"run"}, c.args...)...)
			got.check(t, c.want, c.says)
		})
	}
}

// A file's name tells its language, and its own directory is not its working one.
func TestRunFile(t *testing.T) {
	t.Parallel()
	for file, code := range map[string]string{
		"a.py": "print(6 * 7)", "b.mjs": "console.log(6 * 7)", "c.ts": "const n: number = 42\nconsole.log(n)",
		"d.go": "import \"fmt\"\nfmt.Println(6 * 7)",
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), file)
			if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := call(t, "", "run", path); got.out != "42\n" || got.status != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

// What is printed is seen at once, Ctrl-C interrupts the code, and nothing is
// left behind.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := command(t, home, "run", "-c", "import time\nprint('on', flush=True)\ntry:\n  time.sleep(60)\nfinally:\n  print('off')")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		switch lines.Text() {
		case "on":
			_ = cmd.Process.Signal(os.Interrupt)
		case "off":
		default:
			t.Errorf("it said %q", lines.Text())
		}
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 130 || !strings.Contains(errs.String(), "KeyboardInterrupt") {
		t.Errorf("status %d, %s", got, errs.String())
	}
	noneLeft(t, home)
}

// Code that will not be interrupted ends all the same.
func TestInterruptIsFinal(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := command(t, home, "run", "-c", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('on', flush=True)\nwhile True: pass")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if lines := bufio.NewScanner(stdout); lines.Scan() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		for lines.Scan() {
		}
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 130 {
		t.Errorf("status %d", got)
	}
	noneLeft(t, home)
}

// Whoever reads the output may stop, as head does.
func TestClosedPipe(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := command(t, home, "run", "-c", "while True: print('on')")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if _, err := reader.Read(make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	_ = reader.Close()
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 141 {
		t.Errorf("status %d", got)
	}
	noneLeft(t, home)
}

func TestVersion(t *testing.T) {
	t.Parallel()
	if got := call(t, "", "version"); got.status != 0 || !strings.HasPrefix(got.out, "hotcell ") {
		t.Errorf("%+v", got)
	}
	if got := call(t, "", "--help"); got.status != 0 || !strings.Contains(got.out, "serve") {
		t.Errorf("%+v", got)
	}
	if got := call(t, ""); got.status != 2 {
		t.Errorf("%+v", got)
	}
}
