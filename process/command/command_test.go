package command_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"hotcell/process"
	"hotcell/process/command"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open makes a set whose scratch directory is empty again at the end.
func open(t *testing.T, change ...func(*command.Config)) *command.Set {
	t.Helper()
	scratch := t.TempDir()
	cfg := command.Config{Host: process.Host{Scratch: scratch}}
	for _, f := range change {
		f(&cfg)
	}
	s := command.New(cfg)
	t.Cleanup(func() {
		s.Close()
		if left, _ := filepath.Glob(filepath.Join(scratch, "*")); len(left) > 0 {
			t.Errorf("%v is left", left)
		}
	})
	return s
}

func place(t *testing.T) process.Place {
	t.Helper()
	return process.Place{Sandbox: "sb", Dir: t.TempDir(), Env: map[string]string{"FROM": "sandbox"}}
}

// run runs a text to its end and returns its outcome and output.
func run(t *testing.T, s *command.Set, spec command.Spec) (command.Outcome, string) {
	t.Helper()
	if spec.Place.Dir == "" {
		spec.Place = place(t)
	}
	r, err := s.Run(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Output.Close()
	out, err := io.ReadAll(r.Output.Reader())
	if err != nil {
		t.Fatal(err)
	}
	return r.Outcome, string(out)
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := open(t)
	home, _ := os.UserHomeDir()
	for name, c := range map[string]struct {
		spec command.Spec
		code int
		want string
	}{
		"both streams":      {command.Spec{Text: "echo a; echo b >&2; exit 3"}, 3, "a\nb\n"},
		"their order":       {command.Spec{Text: "for i in 1 2 3; do echo o$i; echo e$i >&2; done"}, 0, "o1\ne1\no2\ne2\no3\ne3\n"},
		"nothing":           {command.Spec{Text: "true"}, 0, ""},
		"signal in it":      {command.Spec{Text: "sh -c 'kill -TERM $$'; echo $?"}, 0, "Terminated\n143\n"},
		"the last one's":    {command.Spec{Text: "echo x; sh -c 'kill -TERM $$'"}, 143, "x\n"},
		"shell killed":      {command.Spec{Text: "kill -KILL $$"}, 137, ""},
		"unknown command":   {command.Spec{Text: "nosuchprogram"}, 127, "bash: line 1: nosuchprogram: command not found\n"},
		"syntax":            {command.Spec{Text: "echo 'a"}, 2, "bash: -c: line 1: unexpected EOF while looking for matching `''\n"},
		"begins with a -":   {command.Spec{Text: "-x"}, 127, "bash: line 1: -x: command not found\n"},
		"$0":                {command.Spec{Text: "echo $0 $#"}, 0, "bash 0\n"},
		"no input":          {command.Spec{Text: "cat; readlink /proc/self/fd/0"}, 0, "/dev/null\n"},
		"lines":             {command.Spec{Text: "echo 1\n\n# no\necho 2"}, 0, "1\n2\n"},
		"variables":         {command.Spec{Text: "echo $FROM $A $B", Env: map[string]string{"A": "a b", "B": ""}}, 0, "sandbox a b\n"},
		"of the command":    {command.Spec{Text: "echo $FROM", Env: map[string]string{"FROM": "command"}}, 0, "command\n"},
		"home":              {command.Spec{Text: "echo ~"}, 0, home + "\n"},
		"nothing of ours":   {command.Spec{Text: "env | grep -i ^hotcell"}, 1, ""},
		"program":           {command.Spec{Argv: []string{"printf", "%s|", "a b", "$HOME", ""}}, 0, "a b|$HOME||"},
		"in the background": {command.Spec{Text: "sleep 600 & echo done"}, 0, "done\n"},
		"substitution":      {command.Spec{Text: "exec > >(sed s/^/:/); echo a; echo b"}, 0, ":a\n:b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, out := run(t, s, c.spec)
			if o.Code != c.code || out != c.want || o.Status != command.StatusExited && o.Status != command.StatusSignaled {
				t.Errorf("%+v, output %q; want status %d, output %q", o, out, c.code, c.want)
			}
		})
	}
}

// TestBackground checks that nothing lives on, whatever session it has, and that
// it keeps nobody waiting.
func TestBackground(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, start := range []string{
		"sleep 600 & echo $!", "nohup sleep 600 >/dev/null 2>&1 & echo $!", "setsid sh -c 'echo $$; exec sleep 600' & sleep 0.1",
		"(setsid sh -c 'echo $$; exec sleep 600' >pid 2>&1 &); sleep 0.1; cat pid",
	} {
		t.Run(start, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, out := run(t, s, command.Spec{Text: start})
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %s", took)
			}
			if stat, err := os.ReadFile("/proc/" + strings.TrimSpace(out) + "/stat"); err == nil && !strings.Contains(string(stat), ") Z ") {
				t.Errorf("%q is left: %s", out, stat)
			}
		})
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := open(t)
	began := time.Now()
	o, out := run(t, s, command.Spec{Text: "echo before; trap '' TERM INT; (setsid sleep 600 &); sleep 600", Timeout: 200 * time.Millisecond})
	if o.Status != command.StatusTimeout || o.Code != 137 || out != "before\n" || !strings.Contains(o.Reason, "200ms") {
		t.Errorf("%+v %q", o, out)
	}
	if took := time.Since(began); took > 10*time.Second || o.Duration < 200 || o.Duration > 10_000 {
		t.Errorf("it took %s, and says %.0f ms", took, o.Duration)
	}
}

// TestTimeoutOfWhatHasEnded has a time limit that passes while only a background
// process is left, whose output is still waited for.
func TestTimeoutOfWhatHasEnded(t *testing.T) {
	t.Parallel()
	s := open(t)
	o, out := run(t, s, command.Spec{Text: "sleep 600 & echo x", Timeout: 150 * time.Millisecond})
	if o.Status != command.StatusExited || o.Code != 0 || out != "x\n" {
		t.Errorf("%+v %q", o, out)
	}
}

func TestLongCommands(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, shell := range []string{"bash", "sh"} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			s := open(t, func(c *command.Config) { c.Host.Shell = shell })
			long := "x='" + strings.Repeat("a", 5_000_000) + "'\necho ${#x} $0 $#; (: <&3) 2>/dev/null && echo open; cat; nosuchprogram\nexit 3"
			o, out := run(t, s, command.Spec{Text: long})
			first, message, _ := strings.Cut(out, "\n")
			if o.Code != 3 || first != "5000000 "+shell+" 0" || !strings.HasPrefix(message, shell+": ") || !strings.HasSuffix(message, "not found\n") || len(message) > 80 {
				t.Errorf("%+v %.200q", o, out)
			}
		})
	}
	var invalid *command.InvalidError
	for name, spec := range map[string]command.Spec{
		"empty": {Text: " \n\t"}, "NUL": {Text: "echo a\x00b"}, "no program": {Argv: []string{""}}, "NUL in argument": {Argv: []string{"echo", "\x00"}},
		"arguments": {Argv: []string{"echo", strings.Repeat("x", 200_000)}}, "environment": {Text: "true", Env: map[string]string{"A": strings.Repeat("x", 200_000)}},
	} {
		spec.Place = place(t)
		if _, err := s.Run(t.Context(), spec); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := place(t)
	if err := os.WriteFile(filepath.Join(p.Dir, "file"), []byte("#!/nope\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "script"), []byte("#!/nope\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		spec command.Spec
		want string
	}{
		"no such directory": {command.Spec{Text: "ls", Cwd: "workspace/src"}, `working directory "workspace/src" cannot be used: no such file or directory`},
		"a file":            {command.Spec{Text: "ls", Cwd: "file"}, "not a directory"},
		"NUL":               {command.Spec{Text: "ls", Cwd: "a\x00"}, "NUL"},
		"name":              {command.Spec{Text: "ls", Env: map[string]string{"A-B": ""}}, `environment variable "A-B"`},
		"value":             {command.Spec{Text: "ls", Env: map[string]string{"A": "\x00"}}, "NUL in its value"},
		"no such program":   {command.Spec{Argv: []string{"nosuchprogram"}}, "nosuchprogram: command not found"},
		"not executable":    {command.Spec{Argv: []string{"./file"}}, "./file: cannot be executed: permission denied"},
		"no interpreter":    {command.Spec{Argv: []string{"./script"}}, "./script: command not found"},
		"a directory":       {command.Spec{Argv: []string{"/tmp"}}, "/tmp: cannot be executed: permission denied"},
		"admission":         {command.Spec{Text: "ls", Admit: func() error { return errors.New("not now") }}, "not now"},
	} {
		c.spec.Place = p
		if _, err := s.Run(t.Context(), c.spec); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s.Busy("sb") {
		t.Error("something counts as running")
	}
}

// TestCwd checks what a command sees of where it is.
func TestCwd(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := place(t)
	sub := filepath.Join(p.Dir, "workspace", "src")
	if err := os.MkdirAll(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	for cwd, want := range map[string]string{"": p.Dir, ".": p.Dir, "workspace/src": sub, sub: sub, "/": "/"} {
		for _, spec := range []command.Spec{{Text: `pwd; echo $PWD`}, {Argv: []string{"sh", "-c", "pwd; printenv PWD"}}} {
			spec.Place, spec.Cwd = p, cwd
			if _, out := run(t, s, spec); out != want+"\n"+want+"\n" {
				t.Errorf("%q: %s", cwd, out)
			}
		}
	}
}

func TestLimitAndEnds(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *command.Config) { c.Limit = 2 })
	p := place(t)
	outcomes := make(chan string)
	for range 2 {
		go func() {
			r, err := s.Run(context.Background(), command.Spec{Place: p, Text: "echo on; sleep 600"})
			if err != nil {
				outcomes <- err.Error()
				return
			}
			defer r.Output.Close()
			outcomes <- fmt.Sprintf("%s %t", r.Status, errors.Is(r.Cause, command.ErrSandboxEnded))
		}()
	}
	await(t, func() bool {
		return len(s.All()) == 2 && s.All()[0].Snapshot().Pid > 0 && s.All()[1].Snapshot().Pid > 0
	})
	if _, err := s.Run(t.Context(), command.Spec{Place: p, Text: "true"}); !errors.Is(err, command.ErrTooMany) {
		t.Errorf("%v", err)
	}
	if !s.Busy("sb") || s.Busy("other") {
		t.Error("the wrong sandbox is busy")
	}
	if err := s.End(t.Context(), "other"); err != nil || !s.Busy("sb") {
		t.Errorf("%v", err)
	}
	if err := s.End(t.Context(), "sb"); err != nil || s.Busy("sb") {
		t.Errorf("%v", err)
	}
	for range 2 {
		if got := <-outcomes; got != "ended true" {
			t.Error(got)
		}
	}
	s.Close()
	if _, err := s.Run(t.Context(), command.Spec{Place: p, Text: "true"}); !errors.Is(err, process.ErrClosed) {
		t.Errorf("%v", err)
	}
}

// await waits for what nobody is told about.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("it doesn't come")
		}
	}
}

// TestMany runs more at once than the machine has processors, and leaves no
// descriptor open.
func TestMany(t *testing.T) {
	t.Parallel()
	s := open(t)
	p := place(t)
	results := make(chan string)
	for i := range 100 {
		go func() {
			r, err := s.Run(context.Background(), command.Spec{Place: p, Text: fmt.Sprintf("echo %d", i)})
			if err != nil {
				results <- err.Error()
				return
			}
			defer r.Output.Close()
			results <- strings.TrimSpace(r.Output.Tail(100))
		}()
	}
	seen := map[string]bool{}
	for range 100 {
		seen[<-results] = true
	}
	want := map[string]bool{}
	for i := range 100 {
		want[fmt.Sprint(i)] = true
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
}

// TestFlood puts out far more than is kept.
func TestFlood(t *testing.T) {
	t.Parallel()
	s := open(t)
	file := filepath.Join(t.TempDir(), "done")
	const lines, width = 2_200_000, 100
	o, out := run(t, s, command.Spec{Text: fmt.Sprintf("yes %s | head -n %d | cat -n; touch %s", strings.Repeat("x", width-8), lines, file)})
	if o.Code != 0 || !strings.HasPrefix(out, "     1\tx") || !strings.HasSuffix(out, "x\n") {
		t.Errorf("%+v %.20q", o, out)
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
	if n := len(out); n < 33_500_000 || n > 33_600_000 || !strings.Contains(out, " bytes are left out here; ") {
		t.Errorf("%d bytes were kept", n)
	}
}
