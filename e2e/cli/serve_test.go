package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// noneLeft checks that no process of a call of the program is there any more,
// and no temporary file. All of them have its home in their environment.
func noneLeft(tb testing.TB, home string) {
	tb.Helper()
	if left, _ := filepath.Glob(filepath.Join(home, "[^.]*")); len(left) > 0 {
		tb.Errorf("%v is left", left)
	}
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, f := range files {
		env, err := os.ReadFile(f)
		if err == nil && bytes.Contains(env, []byte("HOME="+home+"\x00")) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
			tb.Errorf("%s is left: %q", filepath.Dir(f), line)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, nil)
	path := filepath.Join(home, ".local/share/hotcell/api-key")
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", st, err)
	}
	raw, _ := os.ReadFile(path)
	key := strings.TrimSpace(string(raw))
	for _, want := range []string{s.URL, "export DAYTONA_API_URL=" + s.URL + "/api\n", "export DAYTONA_API_KEY=" + key + "\n"} {
		if !strings.Contains(s.out.String(), want) {
			t.Errorf("it doesn't say %q:\n%s", want, s.out)
		}
	}
	if s.Pid != s.cmd.Process.Pid {
		t.Errorf("pid %d, not %d", s.Pid, s.cmd.Process.Pid)
	}
	if got := s.ask(t, key, "/v1/status"); got != 200 {
		t.Errorf("with the key: %d", got)
	}
	if got := s.ask(t, "wrong", "/v1/status"); got != 401 {
		t.Errorf("with another key: %d", got)
	}

	// run finds the key of a server of the same user.
	kept := finish(t, command(t, home, "run", "--url", s.URL, "--context", "default", "--lang", "python", "-c", "x = 42"), "")
	if kept.status != 0 {
		t.Fatalf("%+v", kept)
	}
	kept = finish(t, command(t, home, "run", "--url", s.URL, "--context", "default", "-c", "import os\nprint(os.environ.get('HOTCELL_PYTHON'))\nx"), "")
	if kept.out != "None\n42\n" {
		t.Errorf("%+v", kept)
	}
	if got := finish(t, command(t, home, "status", "--url", s.URL), ""); got.status != 0 || !strings.Contains(got.out, "python") {
		t.Errorf("%+v", got)
	}

	s.stop(syscall.SIGTERM)
	if s.status != 0 || strings.Contains(s.errs.String(), key) {
		t.Errorf("status %d: %s", s.status, s.errs)
	}
	noneLeft(t, home)

	again := start(t, home, nil)
	if got := again.ask(t, key, "/v1/status"); got != 200 {
		t.Errorf("the next start has another key: %d", got)
	}
}

// A server that is told to end while code runs tells the client, and takes
// everything with it, even what has left the kernel's group.
func TestStopUnderway(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, nil)
	cmd := command(t, home, "run", "--url", s.URL, "-c",
		"import subprocess, time\nsubprocess.Popen(['sleep', '600'], start_new_session=True)\nprint('on', flush=True)\ntime.sleep(600)")
	var out, errs bytes.Buffer
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	cmd.Stdout, cmd.Stderr = writer, &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	one := make([]byte, 3)
	if _, err := io.ReadFull(reader, one); err != nil || string(one) != "on\n" {
		t.Fatalf("%q, %v", one, err)
	}
	s.stop(syscall.SIGTERM)
	_, _ = out.ReadFrom(reader)
	_ = cmd.Wait()
	if s.status != 0 {
		t.Errorf("the server's status is %d: %s", s.status, s.errs)
	}
	if got := cmd.ProcessState.ExitCode(); got == 0 || !strings.Contains(errs.String(), "shutting down") {
		t.Errorf("the client's status is %d: %s", got, errs.String())
	}
	noneLeft(t, home)
}

func TestGivenKey(t *testing.T) {
	t.Parallel()
	const key = "a-key-that-somebody-chose"
	s := start(t, t.TempDir(), []string{"HOTCELL_API_KEY=" + key})
	if got := s.ask(t, key, "/v1/status"); got != 200 {
		t.Errorf("%d", got)
	}
	s.stop(syscall.SIGTERM)
	if strings.Contains(s.out.String()+s.errs.String(), key) {
		t.Errorf("the key is in what it said:\n%s%s", s.out, s.errs)
	}
}

func TestServeE2B(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, nil, "--e2b-listen", "127.0.0.1:0")
	if s.E2BURL == "" || s.E2BURL == s.URL || !strings.Contains(s.out.String(), "export E2B_DEBUG=true\n  export E2B_SANDBOX_URL="+s.E2BURL+"\n") {
		t.Errorf("E2B at %q:\n%s", s.E2BURL, s.out)
	}
	resp, err := http.Get(s.E2BURL + "/contexts")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("%s", resp.Status)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(s.E2BURL, "http://"), ":")
	got := finish(t, command(t, t.TempDir(), "serve", "--listen", "127.0.0.1:0", "--e2b-listen", "127.0.0.1:"+port), "")
	if got.status != 125 || !strings.Contains(got.err, "another program listens there") {
		t.Errorf("a second one on the same port: %+v", got)
	}
	s.stop(syscall.SIGTERM)
	if s.status != 0 {
		t.Errorf("status %d: %s", s.status, s.errs)
	}
	noneLeft(t, home)
}

func TestTwoServers(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	first := start(t, home, nil)
	got := finish(t, command(t, home, "serve", "--listen", "127.0.0.1:0"), "")
	if got.status != 125 || !strings.Contains(got.err, fmt.Sprintf("(pid %d)", first.Pid)) || !strings.Contains(got.err, "--data-dir") {
		t.Errorf("a second one on the same directory: %+v", got)
	}
	second := start(t, home, nil, "--data-dir", t.TempDir())
	if first.URL == second.URL {
		t.Errorf("both are at %s", first.URL)
	}
	_, port, _ := strings.Cut(strings.TrimPrefix(first.URL, "http://"), ":")
	got = finish(t, command(t, t.TempDir(), "serve", "--listen", "127.0.0.1:"+port), "")
	if got.status != 125 || !strings.Contains(got.err, "another program listens there") {
		t.Errorf("a third one on the same port: %+v", got)
	}
}

func TestServeRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"all interfaces":  {[]string{"--listen", "0.0.0.0:0"}, "API key is needed"},
		"no host":         {[]string{"--listen", ":0"}, "API key is needed"},
		"IPv6":            {[]string{"--listen", "[::]:0"}, "API key is needed"},
		"a name":          {[]string{"--listen", "example.org:80"}, "API key is needed"},
		"no port":         {[]string{"--listen", "localhost"}, "HOST:PORT"},
		"no such port":    {[]string{"--listen", "localhost:99999"}, "not a port"},
		"E2B everywhere":  {[]string{"--listen", "127.0.0.1:0", "--e2b-listen", "0.0.0.0:0"}, "API key is needed"},
		"E2B port":        {[]string{"--listen", "127.0.0.1:0", "--e2b-listen", "localhost:x"}, "--e2b-listen"},
		"key with blanks": {[]string{"--api-key", "a b"}, "blanks"},
		"warm":            {[]string{"--warm=-1"}, "negative"},
		"contexts":        {[]string{"--max-contexts=0"}, "at least 1"},
		"idle":            {[]string{"--idle-timeout=-1s"}, "negative"},
		"metrics port":    {[]string{"--listen", "127.0.0.1:0", "--metrics-listen", "localhost:x"}, "--metrics-listen"},
		"audit code":      {[]string{"--audit-code"}, "--audit-log"},
		"audit size":      {[]string{"--audit-size=0"}, "at least 1"},
		"origin":          {[]string{"--listen", "127.0.0.1:0", "--allow-origin", "example.org"}, "example.org"},
		"log format":      {[]string{"--log-format", "xml"}, "auto"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := call(t, "", append([]string{"serve"}, c.args...)...); got.status != 2 || !strings.Contains(got.err, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A flag wins over the environment, the environment over the file, and a key
// that means nothing is refused.
func TestConfiguration(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "config.json")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := func(env, home string, args ...string) string {
		t.Helper()
		cmd := command(t, home, append([]string{"serve"}, args...)...)
		if env != "" {
			cmd.Env = append(cmd.Env, env)
		}
		got := finish(t, cmd, "")
		if got.status != 2 {
			t.Errorf("status %d", got.status)
		}
		return regexp.MustCompile(`it is (-\d+)|$`).FindString(got.err) + got.err
	}
	home := t.TempDir()
	write(`{"warm": -1, "allow_host": ["a"]}`)
	for _, c := range []struct {
		env  string
		args []string
		want string
	}{
		{"HOTCELL_CONFIG=" + file, nil, "it is -1"},
		{"", []string{"--config", file}, "it is -1"},
		{"HOTCELL_WARM=-2", []string{"--config", file}, "it is -2"},
		{"HOTCELL_WARM=-2", []string{"--config", file, "--warm=-3"}, "it is -3"},
		{"", []string{"--config", file + ".nope"}, "no such file"},
	} {
		if got := said(c.env, home, c.args...); !strings.Contains(got, c.want) {
			t.Errorf("%s %v: %s", c.env, c.args, got)
		}
	}
	write(`{"wram": 1, "listen": "x"}`)
	if got := said("", home, "--config", file); !strings.Contains(got, `unknown "wram"`) {
		t.Error(got)
	}
	write(`{`)
	if got := said("", home, "--config", file); !strings.Contains(got, file) {
		t.Error(got)
	}
	usual := filepath.Join(home, ".config", "hotcell", "config.json")
	if err := os.MkdirAll(filepath.Dir(usual), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(usual, []byte(`{"warm": -4}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := said("", home); !strings.Contains(got, "it is -4") {
		t.Error(got)
	}
}
