package native_test

import (
	"bufio"
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
)

// commandEvent is an event of a command as a client reads it.
type commandEvent struct {
	Seq      uint64
	Type     string
	ID       string
	Pid      int
	Text     string
	Base64   []byte
	Status   string
	ExitCode *int `json:"exit_code"`
	Signal   string
	Reason   string
	Duration float64 `json:"duration_ms"`
	Error    *struct{ Code, Message string }
}

// reply is an answer whose body is read as it comes.
type reply struct {
	StatusCode int
	Header     http.Header
	Body       io.Reader
}

// commandCall sends a request with the key. The answer is closed with the test.
func commandCall(tb testing.TB, s *testserver.Server, ctx context.Context, method, path, body string, header ...string) reply { //nolint:revive // ctx is not the test's own here
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = resp.Body.Close() })
	return reply{resp.StatusCode, resp.Header, resp.Body}
}

// follow reads a stream of events to its end.
func follow(tb testing.TB, resp reply) (all []commandEvent) {
	tb.Helper()
	for lines := bufio.NewReader(resp.Body); ; {
		line, err := lines.ReadString('\n')
		if err != nil {
			return all
		}
		if line == "\n" {
			continue
		}
		var e commandEvent
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			tb.Fatalf("%q: %v", line, err)
		}
		all = append(all, e)
	}
}

func outputOf(all []commandEvent, kind string) string {
	var b strings.Builder
	for _, e := range all {
		if e.Type == kind {
			b.WriteString(e.Text)
			b.Write(e.Base64)
		}
	}
	return b.String()
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	work := s.Sandboxes.WorkDir("default")
	for name, c := range map[string]struct {
		body      string
		out, errs string
		status    string
		code      int
	}{
		"both streams":  {`{"command":"echo a; echo b >&2; exit 3"}`, "a\n", "b\n", "exited", 3},
		"argv":          {`{"argv":["printf","%s|","a b","$HOME"]}`, "a b|$HOME|", "", "exited", 0},
		"bytes":         {`{"command":"printf '\\377\\0a'"}`, "\xff\x00a", "", "exited", 0},
		"environment":   {`{"command":"echo $A","env":{"A":"x"}}`, "x\n", "", "exited", 0},
		"directory":     {`{"command":"pwd","cwd":"/tmp","sandbox":"default"}`, "/tmp\n", "", "exited", 0},
		"its own":       {`{"command":"pwd"}`, work + "\n", "", "exited", 0},
		"a signal":      {`{"command":"kill -SEGV $$"}`, "", "", "signaled", 139},
		"a time limit":  {`{"command":"echo a; sleep 60","timeout_ms":150.5}`, "a\n", "", "timeout", 137},
		"nothing":       {`{"command":"true"}`, "", "", "exited", 0},
		"large command": {`{"command":"x=` + strings.Repeat("y", 1_000_000) + `; echo ${#x}"}`, "1000000\n", "", "exited", 0},
		"5 MB":          {`{"command":"yes | head -c 5000000"}`, strings.Repeat("y\n", 2_500_000), "", "exited", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			resp := commandCall(t, s, t.Context(), "POST", "/v1/commands", c.body)
			all := follow(t, resp)
			if resp.StatusCode != http.StatusOK || len(all) < 2 {
				t.Fatal(resp.StatusCode, all)
			}
			first, last := all[0], all[len(all)-1]
			if first.Type != "start" || resp.Header.Get("Location") != "/v1/commands/"+first.ID || first.Pid == 0 {
				t.Errorf("%+v %v", first, resp.Header)
			}
			if last.Type != "end" || last.Status != c.status || last.ExitCode == nil || *last.ExitCode != c.code || last.Duration <= 0 {
				t.Errorf("%+v", last)
			}
			if outputOf(all, "stdout") != c.out || outputOf(all, "stderr") != c.errs {
				t.Errorf("%.100q %.100q", outputOf(all, "stdout"), outputOf(all, "stderr"))
			}
			for i, e := range all {
				if e.Seq != uint64(i+1) {
					t.Errorf("event %d is numbered %d", i+1, e.Seq)
				}
			}
			again := follow(t, commandCall(t, s, t.Context(), "GET", resp.Header.Get("Location")+"/events?from=2", ""))
			if fmt.Sprint(len(again), outputOf(again, "stdout") == c.out) != fmt.Sprint(len(all)-1, true) {
				t.Errorf("read again: %d events", len(again))
			}
		})
	}
}

func TestCommandRefusals(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	long := strings.Repeat("x", 33<<20)
	for _, c := range []struct {
		method, path, body string
		status             int
		code, words        string
	}{
		{"POST", "", ``, 400, "INVALID_REQUEST", "empty"},
		{"POST", "", `{}`, 400, "INVALID_REQUEST", `"command" or "argv" is missing`},
		{"POST", "", `{"command":"a","argv":["b"]}`, 400, "INVALID_REQUEST", "exclude"},
		{"POST", "", `{"argv":[]}`, 400, "INVALID_REQUEST", "must not be empty"},
		{"POST", "", `{"argv":["nosuchprogram"]}`, 400, "COMMAND_NOT_FOUND", "command not found"},
		{"POST", "", `{"command":" "}`, 400, "INVALID_COMMAND", "empty"},
		{"POST", "", `{"command":"a\u0000"}`, 400, "INVALID_COMMAND", "NUL"},
		{"POST", "", `{"command":5}`, 400, "INVALID_REQUEST", `"command" must be a string`},
		{"POST", "", `{"comand":"a"}`, 400, "INVALID_REQUEST", `unknown member "comand"`},
		{"POST", "", `{"command":"a","timeout_ms":-1}`, 400, "INVALID_REQUEST", "negative"},
		{"POST", "", `{"command":"a","cwd":"nope"}`, 400, "INVALID_CWD", "no such file"},
		{"POST", "", `{"command":"a","env":{"A-B":""}}`, 400, "INVALID_ENV", "A-B"},
		{"POST", "", `{"command":"a","sandbox":"nope"}`, 404, "NOT_FOUND", "nope"},
		{"POST", "", `{"command":"a","attached":true,"events":false}`, 400, "INVALID_REQUEST", "attached"},
		{"POST", "", `{"command":"` + long + `"}`, 413, "MESSAGE_TOO_LARGE", "limit"},
		{"GET", "/nope", ``, 404, "NOT_FOUND", "nope"},
		{"GET", "/nope/events", ``, 404, "NOT_FOUND", "nope"},
		{"GET", "?sandbox=nope", ``, 404, "NOT_FOUND", "nope"},
		{"DELETE", "/nope", ``, 404, "NOT_FOUND", "nope"},
		{"POST", "/nope/signal", `{"signal":"INT"}`, 404, "NOT_FOUND", "nope"},
		{"POST", "/nope/signal", `{"signal":"HUBBUB"}`, 400, "INVALID_REQUEST", "HUBBUB"},
		{"POST", "/nope/signal", `{}`, 400, "INVALID_REQUEST", "signal"},
	} {
		resp := commandCall(t, s, t.Context(), c.method, "/v1/commands"+c.path, c.body)
		var got commandEvent
		raw, _ := io.ReadAll(resp.Body)
		if err := json.Unmarshal(raw, &got); err != nil || got.Error == nil || resp.StatusCode != c.status || got.Error.Code != c.code || !strings.Contains(got.Error.Message, c.words) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, resp.StatusCode, raw)
		}
	}
}

// TestCommandsLiveOn follows a command, leaves it, finds it, signals it.
func TestCommandsLiveOn(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx, leave := context.WithCancel(t.Context())
	resp := commandCall(t, s, ctx, "POST", "/v1/commands", `{"command":"trap 'echo bye; exit 4' INT; echo on; while :; do sleep 0.01; done"}`)
	for lines := bufio.NewScanner(resp.Body); lines.Scan() && !strings.Contains(lines.Text(), `"on\n"`); {
	}
	leave()
	path := resp.Header.Get("Location")
	var listed []struct{ ID, State, Command, Sandbox string }
	raw, _ := io.ReadAll(commandCall(t, s, t.Context(), "GET", "/v1/commands?sandbox=default", "").Body)
	if err := json.Unmarshal(raw, &listed); err != nil || len(listed) != 1 || listed[0].State != "running" || !strings.HasSuffix(path, listed[0].ID) {
		t.Fatalf("%s", raw)
	}
	if got := commandCall(t, s, t.Context(), "POST", path+"/signal", `{"signal":"int"}`); got.StatusCode != http.StatusNoContent {
		t.Error(got.StatusCode)
	}
	all := follow(t, commandCall(t, s, t.Context(), "GET", path+"/events", ""))
	if last := all[len(all)-1]; outputOf(all, "stdout") != "on\nbye\n" || *last.ExitCode != 4 || last.Status != "exited" {
		t.Errorf("%+v", all)
	}
	if got := commandCall(t, s, t.Context(), "POST", path+"/signal", `{"signal":"SIGKILL"}`); got.StatusCode != http.StatusConflict {
		t.Error(got.StatusCode)
	}
	if got := commandCall(t, s, t.Context(), "GET", path, ""); got.StatusCode != http.StatusOK {
		t.Error(got.StatusCode)
	}
	if got := commandCall(t, s, t.Context(), "DELETE", path, ""); got.StatusCode != http.StatusNoContent {
		t.Error(got.StatusCode)
	}
	if got := commandCall(t, s, t.Context(), "GET", path, ""); got.StatusCode != http.StatusNotFound {
		t.Error(got.StatusCode)
	}
}

func TestCommandInput(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	resp := commandCall(t, s, t.Context(), "POST", "/v1/commands", `{"command":"cat","stdin":true}`)
	path := resp.Header.Get("Location") + "/input"
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"text":"ä\n"}`, 204}, {`{"base64":"/w=="}`, 204}, {`{}`, 400}, {`{"text":"a","base64":"aa=="}`, 400}, {`{"base64":"?"}`, 400}, {`{"text":"b","eof":true}`, 204},
	} {
		if got := commandCall(t, s, t.Context(), "POST", path, c.body); got.StatusCode != c.status {
			t.Errorf("%s: %d", c.body, got.StatusCode)
		}
	}
	if got := outputOf(follow(t, resp), "stdout"); got != "ä\n\xffb" {
		t.Errorf("%q", got)
	}
	if got := commandCall(t, s, t.Context(), "POST", path, `{"text":"x"}`); got.StatusCode != http.StatusConflict {
		t.Error(got.StatusCode)
	}
}

// TestServerSentCommandEvents reads the other format, and the end of it twice.
func TestServerSentCommandEvents(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	resp := commandCall(t, s, t.Context(), "POST", "/v1/commands", `{"command":"echo a"}`, "Accept: text/event-stream")
	raw, _ := io.ReadAll(resp.Body)
	if !strings.HasPrefix(string(raw), "id: 1\nevent: start\ndata: {") || !strings.Contains(string(raw), "id: 3\nevent: end\ndata: {") {
		t.Errorf("%s", raw)
	}
	path := resp.Header.Get("Location") + "/events"
	if got := commandCall(t, s, t.Context(), "GET", path, "", "Accept: text/event-stream", "Last-Event-ID: 3"); got.StatusCode != http.StatusNoContent {
		t.Error(got.StatusCode)
	}
	if got, _ := io.ReadAll(commandCall(t, s, t.Context(), "GET", path, "", "Accept: text/event-stream", "Last-Event-ID: 2").Body); !strings.HasPrefix(string(got), "id: 3\nevent: end") {
		t.Errorf("%s", got)
	}
}

// TestAttachedCommand ends when its client leaves; one that has ended before
// that is not touched.
func TestAttachedCommand(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx, leave := context.WithCancel(t.Context())
	resp := commandCall(t, s, ctx, "POST", "/v1/commands", `{"command":"echo on; sleep 600","attached":true}`)
	var first commandEvent
	line, _ := bufio.NewReader(resp.Body).ReadBytes('\n')
	if err := json.Unmarshal(line, &first); err != nil {
		t.Fatal(err)
	}
	mine := procs.Of(first.Pid)
	leave()
	soon, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	all := follow(t, commandCall(t, s, soon, "GET", "/v1/commands/"+first.ID+"/events", ""))
	if last := all[len(all)-1]; last.Status != "ended" || !strings.Contains(last.Reason, "the client that it was attached to has left") || *last.ExitCode != 137 {
		t.Errorf("%+v", last)
	}
	if err := procs.Gone(soon, mine); err != nil {
		t.Error(err)
	}
	done := follow(t, commandCall(t, s, t.Context(), "POST", "/v1/commands", `{"command":"echo on","attached":true}`))
	if last := done[len(done)-1]; last.Status != "exited" {
		t.Errorf("%+v", last)
	}
}

// TestCommandsEndWithTheServer checks that clients read why.
func TestCommandsEndWithTheServer(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testserver.Server){
		"the server is shutting down":        func(s *testserver.Server) { s.Close(t) },
		"its sandbox was stopped or deleted": func(s *testserver.Server) { _, _ = s.Sandboxes.Stop(context.Background(), "default") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			mark := filepath.Join(s.Dir(t, "default"), "on")
			resp := commandCall(t, s, t.Context(), "POST", "/v1/commands", `{"command":"echo on; touch `+mark+`; sleep 600"}`)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := procs.Eventually(ctx, func() error { _, err := os.Stat(mark); return err }); err != nil {
				t.Fatal(err)
			}
			end(s)
			all := follow(t, resp)
			if last := all[len(all)-1]; last.Status != "ended" || !strings.Contains(last.Reason, name) || outputOf(all, "stdout") != "on\n" {
				t.Errorf("%+v", all)
			}
		})
	}
}

// TestWithoutEvents covers commands that are started and left at once, and one
// that another dialect waits for.
func TestWithoutEvents(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	var made struct{ ID, State string }
	resp := commandCall(t, s, t.Context(), "POST", "/v1/commands", `{"command":"echo later","events":false}`)
	raw, _ := io.ReadAll(resp.Body)
	if err := json.Unmarshal(raw, &made); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Fatalf("%d %s", resp.StatusCode, raw)
	}
	if all := follow(t, commandCall(t, s, t.Context(), "GET", "/v1/commands/"+made.ID+"/events", "")); outputOf(all, "stdout") != "later\n" {
		t.Errorf("%+v", all)
	}
	answer := make(chan string)
	go func() {
		raw, _ := io.ReadAll(commandCall(t, s, context.Background(), "POST", "/toolbox/default/process/execute", `{"command":"sleep 600"}`).Body)
		answer <- string(raw)
	}()
	id := ""
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		for _, c := range s.Tools.Commands.All() {
			if snap := c.Snapshot(); snap.Words == "sleep 600" && snap.Pid > 0 {
				id = c.ID()
				return nil
			}
		}
		return fmt.Errorf("it doesn't run")
	}); err != nil {
		t.Fatal(err)
	}
	if got := commandCall(t, s, t.Context(), "GET", "/v1/commands/"+id+"/events", ""); got.StatusCode != http.StatusConflict {
		t.Error(got.StatusCode)
	}
	if got := commandCall(t, s, t.Context(), "POST", "/v1/commands/"+id+"/signal", `{"signal":"TERM"}`); got.StatusCode != http.StatusNoContent {
		t.Error(got.StatusCode)
	}
	if got := <-answer; !strings.HasPrefix(got, `{"exitCode":143,`) {
		t.Error(got)
	}
}
