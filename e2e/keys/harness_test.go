// Package keys_test has clients with keys that don't open everything: what they
// may see, what they may do, and how they are told.
package keys_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
	"hotcell/keys"
	"hotcell/sandboxes"
)

func TestMain(m *testing.M) { testserver.Main(m) }

type obj = map[string]any

// key makes one, and returns its text.
func key(t *testing.T, s *testserver.Server, spec keys.Spec) string {
	t.Helper()
	_, text, err := s.Keys.Create(spec)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func sandbox(t *testing.T, s *testserver.Server, name string) sandboxes.Sandbox {
	t.Helper()
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Name: name, Intervals: sandboxes.Intervals{AutoDelete: -1}})
	if err != nil {
		t.Fatal(err)
	}
	return sb
}

// answer is one to a request.
type answer struct {
	status int
	header http.Header
	body   string
}

// json is the body's members.
func (a answer) json(t *testing.T) obj {
	t.Helper()
	var o obj
	if err := json.Unmarshal([]byte(a.body), &o); err != nil {
		t.Fatalf("%s: %v", a.body, err)
	}
	return o
}

// client is one with a key.
type client struct {
	s   *testserver.Server
	key string
	tls *tls.Config
}

func (c client) request(t *testing.T, method, path string, body obj) *http.Request {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	return req
}

// ask sends a request and reads all of the answer.
func (c client) ask(t *testing.T, method, path string, body obj) answer {
	t.Helper()
	resp, err := c.http().Do(c.request(t, method, path, body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(all)}
}

func (c client) http() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{TLSClientConfig: c.tls, DisableKeepAlives: true}}
}

// dial opens a WebSocket.
func (c client) dial(t *testing.T, path string) (*websocket.Conn, int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	d := websocket.Dialer{TLSClientConfig: c.tls}
	conn, resp, err := d.DialContext(ctx, "ws"+strings.TrimPrefix(c.s.URL, "http")+path, http.Header{"Authorization": {"Bearer " + c.key}})
	status := 0
	if resp != nil {
		status = resp.StatusCode
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, status
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	return conn, status
}

func say(t *testing.T, conn *websocket.Conn, v any) {
	t.Helper()
	if err := conn.WriteJSON(v); err != nil {
		t.Fatal(err)
	}
}

// hear reads messages until one is as wanted.
func hear(t *testing.T, conn *websocket.Conn, wanted func(string) bool) string {
	t.Helper()
	for {
		_, msg, err := conn.ReadMessage()
		if err != nil {
			t.Fatalf("while waiting for a message: %v", err)
		}
		if wanted(string(msg)) {
			return string(msg)
		}
	}
}

func has(words string) func(string) bool {
	return func(msg string) bool { return strings.Contains(msg, words) }
}

// reply sends a request on the native WebSocket and returns the answer.
func reply(t *testing.T, conn *websocket.Conn, request obj) obj {
	t.Helper()
	request["id"] = "r"
	say(t, conn, request)
	var o obj
	if err := json.Unmarshal([]byte(hear(t, conn, has(`"id":"r"`))), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// code is that of an answer that is an error.
func code(o obj) string {
	fault, _ := o["error"].(obj)
	s, _ := fault["code"].(string)
	return s
}

// end reads to the close frame.
func end(t *testing.T, conn *websocket.Conn) (last string, closed *websocket.CloseError) {
	t.Helper()
	for {
		_, msg, err := conn.ReadMessage()
		if err == nil {
			last = string(msg)
			continue
		}
		if !errors.As(err, &closed) {
			t.Fatalf("the connection ended without a close frame: %v", err)
		}
		return last, closed
	}
}
