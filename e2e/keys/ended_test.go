package keys_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
	"hotcell/keys"
)

const forever = "await new Promise(() => {})"

// ended are the words for a key that was revoked.
const ended = `the key "ci" was revoked`

// guest is a client whose key can be revoked.
func guest(t *testing.T, s *testserver.Server) client {
	t.Helper()
	return client{s: s, key: key(t, s, keys.Spec{Name: "ci", Scope: keys.Run})}
}

func revoke(t *testing.T, s *testserver.Server) {
	t.Helper()
	admin := client{s: s, key: s.Key}
	if got := admin.ask(t, "DELETE", "/v1/keys/ci", nil); got.status != http.StatusNoContent {
		t.Fatalf("revoke: %+v", got)
	}
}

// TestRevokedSockets: each WebSocket of a revoked key is closed, and says why.
func TestRevokedSockets(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c := guest(t, s)
	started := func(path string, first any, words string) func() (string, int, string) {
		conn, status := c.dial(t, path)
		if conn == nil {
			t.Fatalf("%s: status %d", path, status)
		}
		if first != nil {
			say(t, conn, first)
		}
		hear(t, conn, has(words))
		return func() (string, int, string) {
			last, closed := end(t, conn)
			return last, closed.Code, closed.Text
		}
	}
	c.ask(t, "POST", "/process/session", obj{"sessionId": "s"})
	long := c.ask(t, "POST", "/process/session/s/exec", obj{"command": "echo begun; sleep 600", "runAsync": true}).json(t)
	logs := "/process/session/s/command/" + long["cmdId"].(string) + "/logs?follow=true"
	ends := map[string]func() (string, int, string){
		"native":      started("/v1/ws", obj{"id": 1, "type": "execute", "language": "javascript", "code": forever}, "running"),
		"interpreter": started("/process/interpreter/execute", obj{"code": "import time\nprint('begun', flush=True)\ntime.sleep(600)"}, "begun"),
		"terminal":    started("/process/pty/create-connect?id=t", nil, "connected"),
		"log":         started(logs, nil, "begun"),
	}
	events, _ := c.dial(t, "/api/socket.io/?EIO=4&transport=websocket")
	hear(t, events, has(`"sid"`))
	if err := events.WriteMessage(1, []byte(`40{"token":"`+c.key+`"}`)); err != nil {
		t.Fatal(err)
	}
	hear(t, events, has("40{"))
	ends["events"] = func() (string, int, string) {
		last, closed := end(t, events)
		return last, closed.Code, closed.Text
	}
	revoke(t, s)
	for name, end := range ends {
		if last, code, reason := end(); code != 1008 || !strings.Contains(strings.ReplaceAll(reason, `\`, ""), ended) {
			t.Errorf("%s: closed with %d %q after %s", name, code, reason, last)
		}
	}
	for _, path := range []string{"/v1/ws", "/process/interpreter/execute"} {
		if conn, status := c.dial(t, path); conn != nil || status != http.StatusUnauthorized {
			t.Errorf("%s afterwards: status %d", path, status)
		}
	}
}

// TestRevokedRequests: what a client has begun by HTTP ends with its key, in its
// own way, and leaves no code running; what others have begun goes on.
func TestRevokedRequests(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c, admin := guest(t, s), client{s: s, key: s.Key}
	type result struct {
		name string
		answer
	}
	results, begun := make(chan result), 0
	begin := func(name, path string, body obj) {
		begun++
		go func() { results <- result{name, c.ask(t, "POST", path, body)} }() // joined below
	}
	begin("native", "/v1/contexts/default/executions", obj{"language": "javascript", "code": forever, "wait": true})
	begin("command", "/process/execute", obj{"command": "echo begun; sleep 600"})
	begin("code", "/process/code-run", obj{"language": "javascript", "code": "setTimeout(() => {}, 600000)"})
	begin("E2B", "/e2b/execute", obj{"language": "typescript", "code": forever})
	begin("events", "/v1/commands", obj{"command": "sleep 600"})
	admin.ask(t, "POST", "/process/session", obj{"sessionId": "s"})
	begin("session", "/process/session/s/exec", obj{"command": "sleep 600"})
	hers := admin.ask(t, "POST", "/v1/commands", obj{"command": "sleep 600", "events": false}).json(t)["id"].(string)
	busy(t, s, admin)

	revoke(t, s)
	for range begun {
		r := <-results
		want := http.StatusOK // the stream has begun, or the run is over
		if r.name == "command" || r.name == "code" || r.name == "session" {
			want = http.StatusUnauthorized
		}
		if words := strings.ReplaceAll(r.body, `\`, ""); r.status != want || !strings.Contains(words, ended) {
			t.Errorf("%s: %d %s", r.name, r.status, r.body)
		}
	}
	// A context has the end of its last execution told before it is idle.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		if n := admin.ask(t, "GET", "/v1/status", nil).json(t)["contexts"].(obj)["busy"]; n != 0.0 {
			return fmt.Errorf("%v contexts are busy", n)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if got := admin.ask(t, "GET", "/v1/commands/"+hers, nil).json(t); got["state"] != "running" {
		t.Errorf("somebody else's command: %v", got)
	}
}

// busy returns when everything that TestRevokedRequests has begun runs: two
// executions, three commands and a program.
func busy(t *testing.T, s *testserver.Server, c client) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		status := c.ask(t, "GET", "/v1/status", nil).json(t)
		contexts, commands := status["contexts"].(obj)["busy"], status["commands"].(obj)["running"]
		session := c.ask(t, "GET", "/process/session/s", nil)
		if contexts == 2.0 && commands == 3.0 && s.Tools.Scripts.Busy("default") && strings.Contains(session.body, "sleep") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not everything has begun: %v", status)
		}
	}
}

// TestRevokedStream: a stream of events that a client only follows ends with words,
// and what it has followed goes on.
func TestRevokedStream(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c, admin := guest(t, s), client{s: s, key: s.Key}
	run := admin.ask(t, "POST", "/v1/contexts/default/executions", obj{"language": "javascript", "code": forever}).json(t)
	id := run["id"].(string)
	resp, err := c.http().Do(c.request(t, "GET", "/v1/executions/"+id+"/events", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body := bufio.NewReader(resp.Body)
	if line, err := body.ReadString('\n'); err != nil || !strings.Contains(line, "running") {
		t.Fatalf("%q %v", line, err)
	}
	revoke(t, s)
	rest, err := io.ReadAll(body)
	if err != nil || !strings.Contains(string(rest), `"code":"KEY_ENDED"`) {
		t.Errorf("%s %v", rest, err)
	}
	if got := admin.ask(t, "GET", "/v1/executions/"+id, nil).json(t); got["state"] != "running" {
		t.Errorf("the execution is %v", got)
	}
}

// TestExpired: a key whose time is over ends as one that is revoked, and its client
// is told which it was.
func TestExpired(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64 // nanoseconds
	begin, over := time.Now(), make(chan func(), 1)
	clock := keys.Config{
		Now: func() time.Time { return begin.Add(time.Duration(passed.Load())) },
		AfterFunc: func(_ time.Duration, f func()) func() bool {
			over <- f
			return func() bool { return true }
		},
	}
	s := testserver.Start(t, testserver.WithKeys(clock))
	c := client{s: s, key: key(t, s, keys.Spec{Name: "ci", Scope: keys.Run, Expires: begin.Add(time.Hour)})}
	conn, _ := c.dial(t, "/v1/ws")
	reply(t, conn, obj{"type": "ping"})
	passed.Store(int64(time.Hour))
	(<-over)()
	if _, closed := end(t, conn); closed.Code != 1008 || closed.Text != `the key "ci" has expired` {
		t.Errorf("closed with %v", closed)
	}
	if got := c.ask(t, "GET", "/v1/status", nil); got.status != http.StatusUnauthorized || !strings.Contains(got.body, "has expired") {
		t.Errorf("afterwards: %+v", got)
	}
}
