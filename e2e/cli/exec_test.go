package cli_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

func TestExec(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want outcome
		says string // on stderr
	}{
		"a program":        {args: []string{"--", "echo", "a b", "$HOME"}, want: outcome{out: "a b $HOME\n"}},
		"its status":       {args: []string{"--", "sh", "-c", "exit 3"}, want: outcome{status: 3}},
		"a signal":         {args: []string{"--", "sh", "-c", "kill -SEGV $$"}, want: outcome{status: 139}},
		"both streams":     {args: []string{"--", "sh", "-c", "echo a; echo b >&2"}, want: outcome{out: "a\n"}, says: "b\n"},
		"every byte":       {args: []string{"--", "printf", `\377\0\n\303`}, want: outcome{out: "\xff\x00\n\xc3"}},
		"flags of its own": {args: []string{"--timeout", "20", "--", "printf", "%s|", "--cwd", "--", "-x"}, want: outcome{out: "--cwd|--|-x|"}},
		"environment":      {args: []string{"--env", "A=b=c", "--env", "B=", "--", "sh", "-c", "echo $A$B"}, want: outcome{out: "b=c\n"}},
		"directory":        {args: []string{"--cwd", "/", "--", "pwd"}, want: outcome{out: "/\n"}},
		"no input":         {args: []string{"--", "cat"}, want: outcome{}},
		"nothing of ours":  {args: []string{"--", "sh", "-c", "env | grep ^HOTCELL"}, want: outcome{status: 1}},
		"python":           {args: []string{"--", "python", "-c", "print(6 * 7)"}, want: outcome{out: "42\n"}},
		"seconds":          {args: []string{"--timeout", "0.3", "--", "sleep", "60"}, want: outcome{status: 124}, says: "had not ended after 300ms"},
		"a duration":       {args: []string{"--timeout", "300ms", "--", "sleep", "60"}, want: outcome{status: 124}, says: "300ms"},
		"no such program":  {args: []string{"--", "nosuchprogram"}, want: outcome{status: 127}, says: "nosuchprogram: command not found"},
		"a directory's":    {args: []string{"--", "/tmp"}, want: outcome{status: 126}, says: "cannot be executed"},
		"bad directory":    {args: []string{"--cwd", "/nope", "--", "ls"}, want: outcome{status: 125}, says: "no such file"},
		"bad name":         {args: []string{"--env", "A-B=1", "--", "ls"}, want: outcome{status: 125}, says: "A-B"},
		"nothing":          {args: nil, want: outcome{status: 2}, says: "nothing to run"},
		"nothing behind":   {args: []string{"--"}, want: outcome{status: 2}, says: "nothing to run"},
		"no dashes":        {args: []string{"ls"}, want: outcome{status: 2}, says: "behind --"},
		"bad time":         {args: []string{"--timeout", "soon", "--", "ls"}, want: outcome{status: 2}, says: "want seconds"},
		"negative":         {args: []string{"--timeout=-1", "--", "ls"}, want: outcome{status: 2}, says: "want seconds"},
		"two sandboxes":    {args: []string{"--sandbox", "a", "b", "--", "ls"}, want: outcome{status: 2}, says: "two sandboxes"},
		"two words":        {args: []string{"a", "b", "--", "ls"}, want: outcome{status: 2}, says: "ls"},
		"unknown sandbox":  {args: []string{"mine", "--", "ls"}, want: outcome{status: 2}, says: "sandbox mine is one of a running server"},
		"no server":        {args: []string{"--url", "http://127.0.0.1:1", "--api-key", "k", "--", "ls"}, want: outcome{status: 125}, says: "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := call(t, "not to be read", append([]string{"exec"}, c.args...)...)
			got.check(t, c.want, c.says)
		})
	}
}

// TestExecInSandbox runs the examples of Daytona's guide on a running server.
func TestExecInSandbox(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, []string{"HOTCELL_API_KEY=the-key-of-this-test"})
	made, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/sandbox", strings.NewReader(`{"name":"my-sandbox"}`))
	if err != nil {
		t.Fatal(err)
	}
	made.Header.Set("Authorization", "Bearer the-key-of-this-test")
	resp, err := http.DefaultClient.Do(made)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	_ = resp.Body.Close()
	run := func(args ...string) outcome {
		cmd := command(t, home, append([]string{"exec"}, args...)...)
		cmd.Env = append(cmd.Env, "HOTCELL_URL="+s.URL, "HOTCELL_API_KEY=the-key-of-this-test")
		return finish(t, cmd, "")
	}
	if got := run("my-sandbox", "--", "ls", "-la"); got.status != 0 || !strings.HasPrefix(got.out, "total ") {
		t.Errorf("%+v", got)
	}
	if got := run("my-sandbox", "--cwd", "workspace/src", "--timeout", "5", "--", "sleep", "3"); got.status != 125 || !strings.Contains(got.err, "workspace/src") {
		t.Errorf("%+v", got)
	}
	if got := run("my-sandbox", "--", "mkdir", "-p", "workspace/src"); got.status != 0 {
		t.Errorf("%+v", got)
	}
	if got := run("my-sandbox", "--cwd", "workspace/src", "--timeout", "5", "--", "sleep", "3"); got.status != 0 || got.err != "" {
		t.Errorf("%+v", got)
	}
	if got := run("my-sandbox", "--cwd", "workspace/src", "--timeout", "1", "--", "sleep", "3"); got.status != 124 {
		t.Errorf("%+v", got)
	}
	// The variable is set for echo, and expanded before that by the shell.
	if got := run("my-sandbox", "--", "sh", "-c", "CUSTOM_SECRET=DAYTONA echo $CUSTOM_SECRET"); got.status != 0 || got.out != "\n" {
		t.Errorf("%+v", got)
	}
	if got := run("--sandbox", "my-sandbox", "--env", "CUSTOM_SECRET=DAYTONA", "--", "sh", "-c", "echo $CUSTOM_SECRET"); got.out != "DAYTONA\n" {
		t.Errorf("%+v", got)
	}
	if got := run("nope", "--", "ls"); got.status != 125 || !strings.Contains(got.err, `sandbox not found: "nope"`) {
		t.Errorf("%+v", got)
	}
	if got := run("--", "pwd"); got.status != 0 || !strings.Contains(got.out, "/sandboxes/default/work") {
		t.Errorf("%+v", got)
	}
	big := run("my-sandbox", "--", "sh", "-c", "head -c 20000000 /dev/zero; seq 300000 >&2")
	if len(big.out) != 20_000_000 || strings.Trim(big.out, "\x00") != "" || len(big.err) != 1_988_895 {
		t.Errorf("%d and %d bytes", len(big.out), len(big.err))
	}
}

// TestExecInput passes bytes through a command, and stops when it has enough.
func TestExecInput(t *testing.T) {
	t.Parallel()
	raw := strings.Repeat("x\x00\xff\n", 1_000_000)
	if got := call(t, raw, "exec", "-i", "--", "cat"); got.out != raw || got.status != 0 || got.err != "" {
		t.Errorf("%d bytes became %d, status %d, %s", len(raw), len(got.out), got.status, got.err)
	}
	if got := call(t, raw, "exec", "--stdin", "--", "head", "-c", "3"); got.out != "x\x00\xff" || got.status != 0 || got.err != "" {
		t.Errorf("%.20q, status %d, %s", got.out, got.status, got.err)
	}
	if got := call(t, raw, "exec", "-i", "--timeout", "0.5", "--", "sleep", "60"); got.status != 124 {
		t.Errorf("%+v", got)
	}
}

// execUntilOn runs exec until it has said on, and returns how it ended.
func execUntilOn(t *testing.T, home, script string, then func(*exec.Cmd, io.Reader)) (status int, out, errs string) {
	t.Helper()
	cmd := command(t, home, "exec", "--", "sh", "-c", script)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	reader := bufio.NewReader(stdout)
	if line, _ := reader.ReadString('\n'); line != "on\n" {
		t.Fatalf("it said %q, %s", line, stderr.String())
	}
	then(cmd, reader)
	rest, _ := io.ReadAll(reader)
	_ = cmd.Wait()
	return cmd.ProcessState.ExitCode(), string(rest), stderr.String()
}

func TestExecSignals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script  string
		signals []os.Signal
		status  int
		out     string
	}{
		"Ctrl-C":        {"echo on; exec sleep 60", []os.Signal{syscall.SIGINT}, 130, ""},
		"SIGTERM":       {"echo on; exec sleep 60", []os.Signal{syscall.SIGTERM}, 143, ""},
		"SIGHUP":        {"echo on; exec sleep 60", []os.Signal{syscall.SIGHUP}, 129, ""},
		"caught":        {"trap 'echo caught; exit 7' TERM; echo on; while :; do sleep 0.01; done", []os.Signal{syscall.SIGTERM}, 7, "caught\n"},
		"twice":         {"trap 'echo caught' INT; echo on; while :; do sleep 0.01; done", []os.Signal{syscall.SIGINT, syscall.SIGINT}, 137, "caught\n"},
		"with children": {"trap 'exit 9' TERM; (trap '' TERM; exec sleep 60 >/dev/null) & setsid sleep 60 >/dev/null & echo on; while :; do sleep 0.01; done", []os.Signal{syscall.SIGTERM}, 9, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			status, out, errs := execUntilOn(t, home, c.script, func(cmd *exec.Cmd, r io.Reader) {
				for i, s := range c.signals {
					if i > 0 { // not before the first was caught
						_, _ = io.ReadFull(r, make([]byte, len(c.out)))
						c.out = ""
					}
					_ = cmd.Process.Signal(s)
				}
			})
			if status != c.status || out != c.out || strings.Contains(errs, "hotcell:") { // a shell may report its child
				t.Errorf("status %d, %q, %s", status, out, errs)
			}
			noneLeft(t, home)
		})
	}
}

// TestExecClosedPipe has a reader that has enough, as head does.
func TestExecClosedPipe(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	cmd := command(t, home, "exec", "--", "yes")
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout = writer
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	_, _ = reader.Read(make([]byte, 3))
	_ = reader.Close()
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 141 {
		t.Errorf("status %d", got)
	}
	noneLeft(t, home)
}

// TestExecAndShutdown checks that the user reads why a command ended.
func TestExecAndShutdown(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, []string{"HOTCELL_API_KEY=the-key-of-this-test"})
	cmd := command(t, home, "exec", "--url", s.URL, "--api-key", "the-key-of-this-test", "--", "sh", "-c", "echo on; sleep 60")
	var errs bytes.Buffer
	cmd.Stderr = &errs
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.ReadFull(stdout, make([]byte, 3))
	s.stop(syscall.SIGTERM)
	_, _ = io.ReadAll(stdout)
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 125 || !strings.Contains(errs.String(), "the server is shutting down") {
		t.Errorf("status %d, %s", got, errs.String())
	}
	noneLeft(t, home)
}
