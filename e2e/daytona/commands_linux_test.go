package daytona_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/tools"
)

// commandAnswer is an answer to POST /process/execute, good or bad.
type commandAnswer struct {
	ExitCode        *int
	Result          *string
	Truncated       bool
	OmittedBytes    int64
	StatusCode      int
	Message, Code   string
	Source, Error   string
	status          int
	omittedByHeader string
}

func (e commandAnswer) String() string {
	raw, _ := json.Marshal(e)
	return fmt.Sprintf("%d %.2000s", e.status, raw)
}

// post sends a body to an address, and returns the status, the answer and its
// header.
func post(tb testing.TB, s *testserver.Server, path, body string) (int, []byte, http.Header) {
	tb.Helper()
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.URL+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, raw, resp.Header
}

func execute(tb testing.TB, s *testserver.Server, sandbox, body string) commandAnswer {
	tb.Helper()
	status, raw, header := post(tb, s, "/toolbox/"+sandbox+"/process/execute", body)
	var e commandAnswer
	if err := json.Unmarshal(raw, &e); err != nil || !strings.HasPrefix(header.Get("Content-Type"), "application/json") {
		tb.Fatalf("%s: %v\n%.300s", header.Get("Content-Type"), err, raw)
	}
	e.status, e.omittedByHeader = status, header.Get("Hotcell-Omitted-Bytes")
	return e
}

// asBody is a request for a command.
func asBody(command string, more ...string) string {
	raw, _ := json.Marshal(command)
	return fmt.Sprintf(`{"command":%s%s}`, raw, strings.Join(more, ""))
}

func TestExecute(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	work := s.Sandboxes.WorkDir("default")
	if err := os.MkdirAll(filepath.Join(work, "workspace/src"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		body   string
		status int
		code   int
		want   string // the result, or a part of the message
	}{
		"both streams":        {asBody("echo a; echo b >&2; exit 3"), 200, 3, "a\nb\n"},
		"nothing":             {asBody("true"), 200, 0, ""},
		"nulls":               {asBody("pwd", `,"cwd":null,"envs":null,"timeout":null`), 200, 0, work + "\n"},
		"cwd":                 {asBody("pwd; echo $PWD", `,"cwd":"workspace/src"`), 200, 0, work + "/workspace/src\n" + work + "/workspace/src\n"},
		"envs":                {asBody("echo $A-$B", `,"envs":{"A":"a b","B":""}`), 200, 0, "a b-\n"},
		"invalid UTF-8":       {asBody(`printf 'a\377\303b\342\202'`), 200, 0, "a\uFFFD\uFFFDb\uFFFD\uFFFD"},
		"quotes and controls": {asBody(`printf '"\\\001\t'`), 200, 0, "\"\\\x01\t"},
		"signal":              {asBody("kill -KILL $$"), 200, 137, ""},
		"not found":           {asBody("nosuchprogram"), 200, 127, "bash: line 1: nosuchprogram: command not found\n"},
		"time enough":         {asBody("sleep 0.05; echo x", `,"timeout":1.5`), 200, 0, "x\n"},
		"no such directory":   {asBody("ls", `,"cwd":"nope"`), 200, -1, `working directory "nope" cannot be used: no such file or directory; relative directories start at ` + work + "\n"},
		"both pythons":        {asBody("python -c 'print(6 * 7)'; python3 -c 'print(6 * 7)'"), 200, 0, "42\n42\n"},
		"the same python":     {asBody("python -c 'import numpy; print(1)'"), 200, 0, "1\n"},
		"node":                {asBody("node -p '6 * 7'"), 200, 0, "42\n"},
		"nothing of ours":     {asBody("env | grep -i ^hotcell"), 200, 1, ""},

		"time over":        {asBody("echo before; sleep 60", `,"timeout":0.2`), 408, 137, "had not ended after 200ms and was killed; its output was, at the end: before"},
		"silent time over": {asBody("sleep 60", `,"timeout":0.05`), 408, 137, "it had put out nothing"},
		"empty":            {`{"command":""}`, 400, 0, "the command is empty"},
		"blank":            {`{"command":" \n"}`, 400, 0, "the command is empty"},
		"none":             {`{}`, 400, 0, "command is required"},
		"null":             {`{"command":null}`, 400, 0, "command is required"},
		"number":           {`{"command":5}`, 400, 0, "command must be a string, not 5"},
		"NUL":              {asBody("a\x00b"), 400, 0, "NUL"},
		"no object":        {`[1]`, 400, 0, "must be a JSON object"},
		"no JSON":          {`{"command"`, 400, 0, "not JSON"},
		"cwd of a kind":    {asBody("ls", `,"cwd":["x"]`), 400, 0, `cwd must be a string, not ["x"]`},
		"envs of a kind":   {asBody("ls", `,"envs":["A=1"]`), 400, 0, "envs must be an object of strings"},
		"value null":       {asBody("ls", `,"envs":{"A":null}`), 400, 0, "envs.A must be a string, not null"},
		"value number":     {asBody("ls", `,"envs":{"A":1}`), 400, 0, "envs.A must be a string, not 1"},
		"bad name":         {asBody("ls", `,"envs":{"A-B":"1"}`), 400, 0, `environment variable "A-B"`},
		"negative":         {asBody("ls", `,"timeout":-1`), 400, 0, "timeout must not be negative"},
		"timeout words":    {asBody("ls", `,"timeout":"5"`), 400, 0, "timeout must be a number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := execute(t, s, "default", c.body)
			if got.status != c.status {
				t.Fatal(got)
			}
			if c.status != 400 && (got.ExitCode == nil || *got.ExitCode != c.code || got.Result == nil) {
				t.Fatal(got)
			}
			if c.status == 200 {
				if *got.Result != c.want || got.Truncated || got.omittedByHeader != "" {
					t.Error(got)
				}
				return
			}
			if !strings.Contains(got.Message, c.want) || got.StatusCode != c.status || got.Source != "DAYTONA_DAEMON" || got.Code == "" {
				t.Error(got)
			}
			if c.status == 408 && got.Code != "PROCESS_EXECUTION_TIMEOUT" {
				t.Error(got)
			}
		})
	}
}

// TestExecuteEverywhere checks who may run commands, and where.
func TestExecuteEverywhere(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for _, prefix := range []string{"/toolbox/default", "/api/toolbox/default/toolbox", ""} {
		for path, body := range map[string]string{"/process/execute": asBody("echo hi"), "/env": "{}", "/init": ""} {
			if status, raw, _ := post(t, s, prefix+path, body); status != http.StatusOK {
				t.Errorf("%s%s: %d %s", prefix, path, status, raw)
			}
			resp, err := http.Post(s.URL+prefix+path, "application/json", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s%s without a key: %d", prefix, path, resp.StatusCode)
			}
		}
		resp, err := http.Get(s.URL + prefix + "/system/metrics")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("metrics without a key: %d", resp.StatusCode)
		}
	}
	if got := execute(t, s, "nope", asBody("ls")); got.status != 404 {
		t.Error(got)
	}
}

// TestLargeOutput has what is answered from a file, whole or not.
func TestLargeOutput(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	began := time.Now()
	got := execute(t, s, "default", asBody("seq 1 2000000"))
	t.Logf("seq took %s", time.Since(began))
	if r := *got.Result; len(r) != 14_888_896 || !strings.HasSuffix(r, "\n1999999\n2000000\n") || got.Truncated {
		t.Errorf("%d bytes", len(r))
	}
	got = execute(t, s, "default", asBody(`i=0; yes '€€€€€€€€€€' | head -c 200000000; echo; echo the end`))
	r := *got.Result
	if got.status != 200 || !got.Truncated || got.omittedByHeader != fmt.Sprint(got.OmittedBytes) || got.OmittedBytes < 160_000_000 {
		t.Errorf("%d, %d bytes omitted, header %q", got.status, got.OmittedBytes, got.omittedByHeader)
	}
	if !strings.HasPrefix(r, "€€€") || !strings.HasSuffix(r, "\nthe end\n") || strings.Contains(r[:30_000_000], "\uFFFD") ||
		!strings.Contains(r, fmt.Sprintf("\n[hotcell: %d bytes are left out here; ", got.OmittedBytes)) {
		t.Errorf("%d bytes: %q … %q", len(r), r[:20], r[len(r)-40:])
	}
}

func TestLargeCommand(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	got := execute(t, s, "default", asBody("x='"+strings.Repeat("ä", 2_500_000)+"'; printf %s \"$x\" | wc -c; cat"))
	if got.status != 200 || *got.Result != "5000000\n" {
		t.Error(got)
	}
}

// TestExecuteEnds has commands that the service ends.
func TestExecuteEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end    func(*testing.T, *testserver.Server, string)
		status int
		code   string
		words  string
	}{
		"sandbox stopped": {func(t *testing.T, s *testserver.Server, id string) {
			t.Helper()
			if _, err := s.Sandboxes.Stop(t.Context(), id); err != nil {
				t.Error(err)
			}
		}, 409, "SANDBOX_NOT_STARTED", "its sandbox was stopped or deleted"},
		"sandbox deleted": {func(t *testing.T, s *testserver.Server, id string) {
			t.Helper()
			if _, err := s.Sandboxes.Delete(t.Context(), id); err != nil {
				t.Error(err)
			}
		}, 409, "SANDBOX_NOT_STARTED", "its sandbox was stopped or deleted"},
		"shutdown": {func(t *testing.T, s *testserver.Server, _ string) {
			t.Helper()
			s.Close(t)
		}, 503, "SHUTTING_DOWN", "the server is shutting down"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			status, raw, _ := post(t, s, "/api/sandbox", `{}`)
			var sb struct{ ID string }
			if err := json.Unmarshal(raw, &sb); err != nil || status != http.StatusOK {
				t.Fatal(err, string(raw))
			}
			mark := filepath.Join(s.Dir(t, sb.ID), "on")
			answer := make(chan commandAnswer)
			go func() {
				answer <- execute(t, s, sb.ID, asBody("echo so far; (setsid sleep 600 &); touch "+mark+"; sleep 600"))
			}()
			appears(t, mark)
			if len(within(s)) == 0 {
				t.Error("the test doesn't see the command")
			}
			c.end(t, s, sb.ID)
			got := <-answer
			if got.status != c.status || got.Code != c.code || !strings.Contains(got.Message, c.words) || *got.Result != "so far\n" || *got.ExitCode != 137 {
				t.Error(got)
			}
			nothingWithin(t, s)
		})
	}
}

// within lists the processes that have a server's sandboxes as their directory.
func within(s *testserver.Server) (found []procs.Process) {
	for _, p := range procs.All() {
		if dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.Pid)); err == nil && strings.HasPrefix(dir, s.DataDir) {
			found = append(found, p)
		}
	}
	return found
}

func nothingWithin(t *testing.T, s *testserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := procs.Gone(ctx, within(s)); err != nil {
		t.Error(err)
	}
}

// appears waits for a file.
func appears(t *testing.T, path string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		_, err := os.Stat(path)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

func TestTooManyCommands(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithTools(func(c *tools.Config) { c.MaxCommands = 1 }))
	mark := filepath.Join(s.Dir(t, "default"), "on")
	answer := make(chan commandAnswer)
	go func() { answer <- execute(t, s, "default", asBody("touch "+mark+"; sleep 600", `,"timeout":600`)) }()
	appears(t, mark)
	if got := execute(t, s, "default", asBody("true")); got.status != 429 || got.Code != "TOO_MANY_COMMANDS" || !strings.Contains(got.Message, "wait for some") {
		t.Error(got)
	}
	if err := s.Tools.End(t.Context(), "default"); err != nil {
		t.Error(err)
	}
	<-answer
}

// TestVanishedCommandClient checks that a command goes on when its client left.
func TestVanishedCommandClient(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	dir := s.Dir(t, "default")
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/toolbox/default/process/execute",
		strings.NewReader(asBody(fmt.Sprintf("touch %[1]s/on; while ! [ -e %[1]s/go ]; do sleep 0.01; done; touch %[1]s/off; head -c 40000000 /dev/zero", dir))))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	left := make(chan struct{})
	go func() {
		defer close(left)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	appears(t, filepath.Join(dir, "on"))
	cancel()
	<-left
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	appears(t, filepath.Join(dir, "off"))
}

// TestEnvironment changes the variables of a sandbox.
func TestEnvironment(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := testserver.Start(t, testserver.WithDataDir(dir))
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"set":{"A":"secret:1","B":"2","C":"secret:3"}}`, 200, `{"A":"secret:1","B":"2","C":"secret:3"}`},
		{`{"unset":["B","nope"],"set":{"D":"4"}}`, 200, `{"A":"secret:1","C":"secret:3","D":"4"}`},
		{`{"unsetValuePrefix":"secret:","set":{"C":"secret:5"}}`, 200, `{"C":"secret:5","D":"4"}`},
		{`{"unsetValuePrefix":""}`, 200, `{"C":"secret:5","D":"4"}`},
		{`{"set":{"A-B":"1"}}`, 400, "INVALID_ENV"},
		{`{"set":{"A":1}}`, 400, "set.A must be a string, not 1"},
		{`{"unset":"A"}`, 400, "unset must be an array of strings"},
		{`{"unset":[null]}`, 400, "unset must be an array of strings"},
		{`{"set":{"A":"` + strings.Repeat("x", 600_000) + `"}}`, 400, "524288 are allowed"},
	} {
		status, raw, _ := post(t, s, "/toolbox/default/env", c.body)
		if got := string(bytes.TrimSpace(raw)); status != c.status || c.status == 200 && got != c.want || !strings.Contains(got, c.want) {
			t.Errorf("%.80s: %d %s", c.body, status, got)
		}
	}
	if got := execute(t, s, "default", asBody("echo $A $C $D")); *got.Result != "secret:5 4\n" {
		t.Error(got)
	}
	s.Close(t)
	again := testserver.Start(t, testserver.WithDataDir(dir))
	if got := execute(t, again, "default", asBody("echo $C")); *got.Result != "secret:5\n" {
		t.Error(got)
	}
}

// TestOnePythonName has a server whose PATH has python3 only.
func TestOnePythonName(t *testing.T) {
	t.Parallel()
	bin, scratch := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\necho three\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	x := tools.New(tools.Config{Host: process.Host{Path: []string{bin}, Scratch: scratch}})
	defer x.Close()
	r, err := x.Commands.Run(t.Context(), command.Spec{Place: process.Place{Dir: bin}, Text: "python; python3"})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Output.Close()
	if got := r.Output.Tail(100); got != "three\nthree\n" {
		t.Errorf("%q", got)
	}
}
