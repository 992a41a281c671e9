package daytona_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
)

// chunk is one message of the interpreter's WebSocket.
type chunk struct {
	Type, Text, Name, Value, Traceback string
	Data                               map[string]json.RawMessage
	Omitted                            map[string]int
	Links                              map[string]struct{ Href string }
}

// ending is all that a client saw of one run.
type ending struct {
	chunks []chunk
	code   int
	reason string
}

func (e ending) text(kind string) string {
	var b strings.Builder
	for _, c := range e.chunks {
		if c.Type == kind {
			b.WriteString(c.Text)
		}
	}
	return b.String()
}

// one is the only chunk of a type; the test ends if there are several or none.
func (e ending) one(t *testing.T, kind string) chunk {
	t.Helper()
	var found []chunk
	for _, c := range e.chunks {
		if c.Type == kind {
			found = append(found, c)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d chunks of type %s, want one: %+v", len(found), kind, e)
	}
	return found[0]
}

func (e ending) has(kind string) bool {
	for _, c := range e.chunks {
		if c.Type == kind {
			return true
		}
	}
	return false
}

const executePath = "/process/interpreter/execute"

// dial opens an interpreter's WebSocket in a sandbox.
func dial(t *testing.T, s *testserver.Server, sandbox string, header http.Header) *websocket.Conn {
	t.Helper()
	conn, status, err := dialPath(t, s, "/toolbox/"+sandbox+executePath, withKey(s, header))
	if err != nil {
		t.Fatalf("dial: %v, status %d", err, status)
	}
	return conn
}

func withKey(s *testserver.Server, header http.Header) http.Header {
	h := http.Header{"Authorization": {"Bearer " + s.Key}}
	maps.Copy(h, header)
	return h
}

func dialPath(t *testing.T, s *testserver.Server, path string, header http.Header) (*websocket.Conn, int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	d := websocket.Dialer{}
	conn, resp, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(s.URL, "http")+path, header)
	if err == nil {
		t.Cleanup(func() { _ = conn.Close() })
	}
	if resp == nil {
		return nil, 0, err
	}
	_ = resp.Body.Close() // which isn't the connection
	return conn, resp.StatusCode, err
}

// finish reads until the connection ends. Waiting has a limit, which is the
// test's failure. It may be called on any goroutine.
func finish(t *testing.T, conn *websocket.Conn) ending {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	var e ending
	for {
		_, msg, err := conn.ReadMessage()
		if err != nil {
			var ce *websocket.CloseError
			if !errors.As(err, &ce) {
				t.Errorf("the connection ended without a close frame: %v", err)
				return e
			}
			e.code, e.reason = ce.Code, ce.Text
			return e
		}
		var c chunk
		if err := json.Unmarshal(msg, &c); err != nil {
			t.Errorf("message %.200q: %v", msg, err)
		}
		e.chunks = append(e.chunks, c)
	}
}

func say(t *testing.T, conn *websocket.Conn, first any) {
	t.Helper()
	msg, ok := first.([]byte)
	if !ok {
		var err error
		if msg, err = json.Marshal(first); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.WriteMessage(websocket.TextMessage, msg); err != nil {
		t.Fatal(err)
	}
}

// obj is a JSON object.
type obj map[string]any

// run runs one request in the default sandbox.
func run(t *testing.T, s *testserver.Server, first any) ending {
	t.Helper()
	return runAs(t, s, "", first)
}

// runAs is run as an SDK.
func runAs(t *testing.T, s *testserver.Server, source string, first any) ending {
	t.Helper()
	h := http.Header{}
	if source != "" {
		h.Set("X-Daytona-Source", source)
	}
	conn := dial(t, s, "default", h)
	say(t, conn, first)
	return finish(t, conn)
}

// call makes an HTTP request with the key and returns status and body.
func call(t *testing.T, s *testserver.Server, method, path string, body any, header http.Header) (int, []byte) {
	t.Helper()
	var r io.Reader
	switch b := body.(type) {
	case nil:
	case []byte:
		r = bytes.NewReader(b)
	default:
		enc, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		r = bytes.NewReader(enc)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, r)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	maps.Copy(req.Header, header)
	if h := req.Header.Get("Host"); h != "" {
		req.Host = h
	}
	// A connection of its own: kept ones would be goroutines that outlive the test.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, got
}

// sandbox makes one and returns it as JSON.
func sandbox(t *testing.T, s *testserver.Server, spec obj) obj {
	t.Helper()
	status, body := call(t, s, "POST", "/api/sandbox", spec, nil)
	if status != http.StatusOK {
		t.Fatalf("create: %d %s", status, body)
	}
	return decode(t, body)
}

func decode(t *testing.T, body []byte) obj {
	t.Helper()
	var o obj
	if err := json.Unmarshal(body, &o); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return o
}

// newContext makes a context in the default sandbox and returns its id.
func newContext(t *testing.T, s *testserver.Server) string {
	t.Helper()
	status, body := call(t, s, "POST", "/toolbox/default/process/interpreter/context", nil, nil)
	if status != http.StatusOK {
		t.Fatalf("create context: %d %s", status, body)
	}
	return decode(t, body)["id"].(string)
}
