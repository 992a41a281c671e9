package keys_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/keys"
)

// rooms are a server with two sandboxes, something running in each, and clients:
// one of everything, and one that is confined to the first.
type rooms struct {
	s          *testserver.Server
	all, one   client
	mine, hers string // sandboxes
	context    string // in hers
	execution  string
	command    string
}

func twoRooms(t *testing.T, scope keys.Scope, by func(id, name string) string) rooms {
	t.Helper()
	s := testserver.Start(t)
	a, b := sandbox(t, s, "mine"), sandbox(t, s, "hers")
	r := rooms{
		s: s, mine: a.ID, hers: b.ID, all: client{s: s, key: s.Key},
		one: client{s: s, key: key(t, s, keys.Spec{Name: "one", Scope: scope, Sandboxes: []string{by(a.ID, a.Name)}})},
	}
	for _, sb := range []string{r.mine, r.hers} {
		made := r.all.ask(t, "POST", "/v1/contexts", obj{"sandbox": sb, "language": "javascript"}).json(t)
		r.context, _ = made["id"].(string)
		run := r.all.ask(t, "POST", "/v1/contexts/"+r.context+"/executions", obj{"code": "await new Promise(() => {})"})
		r.execution, _ = run.json(t)["id"].(string)
		x := r.all.ask(t, "POST", "/v1/commands", obj{"sandbox": sb, "command": "sleep 600", "events": false})
		r.command, _ = x.json(t)["id"].(string)
	}
	if r.context == "" || r.execution == "" || r.command == "" {
		t.Fatalf("nothing runs: %+v", r)
	}
	return r
}

func byID(id, _ string) string     { return id }
func byName(_, name string) string { return name }

// TestOthersAreNotThere: what is in another sandbox is answered like what isn't
// anywhere, on every way that there is to it.
func TestOthersAreNotThere(t *testing.T) {
	t.Parallel()
	for name, by := range map[string]func(id, name string) string{"by id": byID, "by name": byName} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := twoRooms(t, keys.Admin, by)
			unknown := "00000000-0000-0000-0000-000000000000"
			for _, c := range []struct {
				method, path string // with %s for what is hers, or not there
				id           string
				body         obj
			}{
				{"GET", "/v1/contexts/%s", r.context, nil},
				{"DELETE", "/v1/contexts/%s", r.context, nil},
				{"POST", "/v1/contexts/%s/restart", r.context, obj{}},
				{"POST", "/v1/contexts/%s/interrupt", r.context, obj{}},
				{"POST", "/v1/contexts/%s/complete", r.context, obj{"code": "x", "cursor": 1}},
				{"GET", "/v1/contexts/%s/executions", r.context, nil},
				{"POST", "/v1/contexts/%s/executions", r.context, obj{"code": "1"}},
				{"POST", "/v1/contexts/default/executions?sandbox=%s", r.hers, obj{"code": "1"}},
				{"POST", "/v1/contexts?sandbox=%s", r.hers, obj{}},
				{"GET", "/v1/contexts?sandbox=%s", r.hers, nil},
				{"GET", "/v1/executions?sandbox=%s", r.hers, nil},
				{"GET", "/v1/executions/%s", r.execution, nil},
				{"GET", "/v1/executions/%s/events", r.execution, nil},
				{"GET", "/v1/executions/%s/events/1/data", r.execution, nil},
				{"POST", "/v1/executions/%s/interrupt", r.execution, obj{}},
				{"POST", "/v1/executions/%s/input", r.execution, obj{"value": "x"}},
				{"GET", "/v1/commands?sandbox=%s", r.hers, nil},
				{"POST", "/v1/commands?sandbox=%s", r.hers, obj{"command": "true"}},
				{"GET", "/v1/commands/%s", r.command, nil},
				{"GET", "/v1/commands/%s/events", r.command, nil},
				{"POST", "/v1/commands/%s/signal", r.command, obj{"signal": "KILL"}},
				{"POST", "/v1/commands/%s/input", r.command, obj{"eof": true}},
				{"DELETE", "/v1/commands/%s", r.command, nil},
				{"GET", "/api/sandbox/%s", r.hers, nil},
				{"GET", "/api/sandbox/%s", "hers", nil},
				{"DELETE", "/api/sandbox/%s", r.hers, nil},
				{"POST", "/api/sandbox/%s/stop", r.hers, nil},
				{"PUT", "/api/sandbox/%s/labels", r.hers, obj{"labels": obj{}}},
				{"GET", "/api/sandbox/%s/ports/1/preview-url", r.hers, nil},
				{"GET", "/toolbox/%s/work-dir", r.hers, nil},
				{"GET", "/toolbox/%s/files/download?path=x", r.hers, nil},
				{"POST", "/toolbox/%s/process/execute", r.hers, obj{"command": "true"}},
				{"GET", "/api/toolbox/%s/toolbox/work-dir", r.hers, nil},
			} {
				got := r.one.ask(t, c.method, fmt.Sprintf(c.path, c.id), c.body)
				nowhere := r.one.ask(t, c.method, fmt.Sprintf(c.path, unknown), c.body)
				if got.status != http.StatusNotFound || nowhere.status != http.StatusNotFound {
					t.Errorf("%s %s: %d %s; where nothing is %d %s", c.method, c.path, got.status, got.body, nowhere.status, nowhere.body)
				}
				if message(got, c.id) != message(nowhere, unknown) {
					t.Errorf("%s %s: %s can be told from %s", c.method, c.path, got.body, nowhere.body)
				}
			}
			if got := r.one.ask(t, "GET", "/work-dir", nil); got.status != http.StatusNotFound { // that of the default sandbox
				t.Errorf("at the root: %d", got.status)
			}
			if got := r.all.ask(t, "GET", "/v1/executions/"+r.execution, nil).json(t); got["state"] == "done" { // it may not have begun
				t.Errorf("her execution is %v", got)
			}
			r.onTheSocket(t)
		})
	}
}

// message is an answer's words without the id that it names.
func message(a answer, id string) string {
	words := a.body
	if i := strings.Index(words, `"timestamp"`); i >= 0 {
		words = words[:i]
	}
	return strings.ReplaceAll(words, id, "ID")
}

// onTheSocket asks for the same on the native WebSocket.
func (r rooms) onTheSocket(t *testing.T) {
	t.Helper()
	conn, _ := r.one.dial(t, "/v1/ws")
	for _, request := range []obj{
		{"type": "attach", "execution": r.execution},
		{"type": "interrupt", "execution": r.execution},
		{"type": "interrupt", "context": r.context},
		{"type": "input_reply", "execution": r.execution, "value": "x"},
		{"type": "execute", "context": r.context, "code": "1"},
		{"type": "execute", "sandbox": r.hers, "code": "1"},
		{"type": "execute", "code": "1"}, // in the default sandbox
		{"type": "list", "context": r.context},
		{"type": "restart", "context": r.context},
		{"type": "delete_context", "context": r.context},
		{"type": "create_context", "sandbox": r.hers},
		{"type": "complete", "context": r.context, "code": "x", "cursor": 1},
	} {
		if got := reply(t, conn, request); code(got) != "NOT_FOUND" {
			t.Errorf("%v: %v", request, got)
		}
	}
	// An id that somebody has chosen can't be taken twice, but where it is stays unsaid.
	got := reply(t, conn, obj{"type": "execute", "sandbox": r.mine, "code": "1", "execution": r.execution})
	if code(got) != "DUPLICATE_ID" || strings.Contains(fmt.Sprint(got), r.context) {
		t.Errorf("the same id: %v", got)
	}
	list, _ := reply(t, conn, obj{"type": "list"})["result"].([]any)
	if len(list) == 0 || slices.ContainsFunc(list, func(c any) bool { return c.(obj)["sandbox"] != r.mine }) {
		t.Errorf("the contexts are %v", list)
	}
}

// TestListsShowTheirOwn also of what is only counted.
func TestListsShowTheirOwn(t *testing.T) {
	t.Parallel()
	r := twoRooms(t, keys.Read, byName)
	for path, want := range map[string]string{
		"/v1/contexts": r.mine, "/v1/commands": r.mine, "/api/sandbox": r.mine, "/api/sandbox/paginated": r.mine,
	} {
		if got := r.one.ask(t, "GET", path, nil); !strings.Contains(got.body, want) || strings.Contains(got.body, r.hers) {
			t.Errorf("%s: %s", path, got.body)
		}
	}
	if got := r.one.ask(t, "GET", "/v1/executions", nil); len(strings.Split(got.body, `"context"`)) != 2 || strings.Contains(got.body, r.execution) {
		t.Errorf("/v1/executions: %s", got.body)
	}
	status := r.one.ask(t, "GET", "/v1/status", nil).json(t)
	counts := fmt.Sprint(status["contexts"], status["commands"])
	if counts != "map[busy:1 total:1] map[running:1]" {
		t.Errorf("the status counts %s", counts)
	}
}

// TestOthersAreNotThereLater: nor is there what a server before has left.
func TestOthersAreNotThereLater(t *testing.T) {
	t.Parallel()
	r := twoRooms(t, keys.Admin, byName)
	r.s.Close(t)
	s := testserver.Start(t, testserver.WithDataDir(r.s.DataDir))
	r.s, r.all.s, r.one.s = s, s, s
	for path, there := range map[string]int{
		"/v1/contexts/" + r.context:                 http.StatusGone,
		"/v1/contexts/" + r.context + "/executions": http.StatusOK,
		"/v1/executions/" + r.execution:             http.StatusOK,
		"/v1/executions/" + r.execution + "/events": http.StatusOK,
		"/v1/commands/" + r.command:                 http.StatusOK,
	} {
		if got := r.all.ask(t, "GET", path, nil); got.status != there {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
		if got := r.one.ask(t, "GET", path, nil); got.status != http.StatusNotFound || strings.Contains(got.body, r.hers) {
			t.Errorf("%s for the other: %d %s", path, got.status, got.body)
		}
	}
	if got := r.one.ask(t, "GET", "/v1/executions", nil); len(strings.Split(got.body, `"context"`)) != 2 || strings.Contains(got.body, r.execution) {
		t.Errorf("the executions are %s", got.body)
	}
}

// TestEventsOfOthers: the event stream of the Daytona SDKs tells of one's own
// sandboxes alone.
func TestEventsOfOthers(t *testing.T) {
	t.Parallel()
	r := twoRooms(t, keys.Read, byName)
	conn, _ := client{s: r.s}.dial(t, "/api/socket.io/?EIO=4&transport=websocket")
	hear(t, conn, has(`"sid"`))
	if err := conn.WriteMessage(1, []byte(`40{"token":"`+r.one.key+`"}`)); err != nil {
		t.Fatal(err)
	}
	hear(t, conn, has(`40{`))
	for _, sb := range []string{r.hers, r.mine} {
		if got := r.all.ask(t, "POST", "/api/sandbox/"+sb+"/stop", nil); got.status != http.StatusOK {
			t.Fatal(got)
		}
	}
	if first := hear(t, conn, has("sandbox.state.updated")); !strings.Contains(first, r.mine) {
		t.Errorf("the first event is %s", first)
	}
}

// TestE2BSandbox: the header names one that isn't there.
func TestE2BSandbox(t *testing.T) {
	t.Parallel()
	r := twoRooms(t, keys.Run, byName)
	for sandbox, want := range map[string]int{r.mine: 200, "mine": 200, r.hers: 404, "hers": 404, "default": 404, "nope": 404} {
		req := r.one.request(t, "POST", "/e2b/contexts", obj{"language": "javascript"})
		req.Header.Set("E2b-Sandbox-Id", sandbox)
		resp, err := r.one.http().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: status %d", sandbox, resp.StatusCode)
		}
	}
}

// TestPreviewTokenOfAKey opens what its key opens, for as long as the key is one.
func TestPreviewTokenOfAKey(t *testing.T) {
	t.Parallel()
	r := twoRooms(t, keys.Run, byName)
	for _, path := range []string{"preview-url", "signed-preview-url?expiresInSeconds=3600"} {
		link := r.one.ask(t, "GET", "/api/sandbox/"+r.mine+"/ports/1/"+path, nil).json(t)
		token, _ := link["token"].(string)
		try := func(path string) int {
			c := client{s: r.s, key: ""}
			return c.ask(t, "GET", path+"?DAYTONA_SANDBOX_AUTH_KEY="+token, nil).status
		}
		if got := try("/toolbox/" + r.mine + "/work-dir"); got != http.StatusOK {
			t.Errorf("%s: status %d", path, got)
		}
		if got := try("/toolbox/" + r.hers + "/work-dir"); got != http.StatusForbidden {
			t.Errorf("%s in another sandbox: status %d", path, got)
		}
		if _, err := r.s.Keys.Revoke("one"); err != nil {
			t.Fatal(err)
		}
		if got := try("/toolbox/" + r.mine + "/work-dir"); got != http.StatusUnauthorized {
			t.Errorf("%s after its key: status %d", path, got)
		}
		r.one.key = key(t, r.s, keys.Spec{Name: "one", Scope: keys.Run, Sandboxes: []string{"mine"}})
	}
}
