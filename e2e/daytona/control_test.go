package daytona_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
)

// sandboxMembers wants what the strict generated clients refuse to miss.
func sandboxMembers(t *testing.T, s *testserver.Server) {
	t.Helper()
	sb := sandbox(t, s, obj{"env": obj{"A": "b"}, "labels": obj{"code-toolbox-language": "ts"}, "target": "here", "volumes": []int{}})
	for member, kind := range map[string]string{
		"id": "string", "organizationId": "string", "name": "string", "user": "string", "target": "string",
		"toolboxProxyUrl": "string", "env": "map[string]interface {}", "labels": "map[string]interface {}",
		"public": "bool", "networkBlockAll": "bool", "kvm": "bool",
		"cpu": "float64", "gpu": "float64", "memory": "float64", "disk": "float64",
		"state": "string", "createdAt": "string", "updatedAt": "string", "lastActivityAt": "string",
	} {
		if got := fmt.Sprintf("%T", sb[member]); got != kind {
			t.Errorf("%s is %s, want %s", member, got, kind)
		}
	}
	if sb["toolboxProxyUrl"] != s.URL+"/toolbox" {
		t.Errorf("toolboxProxyUrl is %v", sb["toolboxProxyUrl"])
	}
	if got := sb["labels"].(map[string]any)["code-toolbox-language"]; got != "typescript" {
		t.Errorf("language label is %v", got)
	}
	// Whatever name a client reaches us by, it is sent back to the same one.
	_, body := call(t, s, "GET", "/api/sandbox/"+sb["id"].(string), nil, http.Header{"Host": {"alias.localhost:99"}})
	if got := decode(t, body)["toolboxProxyUrl"]; got != "http://alias.localhost:99/toolbox" {
		t.Errorf("by an alias toolboxProxyUrl is %v", got)
	}
	status, body := call(t, s, "POST", "/api/sandbox/"+sb["id"].(string)+"/last-activity", obj{}, nil)
	if status != http.StatusCreated || len(body) != 0 {
		t.Errorf("last-activity: %d %q", status, body)
	}
}

func refusedSandboxes(t *testing.T, s *testserver.Server) {
	t.Helper()
	for words, spec := range map[string]any{
		"unknown language":       obj{"labels": obj{"code-toolbox-language": "cobol"}},
		"images cannot be built": obj{"buildInfo": obj{"dockerfileContent": "FROM x"}},
		"volumes":                obj{"volumes": []obj{{"volumeId": "v"}}},
		"network restrictions":   obj{"networkBlockAll": true},
		"A=B":                    obj{"env": obj{"A=B": "c"}},
		"not allowed":            obj{"name": "a/b"},
		"128 are allowed":        obj{"name": strings.Repeat("x", 129)},
		"auto-stop":              obj{"autoStopInterval": -5},
		"reserved":               obj{"name": ".."},
		"exists already":         obj{"name": "default"},
		"must be a JSON object":  []int{1},
		"not JSON":               []byte("{"),
		"name must be a string":  obj{"name": 5},
		"out of range":           obj{"ttlMinutes": 1e18},
	} {
		status, body := call(t, s, "POST", "/api/sandbox", spec, nil)
		if status < 400 || status >= 500 || !strings.Contains(string(body), words) {
			t.Errorf("%s: %d %s", words, status, body)
		}
	}
	for _, path := range []string{"/autostop/x", "/autostop/-1", "/ttl/99999999999", "/ports/0/preview-url"} {
		method := "POST"
		if strings.HasSuffix(path, "url") {
			method = "GET"
		}
		if status, body := call(t, s, method, "/api/sandbox/default"+path, nil, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if status, _ := call(t, s, "DELETE", "/api/sandbox/default", nil, nil); status != http.StatusBadRequest {
		t.Errorf("the default sandbox was deleted: %d", status)
	}
}

func TestListQueries(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	var ids []string
	for i := range 5 {
		ids = append(ids, sandbox(t, s, obj{"name": fmt.Sprintf("box-%d", i), "labels": obj{"n": fmt.Sprint(i % 2)}, "cpu": i + 1})["id"].(string))
	}
	call(t, s, "POST", "/api/sandbox/"+ids[4]+"/stop?force=false", nil, nil)
	list := func(query string) ([]string, any) {
		t.Helper()
		status, body := call(t, s, "GET", "/api/sandbox?"+query, nil, nil)
		if status != http.StatusOK {
			t.Fatalf("%s: %d %s", query, status, body)
		}
		o := decode(t, body)
		if _, there := o["nextCursor"]; !there {
			t.Errorf("nextCursor is missing: %s", body)
		}
		got := []string{}
		for _, item := range o["items"].([]any) {
			got = append(got, item.(map[string]any)["name"].(string))
		}
		return got, o["nextCursor"]
	}
	for query, want := range map[string]string{
		"":                               "box-0 box-1 box-2 box-3 box-4",
		"order=desc":                     "box-4 box-3 box-2 box-1 box-0",
		"sort=name&order=asc":            "box-0 box-1 box-2 box-3 box-4",
		"labels=%7B%22n%22%3A%221%22%7D": "box-1 box-3",
		"states=stopped":                 "box-4",
		"states=stopped&states=started":  "box-0 box-1 box-2 box-3 box-4",
		"name=BOX-3":                     "box-3",
		"id=" + ids[2][:13]:              "box-2",
		"minCpu=2&maxCpu=3":              "box-1 box-2",
		"createdAtAfter=2000-01-02T03:04:05.000Z&createdAtBefore=2001-01-01T00:00:00Z": "",
	} {
		if got, _ := list(query); strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	var seen []string
	for cursor := any(""); cursor != nil; {
		var page []string
		page, cursor = list(fmt.Sprintf("limit=2.0&sort=name&cursor=%s", cursor))
		seen = append(seen, page...)
	}
	if got := strings.Join(seen, " "); got != "box-0 box-1 box-2 box-3 box-4" {
		t.Errorf("pages: %s", got)
	}
	_, body := call(t, s, "GET", "/api/sandbox/paginated?page=2&limit=2", nil, nil)
	if o := decode(t, body); o["total"] != 5.0 || len(o["items"].([]any)) != 2 || o["totalPages"] != 3.0 {
		t.Errorf("paginated: %s", body)
	}
	for _, query := range []string{"limit=0", "limit=x", "limit=1.5", "cursor=***", "labels=x", "minCpu=x", "createdAtAfter=x"} {
		if status, body := call(t, s, "GET", "/api/sandbox?"+query, nil, nil); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", query, status, body)
		}
	}
}

// TestRestart finds the records again, and survives one that is broken.
func TestRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := testserver.Start(t, testserver.WithDataDir(dir))
	kept := sandbox(t, first, obj{"name": "kept", "labels": obj{"a": "b"}, "env": obj{"HC": "1"}})["id"].(string)
	stopped := sandbox(t, first, obj{"name": "stopped"})["id"].(string)
	broken := sandbox(t, first, obj{"name": "broken"})["id"].(string)
	call(t, first, "POST", "/api/sandbox/"+stopped+"/stop", nil, nil)
	_, link := call(t, first, "GET", "/api/sandbox/kept/ports/1/preview-url", nil, nil)
	first.Close(t)

	record := filepath.Join(dir, "sandboxes", broken, "record.json")
	if err := os.WriteFile(record, []byte(`{"id": "`), 0o600); err != nil {
		t.Fatal(err)
	}
	second := testserver.Start(t, testserver.WithDataDir(dir))
	_, body := call(t, second, "GET", "/api/sandbox/kept", nil, nil)
	got := decode(t, body)
	if got["id"] != kept || got["state"] != "started" || got["labels"].(map[string]any)["a"] != "b" {
		t.Errorf("kept: %s", body)
	}
	_, body = call(t, second, "GET", "/api/sandbox/"+stopped, nil, nil)
	if decode(t, body)["state"] != "stopped" {
		t.Errorf("stopped: %s", body)
	}
	if status, _ := call(t, second, "GET", "/api/sandbox/"+broken, nil, nil); status != http.StatusNotFound {
		t.Errorf("broken: %d", status)
	}
	if _, err := os.Stat(record + ".unreadable"); err != nil {
		t.Errorf("the broken record is not set aside: %v", err)
	}
	conn := dial(t, second, kept, http.Header{"Authorization": nil, "X-Daytona-Preview-Token": {decode(t, link)["token"].(string)}})
	say(t, conn, obj{"code": "import os; print(os.environ['HC'])"})
	if e := finish(t, conn); e.text("stdout") != "1\n" {
		t.Errorf("%+v", e)
	}
}

// TestEventStreamHandshake speaks Socket.IO by hand.
func TestEventStreamHandshake(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	open := func() *websocket.Conn {
		conn, _, err := dialPath(t, s, "/api/socket.io/?EIO=4&transport=websocket&source=x", nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		return conn
	}
	next := func(conn *websocket.Conn, prefix string) string {
		t.Helper()
		_, msg, err := conn.ReadMessage()
		if err != nil || !strings.HasPrefix(string(msg), prefix) {
			t.Fatalf("%q %v, want %s…", msg, err, prefix)
		}
		return string(msg[len(prefix):])
	}
	for _, packet := range []string{`40{"token":"wrong"}`, `40`, `42["x"]`, `40{"token":5}`, ``} {
		conn := open()
		next(conn, "0{")
		say(t, conn, []byte(packet))
		if got := next(conn, "44"); !strings.Contains(got, "token") {
			t.Errorf("refused with %s", got)
		}
	}
	conn := open()
	var hello struct{ PingInterval, PingTimeout int }
	if err := json.Unmarshal([]byte("{"+next(conn, "0{")), &hello); err != nil || hello.PingInterval != 25000 || hello.PingTimeout != 20000 {
		t.Errorf("%+v %v", hello, err)
	}
	say(t, conn, []byte(`40{"token":"`+s.Key+`"}`))
	next(conn, `40{"sid":"`)
	id := sandbox(t, s, obj{})["id"].(string)
	if got := next(conn, `42["sandbox.created",{`); !strings.Contains(got, id) {
		t.Errorf("created: %s", got)
	}
	call(t, s, "POST", "/api/sandbox/"+id+"/stop", nil, nil)
	got := next(conn, `42["sandbox.state.updated",{`)
	for _, want := range []string{id, `"oldState":"started"`, `"newState":"stopped"`, `"toolboxProxyUrl":"` + s.URL} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	call(t, s, "DELETE", "/api/sandbox/"+id, nil, nil)
	if got := next(conn, `42["sandbox.state.updated",{`); !strings.Contains(got, `"newState":"destroyed"`) {
		t.Errorf("deleted: %s", got)
	}
}
