package native_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"
	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
	"hotcell/internal/wire"
	"hotcell/sandboxes"
)

// ask sends one request and returns the status and the body.
func ask(tb testing.TB, s *testserver.Server, method, path, body string, header ...string) (int, string, http.Header) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return resp.StatusCode, string(raw), resp.Header
}

func decode[T any](tb testing.TB, body string) T {
	tb.Helper()
	var v T
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		tb.Fatalf("%s: %v", body, err)
	}
	return v
}

type shown struct {
	ID, Context, State, Status, Sandbox, Language string
	Default                                       bool
	Epoch                                         int
	Events                                        uint64
}

func TestREST(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	status, body, header := ask(t, s, "POST", "/v1/contexts", `{"language":"py","env":{"A":"b"}}`)
	made := decode[shown](t, body)
	if status != 201 || header.Get("Location") != "/v1/contexts/"+made.ID || made.Language != "python" || made.Epoch != 1 {
		t.Fatalf("%d %s", status, body)
	}
	at := "/v1/contexts/" + made.ID

	status, body, _ = ask(t, s, "POST", at+"/executions", `{"code":"import os; print(os.environ['A']); 6*7","wait":true}`)
	whole := decode[struct {
		Execution shown
		Stdout    string
		Outputs   []wire.Event
	}](t, body)
	if status != 200 || whole.Stdout != "b\n" || len(whole.Outputs) != 1 || string(whole.Outputs[0].Bundle["text/plain"]) != `"42"` {
		t.Errorf("%d %s", status, body)
	}
	status, body, _ = ask(t, s, "POST", at+"/executions", `{"code":"1/0","wait":true}`)
	failed := decode[struct {
		Execution shown
		Error     wire.Event
	}](t, body)
	if status != 200 || failed.Execution.Status != "error" || failed.Error.Name != "ZeroDivisionError" {
		t.Errorf("%d %s", status, body)
	}

	status, body, header = ask(t, s, "POST", at+"/executions", `{"code":"print(1)\ninput('? ')","stdin":true,"execution":"mine"}`)
	if status != 202 || header.Get("Location") != "/v1/executions/mine" || decode[shown](t, body).ID != "mine" {
		t.Errorf("%d %s", status, body)
	}
	waitFor(t, s, "mine", wire.EventInputRequest)
	if status, body, _ = ask(t, s, "POST", "/v1/executions/mine/input", `{"value":"x"}`); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	waitFor(t, s, "mine", wire.EventResult)

	_, _, _ = ask(t, s, "POST", at+"/executions", `{"code":"while True: pass","execution":"loop"}`)
	waitFor(t, s, "loop", wire.EventState)
	if status, body, _ = ask(t, s, "POST", at+"/interrupt", ``); status != 204 {
		t.Errorf("%d %s", status, body)
	}
	waitFor(t, s, "loop", wire.EventError)
	if _, body, _ = ask(t, s, "GET", "/v1/executions/loop", ``); decode[shown](t, body).Context != made.ID {
		t.Error(body)
	}

	if status, body, _ = ask(t, s, "POST", at+"/complete", `{"code":"os.pat","cursor":6}`); status != 200 || !strings.Contains(body, `"path"`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ = ask(t, s, "POST", at+"/inspect", `{"code":"len","cursor":2}`); status != 200 || !strings.Contains(body, `"found":true`) {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ = ask(t, s, "POST", at+"/restart", ``); status != 200 || decode[shown](t, body).Epoch != 2 {
		t.Errorf("%d %s", status, body)
	}
	if _, body, _ = ask(t, s, "GET", at+"/executions", ``); len(decode[[]shown](t, body)) != 4 {
		t.Error(body)
	}
	if status, body, _ = ask(t, s, "DELETE", at, ``); status != 204 || body != "" {
		t.Errorf("%d %s", status, body)
	}
	if status, body, _ = ask(t, s, "GET", at, ``); status != 404 || !strings.Contains(body, `{"error":{"code":"NOT_FOUND"`) {
		t.Errorf("%d %s", status, body)
	}
}

// waitFor reads an execution's events until one of the kind.
func waitFor(tb testing.TB, s *testserver.Server, execution string, kind wire.EventType) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, s.URL+"/v1/executions/"+execution+"/events", nil)
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	dec := json.NewDecoder(resp.Body)
	for {
		var e wire.Event
		if err := dec.Decode(&e); err != nil {
			tb.Fatalf("no %s: %v", kind, err)
		}
		if e.Type == kind {
			return
		}
	}
}

func TestDefaultContexts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	run := func(query, code string) string {
		t.Helper()
		status, body, _ := ask(t, s, "POST", "/v1/contexts/default/executions"+query, `{"wait":true,"code":`+fmt.Sprintf("%q", code)+`}`)
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		return decode[struct{ Stdout string }](t, body).Stdout
	}
	run("", "x = 1")
	run("?language=ts", "const x: string = 'two'")
	if got := run("", "print(x)") + run("?language=typescript", "console.log(x)"); got != "1\ntwo\n" {
		t.Errorf("%q", got)
	}
	_, body, _ := ask(t, s, "GET", "/v1/contexts?sandbox=default", "")
	var languages []string
	for _, c := range decode[[]shown](t, body) {
		if c.Default {
			languages = append(languages, c.Language)
		}
	}
	if diff := cmp.Diff([]string{"python", "typescript"}, languages); diff != "" {
		t.Error(diff)
	}
	if status, body, _ := ask(t, s, "DELETE", "/v1/contexts/default", ""); status != 400 {
		t.Errorf("%d %s", status, body)
	}
}

func TestStreams(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, _, _ = ask(t, s, "POST", "/v1/contexts/default/executions", `{"code":"print('a', flush=True); 1","execution":"x","wait":true}`)

	_, body, header := ask(t, s, "GET", "/v1/executions/x/events?from=2", "")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if first := decode[wire.Event](t, lines[0]); first.Seq != 2 || header.Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%s: %s", header.Get("Content-Type"), body)
	}
	end := decode[wire.Event](t, lines[len(lines)-1])
	if end.State != wire.StateDone || end.Status != wire.StatusOK {
		t.Error(body)
	}

	_, body, header = ask(t, s, "GET", "/v1/executions/x/events", "", "Accept", "text/event-stream", "Last-Event-ID", "1")
	scan := bufio.NewScanner(strings.NewReader(body))
	var ids []string
	for scan.Scan() {
		if id, ok := strings.CutPrefix(scan.Text(), "id: "); ok {
			ids = append(ids, id)
		}
	}
	if len(ids) != int(end.Seq)-1 || ids[0] != "2" || header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%v\n%s", ids, body)
	}
	if status, _, _ := ask(t, s, "GET", "/v1/executions/x/events", "", "Accept", "text/event-stream", "Last-Event-ID", fmt.Sprint(end.Seq)); status != 204 {
		t.Errorf("an EventSource that has everything is told %d", status)
	}
	if status, body, _ := ask(t, s, "GET", "/v1/executions/x/events?from=-1", ""); status != 400 {
		t.Errorf("%d %s", status, body)
	}
}

// TestRelativeDirectory: it is the sandbox's, wherever the server was started.
func TestRelativeDirectory(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	sub := filepath.Join(s.Sandboxes.WorkDir(sandboxes.DefaultID), "below")
	if err := os.Mkdir(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	code, body, _ := ask(t, s, http.MethodPost, "/v1/contexts", `{"cwd":"below"}`)
	if got := decode[struct{ Cwd string }](t, body).Cwd; code != http.StatusCreated || got != sub {
		t.Errorf("%d %s", code, body)
	}
}

// TestExecutionIDsAreUniqueAmongContexts: nobody could say which one an
// interrupt means.
func TestExecutionIDsAreUniqueAmongContexts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for i, want := range []int{http.StatusAccepted, http.StatusConflict} {
		_, body, _ := ask(t, s, http.MethodPost, "/v1/contexts", `{}`)
		path := "/v1/contexts/" + decode[shown](t, body).ID + "/executions"
		if code, body, _ := ask(t, s, http.MethodPost, path, `{"code":"1","execution":"mine"}`); code != want {
			t.Errorf("%d: %d %s", i, code, body)
		}
	}
}

func TestRESTFaults(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for _, c := range []struct {
		method, path, body string
		status             int
		code               string
	}{
		{"GET", "/v1/nowhere", "", 404, "NOT_FOUND"},
		{"PUT", "/v1/contexts", "", 404, "NOT_FOUND"},
		{"GET", "/v1/executions/nope", "", 404, "NOT_FOUND"},
		{"POST", "/v1/contexts", `{"language":"cobol"}`, 400, "UNKNOWN_LANGUAGE"},
		{"POST", "/v1/contexts", `{"cwd":"/does/not/exist"}`, 400, "INVALID_CWD"},
		{"POST", "/v1/contexts", `{"env":{"A=":"b"}}`, 400, "INVALID_ENV"},
		{"POST", "/v1/contexts", `[]`, 400, "INVALID_REQUEST"},
		{"POST", "/v1/contexts?sandbox=nope", ``, 404, "NOT_FOUND"},
		{"GET", "/v1/contexts?sandbox=nope", ``, 404, "NOT_FOUND"},
		{"POST", "/v1/contexts/default/executions", ``, 400, "INVALID_REQUEST"},
		{"POST", "/v1/contexts/default/executions", `{"code":"1","timeout_ms":-1}`, 400, "INVALID_REQUEST"},
		{"POST", "/v1/contexts/default/interrupt", ``, 404, "NOT_FOUND"},
		{"GET", "/v1/ws", ``, 426, "UPGRADE_REQUIRED"},
	} {
		status, body, _ := ask(t, s, c.method, c.path, c.body)
		got := decode[struct {
			Error struct{ Code, Message string }
		}](t, body).Error
		if status != c.status || got.Code != c.code || got.Message == "" {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, status, body)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	status, body, _ := ask(t, s, "GET", "/v1/status", "", "Authorization", "Bearer wrong")
	if status != 401 || !strings.Contains(body, `"error":{"code":"UNAUTHORIZED"`) {
		t.Errorf("%d %s", status, body)
	}
	ws := "ws" + strings.TrimPrefix(s.URL, "http") + "/v1/ws"
	for name, c := range map[string]struct {
		url      string
		offers   []string
		origin   string
		status   int
		selected string
	}{
		"none":                   {url: ws, status: 401},
		"query":                  {url: ws + "?token=" + s.Key, status: 101},
		"wrong query":            {url: ws + "?token=x", status: 401},
		"subprotocol":            {url: ws, offers: []string{"hotcell.v1", "hotcell.key." + s.Key}, status: 101, selected: "hotcell.v1"},
		"wrong subprotocol":      {url: ws, offers: []string{"hotcell.v1", "hotcell.key.x"}, status: 401},
		"a page of another site": {url: ws + "?token=" + s.Key, origin: "https://evil.example", status: 403},
		"a page of our own":      {url: ws + "?token=" + s.Key, origin: s.URL, status: 101},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			header := http.Header{}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			d := websocket.Dialer{Subprotocols: c.offers}
			conn, resp, err := d.DialContext(t.Context(), c.url, header)
			if err == nil {
				defer conn.Close()
			}
			if resp != nil {
				_ = resp.Body.Close()
			}
			if resp == nil || resp.StatusCode != c.status {
				t.Fatalf("%v, %v", resp, err)
			}
			if conn != nil && conn.Subprotocol() != c.selected {
				t.Errorf("subprotocol %q, want %q", conn.Subprotocol(), c.selected)
			}
		})
	}
}
