package files_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "inside" {
		os.Exit(inside(os.Args[2:]))
	}
	testserver.Main(m)
}

// patience is for what should take no time, on a machine that may be busy.
const patience = 10 * time.Second

// client is one connection to a server, on which a test says what it wants.
type client struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
	key  string
}

func connect(t *testing.T, s *testserver.Server) *client {
	t.Helper()
	return connectTo(t, s.URL, s.Key)
}

func connectTo(t *testing.T, url, key string) *client {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(6 * patience))
	return &client{t: t, conn: conn, in: bufio.NewReader(conn), key: key}
}

// head sends the head of a request, with the key unless a header says otherwise.
func (c *client) head(method, path string, headers ...string) {
	c.t.Helper()
	head := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path)
	if !strings.Contains(strings.Join(headers, "\n"), "Authorization") {
		head += "Authorization: Bearer " + c.key + "\r\n"
	}
	c.send(head + strings.Join(append(headers, "", ""), "\r\n"))
}

func (c *client) send(s string) { c.t.Helper(); c.sendBytes([]byte(s)) }

func (c *client) sendBytes(b []byte) {
	c.t.Helper()
	if _, err := c.conn.Write(b); err != nil {
		c.t.Fatal(err)
	}
}

// chunk sends s as a chunk; the empty one is the last.
func (c *client) chunk(s string) {
	c.t.Helper()
	c.send(fmt.Sprintf("%x\r\n%s\r\n", len(s), s))
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   string
	close  bool // the server ends the connection
}

func (a answer) message(t *testing.T) string {
	t.Helper()
	var got struct {
		Message string
		Error   json.RawMessage
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
	if got.Message == "" {
		return string(got.Error)
	}
	return got.Message
}

func (c *client) answer() answer {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatalf("no answer: %v", err)
	}
	if resp.StatusCode == http.StatusContinue {
		return c.answer()
	}
	body, err := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	if err != nil {
		c.t.Fatalf("half an answer: %v", err)
	}
	return answer{resp.StatusCode, resp.Header, string(body), resp.Close}
}

// over checks that the server has closed the connection, and said nothing more.
func (c *client) over() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.in); err != nil || len(rest) > 0 {
		c.t.Errorf("after the answer: %.200q %v", rest, err)
	}
}

// alive checks that the connection can be used again.
func (c *client) alive() {
	c.t.Helper()
	c.head("GET", "/toolbox/default/work-dir")
	if a := c.answer(); a.status != http.StatusOK || !strings.Contains(a.body, "work") {
		c.t.Errorf("the next request: %d %s", a.status, a.body)
	}
}

// work is a path in the default sandbox.
func work(s *testserver.Server, parts ...string) string {
	return filepath.Join(append([]string{s.Sandboxes.WorkDir("default")}, parts...)...)
}

func put(t *testing.T, s *testserver.Server, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(work(s, path)), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(work(s, path), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Own(t, "default")
}

// holds checks what is in the work directory: temporary files would be too.
func holds(t *testing.T, s *testserver.Server, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(work(s))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the work directory holds %q, want %q", got, names)
	}
}

func content(t *testing.T, s *testserver.Server, path string) string {
	t.Helper()
	raw, err := os.ReadFile(work(s, path))
	if err != nil {
		t.Error(err)
	}
	return string(raw)
}

// within is a context for what the system tells nobody about.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// idle waits until nobody is at work in the default sandbox's files.
func idle(t *testing.T, s *testserver.Server) {
	t.Helper()
	ctx := within(t)
	for s.Tools.Files.Busy("default") {
		select {
		case <-ctx.Done():
			t.Fatal("somebody is at work still")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// busy waits until somebody is.
func busy(t *testing.T, s *testserver.Server) {
	t.Helper()
	ctx := within(t)
	for !s.Tools.Busy("default") {
		select {
		case <-ctx.Done():
			t.Fatal("nobody is at work")
		case <-time.After(5 * time.Millisecond):
		}
	}
}
