package daytona_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
)

// sources are the SDKs by the header they send; the first sends none.
var sources = []string{"", "sdk-typescript", "sdk-python", "sdk-go", "sdk-ruby"}

// timeouts wants what each SDK takes for a timeout.
func timeouts(t *testing.T, s *testserver.Server) {
	t.Helper()
	run(t, s, obj{"code": "kept = 1"})
	for _, source := range sources {
		e := runAs(t, s, source, obj{"code": "print('a')\nwhile True: pass", "timeout": 0.3})
		want := map[string]int{"sdk-go": 4001}[source]
		if want == 0 {
			want = 4008
		}
		if e.code != want {
			t.Errorf("%s: closed with %d %q, want %d", source, e.code, e.reason, want)
		}
		if e.text("stdout") != "a\n" {
			t.Errorf("%s: stdout %q", source, e.text("stdout"))
		}
		if c := e.one(t, "error"); c.Name != "TimeoutError" || c.Value == "" {
			t.Errorf("%s: error %+v", source, c)
		}
		// A control message would make the TypeScript SDK report success.
		if e.has("control") != (source == "sdk-ruby") {
			t.Errorf("%s: %+v", source, e.chunks)
		}
	}
	if e := run(t, s, obj{"code": "print(kept)"}); e.text("stdout") != "1\n" {
		t.Errorf("the state is lost: %+v", e)
	}
}

func deadKernel(t *testing.T, s *testserver.Server) {
	t.Helper()
	id := newContext(t, s)
	for _, source := range sources {
		runAs(t, s, source, obj{"code": "precious = 1", "contextId": id})
		e := runAs(t, s, source, obj{"code": "print('a')\nimport os\nos.kill(os.getpid(), 9)", "contextId": id})
		if e.code != 1000 || e.one(t, "control").Text != "completed" {
			t.Errorf("%s: closed with %d %q: %+v", source, e.code, e.reason, e.chunks)
		}
		c := e.one(t, "error")
		if c.Name != "KernelDiedError" || !strings.Contains(c.Value, "SIGKILL") || !strings.Contains(c.Value, "precious") {
			t.Errorf("%s: error %+v", source, c)
		}
		if last := e.chunks[len(e.chunks)-1]; last.Type != "control" || e.text("stdout") != "a\n" {
			t.Errorf("%s: order %+v", source, e.chunks)
		}
		next := runAs(t, s, source, obj{"code": "print('b')", "contextId": id})
		if next.text("stdout") != "b\n" || !strings.Contains(next.text("stderr"), "precious") || !next.has("notice") {
			t.Errorf("%s: the next run: %+v", source, next.chunks)
		}
		if again := runAs(t, s, source, obj{"code": "1", "contextId": id}); again.has("notice") || again.has("stderr") {
			t.Errorf("%s: the notice comes twice: %+v", source, again.chunks)
		}
	}
}

// TestDeletionUnderAQueue fills a context's queue and beyond, and deletes it.
func TestDeletionUnderAQueue(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithContexts(func(c *contexts.Config) { c.Queue = 128 }))
	id := newContext(t, s)
	first := dial(t, s, "default", nil)
	say(t, first, obj{"code": "print('on', flush=True)\nimport time\ntime.sleep(100)", "contextId": id})
	if _, msg, err := first.ReadMessage(); err != nil {
		t.Fatalf("%s %v", msg, err)
	}
	conns := []*websocket.Conn{first}
	for range 140 {
		c := dial(t, s, "default", nil)
		say(t, c, obj{"code": "1", "contextId": id})
		conns = append(conns, c)
	}
	// The refused ones end at once. When they have, the others are queued.
	ends := make(chan ending, len(conns))
	var wg sync.WaitGroup
	for _, c := range conns {
		wg.Go(func() { ends <- finish(t, c) })
	}
	defer wg.Wait()
	refused := 0
	for refused < 140-128 {
		e := <-ends
		if e.code != 1008 || !strings.Contains(e.reason, "queue is full") {
			t.Fatalf("closed with %d %q", e.code, e.reason)
		}
		refused++
	}
	began := time.Now()
	if status, body := call(t, s, "DELETE", "/toolbox/default/process/interpreter/context/"+id, nil, nil); status != http.StatusOK {
		t.Fatalf("delete: %d %s", status, body)
	}
	wg.Wait()
	if d := time.Since(began); d > 3*time.Second {
		t.Errorf("it took %s to end all", d)
	}
	close(ends)
	n := 0
	for e := range ends {
		n++
		if e.code != 1000 || !strings.Contains(e.one(t, "error").Name, "ContextDeleted") || !e.has("control") {
			t.Errorf("%d %q %+v", e.code, e.reason, e.chunks)
		}
	}
	if n != 129 {
		t.Errorf("%d runs were ended, want 129", n)
	}
}

// vanishingClient leaves in the middle; the run goes on.
func vanishingClient(t *testing.T, s *testserver.Server) {
	t.Helper()
	for i, leave := range []func(*websocket.Conn) error{
		func(c *websocket.Conn) error { return c.UnderlyingConn().Close() },
		func(c *websocket.Conn) error {
			return c.WriteControl(websocket.CloseMessage, nil, time.Now().Add(time.Second))
		},
	} {
		conn := dial(t, s, "default", nil)
		say(t, conn, obj{"code": fmt.Sprintf("print('on', flush=True)\nimport time\ntime.sleep(0.5)\nwent_on = %d", i)})
		if _, _, err := conn.ReadMessage(); err != nil {
			t.Fatal(err)
		}
		if err := leave(conn); err != nil {
			t.Fatal(err)
		}
		if e := run(t, s, obj{"code": "print(went_on)"}); e.text("stdout") != fmt.Sprintln(i) {
			t.Errorf("%+v", e)
		}
	}
}

// stoppedClient pauses in the middle of 50 MB, with pings going
// out meanwhile as some clients send them.
func stoppedClient(t *testing.T, s *testserver.Server) {
	t.Helper()
	conn := dial(t, s, "default", nil)
	say(t, conn, obj{"code": "import sys\nfor i in range(800): sys.stdout.write(chr(97 + i % 26) * 65535 + '\\n')"})
	pause := time.NewTimer(3 * time.Second)
	beat := time.NewTicker(100 * time.Millisecond)
	defer beat.Stop()
	for paused := true; paused; {
		select {
		case <-beat.C:
			if err := conn.WriteControl(websocket.PingMessage, []byte("still here"), time.Now().Add(time.Second)); err != nil {
				t.Fatal(err)
			}
		case <-pause.C:
			paused = false
		}
	}
	pongs := 0
	conn.SetPongHandler(func(string) error { pongs++; return nil })
	e := finish(t, conn)
	var want strings.Builder
	for i := range 800 {
		want.WriteString(strings.Repeat(string(rune('a'+i%26)), 65535) + "\n")
	}
	if e.text("stdout") != want.String() || e.code != 1000 {
		t.Errorf("%d bytes, closed with %d", len(e.text("stdout")), e.code)
	}
	if pongs == 0 {
		t.Error("no ping was answered")
	}
}

// pingsWhileQueued wants answers while code runs and while a run waits.
func pingsWhileQueued(t *testing.T, s *testserver.Server) {
	t.Helper()
	running, queued := dial(t, s, "default", nil), dial(t, s, "default", nil)
	say(t, running, obj{"code": "import time; time.sleep(1)"})
	say(t, queued, obj{"code": "print(1)"})
	sent := time.Now()
	answers := make(chan time.Duration, 2)
	var wg sync.WaitGroup
	for _, conn := range []*websocket.Conn{running, queued} {
		conn.SetPongHandler(func(string) error { answers <- time.Since(sent); return nil })
		if err := conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { finish(t, conn) })
	}
	wg.Wait()
	if len(answers) != 2 {
		t.Fatalf("%d pings were answered", len(answers))
	}
	for range 2 {
		if d := <-answers; d > 700*time.Millisecond {
			t.Errorf("a ping was answered after %s", d)
		}
	}
}

// extraChunks shows what lies beyond the SDKs' protocol.
func extraChunks(t *testing.T, s *testserver.Server) {
	t.Helper()
	e := run(t, s, obj{"code": "from IPython.display import display, HTML\ndisplay(HTML('<b>x</b>'))\n40 + 2"})
	if got := string(e.one(t, "result").Data["text/plain"]); got != `"42"` {
		t.Errorf("result %s", got)
	}
	if got := string(e.one(t, "display").Data["text/html"]); got != `"<b>x</b>"` {
		t.Errorf("display %s", got)
	}
	if e.text("stdout") != "" {
		t.Errorf("stdout %q", e.text("stdout"))
	}
	large := run(t, s, obj{"code": "display(HTML('<b>' * 2_000_000))"})
	c := large.one(t, "display")
	if c.Omitted["text/html"] < 6_000_000 || len(c.Data["text/plain"]) == 0 {
		t.Errorf("omitted %v, kept %d", c.Omitted, len(c.Data))
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+c.Links["text/html"].Href, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK || len(body) != 6_000_000 {
		t.Errorf("%s has %d bytes: %s %v", c.Links["text/html"].Href, len(body), resp.Status, err)
	}
}

// subprotocols wants exactly one of those offered.
func subprotocols(t *testing.T, s *testserver.Server) {
	t.Helper()
	for offered, want := range map[string]string{
		"":                                "",
		"X-Daytona-SDK-Version~0.218.0":   "X-Daytona-SDK-Version~0.218.0",
		"a, X-Daytona-SDK-Version~1.0, b": "X-Daytona-SDK-Version~1.0",
		"something, else":                 "something",
	} {
		h := http.Header{}
		if offered != "" {
			h.Set("Sec-WebSocket-Protocol", offered)
		}
		if got := dial(t, s, "default", h).Subprotocol(); got != want {
			t.Errorf("offered %q, answered %q", offered, got)
		}
	}
}

// TestShutdown ends a server under clients of every kind.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	running, silent := dial(t, s, "default", nil), dial(t, s, "default", nil)
	say(t, running, obj{"code": "print('on', flush=True)\nwhile True: pass"})
	if _, _, err := running.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	events, _, err := dialPath(t, s, "/api/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	closed := make(chan struct{})
	go func() { defer close(closed); s.Close(t) }()
	e := finish(t, running)
	if e.code != 1000 || !strings.Contains(e.one(t, "error").Name, "Shutdown") {
		t.Errorf("running: %d %q %+v", e.code, e.reason, e.chunks)
	}
	if e := finish(t, silent); e.code != 1001 || !strings.Contains(e.reason, "shutting down") {
		t.Errorf("silent: %d %q", e.code, e.reason)
	}
	for err == nil {
		_, _, err = events.ReadMessage()
	}
	if !websocket.IsCloseError(err, 1001) {
		t.Errorf("event stream: %v", err)
	}
	<-closed
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("it took %s", d)
	}
}
