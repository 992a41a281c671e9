package keys_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
	"hotcell/keys"
)

// hits counts how often limits were met, as the server's figures do.
type hits struct {
	mu  sync.Mutex
	all map[string]int
}

func (h *hits) add(kind string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[string]int{}
	}
	h.all[kind]++
}

func (h *hits) count() testserver.Option {
	return testserver.WithConfig(func(c *handlers.Config) { c.Observe.Limit = h.add })
}

func (h *hits) of(kind string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all[kind]
}

// TestRate: too many requests are answered in each dialect's way, and the others'
// are not counted with them.
func TestRate(t *testing.T) {
	t.Parallel()
	var met hits
	s := testserver.Start(t, testserver.WithKeys(keys.Config{
		Now: func() time.Time { return time.Unix(1<<31, 0) }, // nothing is given back
	}), met.count())
	hour := keys.Limits{Rate: keys.Rate{Count: 2, Per: time.Hour}}
	for i, dialect := range []struct{ path, shape string }{
		{"/v1/status", `"code":"RATE_LIMITED"`},
		{"/api/sandbox", `"code":"RATE_LIMITED"`},
		{"/toolbox/default/work-dir", `"code":"RATE_LIMITED"`},
		{"/e2b/contexts", "the key"},
	} {
		name := "k" + strconv.Itoa(i)
		c := client{s: s, key: key(t, s, keys.Spec{Name: name, Scope: keys.Read, Limits: hour})}
		for range 2 {
			if got := c.ask(t, "GET", dialect.path, nil); got.status != http.StatusOK {
				t.Errorf("%s: %+v", dialect.path, got)
			}
		}
		got := c.ask(t, "GET", dialect.path, nil)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1800" || !strings.Contains(got.body, dialect.shape) ||
			!strings.Contains(got.body, "may send 2/h requests; try again in 30m0s") {
			t.Errorf("%s: %+v", dialect.path, got)
		}
		if n := met.of("rate_limited"); n != i+1 {
			t.Errorf("the limit was met %d times, after %d refusals", n, i+1)
		}
	}
}

// TestRateOnASocket: a message too many is answered, and the socket stays.
func TestRateOnASocket(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c := client{s: s, key: key(t, s, keys.Spec{Name: "a", Scope: keys.Run, Limits: keys.Limits{Rate: keys.Rate{Count: 3, Per: time.Second}}})}
	conn, _ := c.dial(t, "/v1/ws")
	var refused obj
	for range 20 {
		if got := reply(t, conn, obj{"type": "ping"}); code(got) != "" {
			refused = got["error"].(obj)
			break
		}
	}
	if refused["code"] != "RATE_LIMITED" || refused["status"] != 429.0 {
		t.Fatalf("refused with %v", refused)
	}
	wait, _ := refused["retry_after_ms"].(float64)
	if wait <= 0 || wait > 334 {
		t.Errorf("to wait for %v ms", wait)
	}
	<-time.After(time.Duration(wait+50) * time.Millisecond)
	if got := reply(t, conn, obj{"type": "ping"}); code(got) != "" {
		t.Errorf("afterwards: %v", got)
	}
}

// TestExecutionsAtOnce counts what runs and what waits, whoever began it how.
func TestExecutionsAtOnce(t *testing.T) {
	t.Parallel()
	var met hits
	s := testserver.Start(t, testserver.WithKeys(keys.Config{Limits: keys.Limits{Executions: 2}}), met.count())
	c := client{s: s, key: key(t, s, keys.Spec{Name: "a", Scope: keys.Run})}
	conn, _ := c.dial(t, "/v1/ws")
	first := reply(t, conn, obj{"type": "execute", "language": "javascript", "code": forever, "events": false})
	command := c.ask(t, "POST", "/v1/commands", obj{"command": "sleep 600", "events": false})
	if code(first) != "" || command.status != http.StatusAccepted {
		t.Fatalf("%v %+v", first, command)
	}
	if got := reply(t, conn, obj{"type": "execute", "language": "javascript", "code": "1"}); code(got) != "TOO_MANY_EXECUTIONS" {
		t.Errorf("native: %v", got)
	}
	for path, body := range map[string]obj{
		"/v1/contexts/default/executions": {"code": "1", "language": "javascript"},
		"/v1/commands":                    {"command": "true"},
		"/process/execute":                {"command": "true"},
		"/process/code-run":               {"code": "1"},
		"/e2b/execute":                    {"code": "1", "language": "javascript"},
	} {
		got := c.ask(t, "POST", path, body)
		if got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") != "1" || !strings.Contains(got.body, "may have 2 executions") {
			t.Errorf("%s: %+v", path, got)
		}
	}
	daytona, _ := c.dial(t, "/process/interpreter/execute")
	say(t, daytona, obj{"code": "1"})
	if chunk := hear(t, daytona, has("error")); !strings.Contains(chunk, `"name":"TooManyExecutionsError"`) {
		t.Errorf("the interpreter says %s", chunk)
	}
	if n := met.of("too_many_executions"); n != 7 {
		t.Errorf("the limit was met %d times", n)
	}
	// One that has ended makes room.
	id := command.json(t)["id"].(string)
	c.ask(t, "DELETE", "/v1/commands/"+id, nil)
	soon(t, func() bool { // it is counted out a moment after its end
		return strings.Contains(c.ask(t, "POST", "/process/execute", obj{"command": "echo hi"}).body, "hi")
	})
}

// soon waits for what has no other sign.
func soon(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never came")
		}
	}
}

func TestSocketsAtOnce(t *testing.T) {
	t.Parallel()
	var met hits
	s := testserver.Start(t, met.count())
	c := client{s: s, key: key(t, s, keys.Spec{Name: "a", Scope: keys.Run, Limits: keys.Limits{Sockets: 1}})}
	conn, _ := c.dial(t, "/v1/ws")
	reply(t, conn, obj{"type": "ping"})
	if other, status := c.dial(t, "/v1/ws"); other != nil || status != http.StatusTooManyRequests {
		t.Errorf("native: status %d", status)
	}
	daytona, _ := c.dial(t, "/process/interpreter/execute")
	if last, closed := end(t, daytona); closed.Code != 1008 || !strings.Contains(last, `"name":"TooManySocketsError"`) {
		t.Errorf("the interpreter says %s and %v", last, closed)
	}
	if n := met.of("too_many_sockets"); n != 2 {
		t.Errorf("the limit was met %d times", n)
	}
	_ = conn.Close()
	soon(t, func() bool { // the server sees it a moment later
		again, _ := c.dial(t, "/v1/ws")
		return again != nil
	})
}
