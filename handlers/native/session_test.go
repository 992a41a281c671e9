package native_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
	"hotcell/handlers/native"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// newContext makes a context and returns its id.
func newContext(tb testing.TB, c *client.Client) string {
	tb.Helper()
	var made struct{ ID string }
	if err := c.Call(tb.Context(), map[string]any{"type": "create_context", "language": "python"}, &made); err != nil {
		tb.Fatal(err)
	}
	return made.ID
}

// events reads a run to its end.
func events(tb testing.TB, r *client.Run) []wire.Event {
	tb.Helper()
	var all []wire.Event
	for {
		batch, err := r.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatal(err)
		}
		all = append(all, batch...)
	}
}

// text is what was written, after a check that no event is missing.
func text(tb testing.TB, all []wire.Event) string {
	tb.Helper()
	var b strings.Builder
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			tb.Fatalf("event %d has the number %d", i+1, e.Seq)
		}
		if e.Type == wire.EventStdout {
			b.WriteString(e.Text)
		}
	}
	return b.String()
}

func last(all []wire.Event) wire.Event { return all[len(all)-1] }

func TestManyExecutionsOnOneSocket(t *testing.T) {
	t.Parallel()
	c := dial(t, testserver.Start(t))
	var wg sync.WaitGroup
	for i := range 3 {
		id := newContext(t, c)
		for j := range 10 {
			run, err := c.Execute(t.Context(), client.Code{
				Context: id, Code: fmt.Sprintf("x = globals().get('x', 0) + 1\nfor k in range(%d): print(%d, %d, k)\nx", 50*j, i, j),
			})
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				var want strings.Builder
				for k := range 50 * j {
					fmt.Fprintln(&want, i, j, k)
				}
				all := events(t, run)
				if diff := cmp.Diff(want.String(), text(t, all)); diff != "" {
					t.Errorf("context %d, run %d: %s", i, j, diff)
				}
				var result string
				for _, e := range all {
					if e.Type == wire.EventResult {
						_ = json.Unmarshal(e.Bundle["text/plain"], &result)
					}
				}
				if want := fmt.Sprint(j + 1); result != want {
					t.Errorf("context %d, run %d: result %q, want %s", i, j, result, want)
				}
			})
		}
	}
	wg.Wait()
}

// A client that loses its connection again and again sees every event once.
func TestReconnect(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	const lines = 50_000
	first := dial(t, s)
	run, err := first.Execute(t.Context(), client.Code{
		Code: fmt.Sprintf("for i in range(%d): print(i, 'x' * 80)", lines),
	})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	var all []wire.Event
	drops := 0
	for c := first; ; {
		for range 1 + random.IntN(3) {
			batch, err := run.Next(t.Context())
			if err != nil {
				break
			}
			all = append(all, batch...)
		}
		if n := len(all); n > 0 && last(all).State == wire.StateDone {
			break
		}
		c.Drop()
		drops++
		c = dial(t, s)
		if run, err = c.Attach(t.Context(), run.ID, uint64(len(all)+1)); err != nil {
			t.Fatal(err)
		}
	}
	var want strings.Builder
	for i := range lines {
		fmt.Fprintln(&want, i, strings.Repeat("x", 80))
	}
	if text(t, all) != want.String() {
		t.Errorf("the output is not what was written")
	}
	if drops < 5 {
		t.Errorf("only %d drops: this tested nothing", drops)
	}
}

// Attaching to what is over replays it, from any number on.
func TestReplay(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c := dial(t, s)
	run := execute(t, c, "print('a', flush=True); 1")
	all := events(t, run)
	for from := range uint64(len(all) + 1) {
		again, err := dial(t, s).Attach(t.Context(), run.ID, from)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(all[max(from, 1)-1:], events(t, again)); diff != "" {
			t.Errorf("from %d: %s", from, diff)
		}
	}
}

// A flood that nobody reads holds up neither its own socket's answers nor
// another socket.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	slow, fast := dial(t, s), dial(t, s)
	flood, err := slow.Execute(t.Context(), client.Code{
		Context: newContext(t, slow), Code: "import os\nfor _ in range(300): os.write(1, b'x' * 65536)",
	})
	if err != nil {
		t.Fatal(err)
	}
	id := newContext(t, fast)
	for range 20 {
		run, err := fast.Execute(t.Context(), client.Code{Context: id, Code: "1+1"})
		if err != nil {
			t.Fatal(err)
		}
		if got := last(events(t, run)).Status; got != wire.StatusOK {
			t.Fatalf("status %s", got)
		}
	}
	if got := text(t, events(t, flood)); got != strings.Repeat("x", 300*65536) {
		t.Errorf("%d bytes came, want %d", len(got), 300*65536)
	}
}

// Answers overtake events: a ping sent behind a flood is answered before the
// flood has been delivered.
func TestAnswersOvertakeEvents(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	c.send(`{"id":1,"type":"execute","code":"import os\nfor _ in range(300): os.write(1, b'x' * 65536)"}`)
	c.receive("reply")
	for c.receive("").Type != "events" {
	}
	c.send(`{"id":2,"type":"ping"}`)
	chunks := 0
	for {
		m := c.receive("")
		if m.Type == "reply" {
			break
		}
		chunks++
	}
	// What is in the sockets' own buffers comes first, a few megabytes.
	if chunks > 200 {
		t.Errorf("%d messages of events came before the answer", chunks)
	}
}

func TestDetach(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	c.send(`{"id":1,"type":"execute","execution":"x","code":"import os\nfor i in range(120): os.write(1, b'y' * 65536)"}`)
	c.receive("reply")
	got := uint64(0)
	read := func(until string) (over bool) {
		for {
			m := c.receive("")
			for _, e := range m.Events {
				if e.Seq != got+1 {
					t.Fatalf("event %d follows %d", e.Seq, got)
				}
				got = e.Seq
				if e.State == wire.StateDone {
					return true
				}
			}
			if m.Type == until {
				return false
			}
		}
	}
	over := false
	for i := range 5 {
		c.send(fmt.Sprintf(`{"id":"d%d","type":"detach","execution":"x"}`, i))
		if over = read("reply"); over { // faster than the detach, whose answer is still to come
			c.receive("")
			break
		}
		c.send(fmt.Sprintf(`{"id":"a%d","type":"attach","execution":"x","from":%d}`, i, got+1))
		if m := c.receive(""); m.Type != "reply" {
			t.Fatalf("after a detach came %s with %d events", m.Type, len(m.Events))
		}
	}
	if !over {
		read("never")
	}
	c.send(`{"id":9,"type":"detach","execution":"x"}`)
	if m := c.receive("error"); m.Error.Code != "NOT_ATTACHED" {
		t.Errorf("%+v", m.Error)
	}
}

// Whatever a client says gets an answer, and the socket stays usable.
func TestGarbage(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	for _, m := range []struct{ send, code, id string }{
		{``, "INVALID_REQUEST", ``},
		{`[]`, "INVALID_REQUEST", ``},
		{`{"id":1}`, "INVALID_REQUEST", `1`},
		{`{"id":1,"type":"dance"}`, "UNKNOWN_TYPE", `1`},
		{`{"id":2,"type":"execute"}`, "INVALID_REQUEST", `2`},
		{`{"id":2,"type":"execute","code":"1","env":{"A=":"b"}}`, "INVALID_ENV", `2`},
		{`{"id":3,"type":"execute","code":"1","context":"nope"}`, "NOT_FOUND", `3`},
		{`{"id":3,"type":"execute","code":"1","sandbox":"nope"}`, "NOT_FOUND", `3`},
		{`{"id":3,"type":"list","context":"nope"}`, "NOT_FOUND", `3`},
		{`{"id":4,"type":"attach"}`, "INVALID_REQUEST", `4`},
		{`{"id":5,"type":"interrupt"}`, "INVALID_REQUEST", `5`},
		{`{"id":6,"type":"input_reply","execution":"x"}`, "INVALID_REQUEST", `6`},
		{`{"id":7,"type":"complete","code":""}`, "INVALID_REQUEST", `7`},
		{`{"id":8,"type":"delete_context"}`, "INVALID_REQUEST", `8`},
		{`{"id":9,"type":"restart","context":"nope"}`, "NOT_FOUND", `9`},
		{`{"id":"big","code":"` + strings.Repeat("x", native.MaxMessage) + `"}`, "MESSAGE_TOO_LARGE", `"big"`},
	} {
		c.send(m.send)
		got := c.receive("error")
		if got.Error.Code != m.code || string(got.ID) != m.id {
			t.Errorf("%.60s: %s for %s, want %s for %s", m.send, got.Error.Code, got.ID, m.code, m.id)
		}
	}
	c.send(`{"id":10,"type":"ping"}`)
	c.receive("reply")
}

// Runs in a default context that has to be made first keep their order, and
// what takes time holds up nothing else.
func TestOrderBeforeTheContextIsThere(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	for i := range 20 {
		c.send(fmt.Sprintf(`{"id":%d,"type":"execute","code":"order = globals().get('order', []) + [%d]; order"}`, i, i))
	}
	c.send(`{"id":"ping","type":"ping"}`)
	var order []string
	var longest string // events of one execution may overtake those of another
	for n := 0; n < 20; {
		m := c.receive("")
		if m.Type == "reply" {
			order = append(order, string(m.ID))
		}
		for _, e := range m.Events {
			if e.Type == wire.EventResult {
				var got string
				_ = json.Unmarshal(e.Bundle["text/plain"], &got)
				if len(got) > len(longest) {
					longest = got
				}
			}
			if e.State == wire.StateDone {
				n++
			}
		}
	}
	if longest != "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]" {
		t.Errorf("they ran in the order %s", longest)
	}
	if order[0] != `"ping"` {
		t.Errorf("the ping was held up: answers came in the order %v", order)
	}
}

func TestConversation(t *testing.T) {
	t.Parallel()
	c := dial(t, testserver.Start(t))
	ctx := t.Context()
	id := newContext(t, c)

	run, err := c.Execute(ctx, client.Code{Context: id, Code: "x = input('who? '); print('hello', x)", Stdin: true})
	if err != nil {
		t.Fatal(err)
	}
	var all []wire.Event
	for len(all) == 0 || last(all).Type != wire.EventInputRequest {
		batch, err := run.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, batch...)
	}
	if err := run.Reply(ctx, "Alice", false); err != nil {
		t.Fatal(err)
	}
	if got := text(t, append(all, events(t, run)...)); !strings.Contains(got, "hello Alice") {
		t.Errorf("the output is %q", got)
	}
	var refused *client.Error
	if err := run.Reply(ctx, "again", false); !errors.As(err, &refused) {
		t.Errorf("a second answer: %v", err)
	}

	loop, err := c.Execute(ctx, client.Code{Context: id, Code: "kept = 7\nprint('on', flush=True)\nwhile True: pass"})
	if err != nil {
		t.Fatal(err)
	}
	for on := false; !on; {
		batch, err := loop.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		on = last(batch).Type == wire.EventStdout
	}
	if err := loop.Interrupt(ctx); err != nil {
		t.Fatal(err)
	}
	if got := last(events(t, loop)); got.Status != wire.StatusInterrupted {
		t.Errorf("status %s", got.Status)
	}

	var found struct {
		Matches    []wire.Match
		Start, End int
	}
	if err := c.Call(ctx, map[string]any{"type": "complete", "context": id, "code": "kep", "cursor": 3}, &found); err != nil {
		t.Fatal(err)
	}
	if len(found.Matches) != 1 || found.Matches[0].Text != "kept" || found.End != 3 {
		t.Errorf("completions: %+v", found)
	}
	var whole struct{ Status string }
	if err := c.Call(ctx, map[string]any{"type": "is_complete", "context": id, "code": "if x:"}, &whole); err != nil || whole.Status != "incomplete" {
		t.Errorf("is_complete: %q, %v", whole.Status, err)
	}
	var restarted struct{ Epoch int }
	if err := c.Call(ctx, map[string]any{"type": "restart", "context": id}, &restarted); err != nil || restarted.Epoch != 2 {
		t.Errorf("restart: epoch %d, %v", restarted.Epoch, err)
	}
	var runs []client.Snapshot
	if err := c.Call(ctx, map[string]any{"type": "list", "context": id}, &runs); err != nil || len(runs) != 2 {
		t.Errorf("list: %d, %v", len(runs), err)
	}
}

// A context that is deleted tells whoever waits why.
func TestDeleteUnderway(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c := dial(t, s)
	id := newContext(t, c)
	var runs []*client.Run
	for range 5 {
		run, err := c.Execute(t.Context(), client.Code{Context: id, Code: "while True: pass"})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	began := time.Now()
	if err := dial(t, s).Call(t.Context(), map[string]any{"type": "delete_context", "context": id}, nil); err != nil {
		t.Fatal(err)
	}
	for i, run := range runs {
		all := events(t, run)
		if fault := all[len(all)-2]; fault.Cause == nil || fault.Cause.Reason != "context_deleted" || last(all).Status != wire.StatusCancelled && i > 0 {
			t.Errorf("run %d ended with %+v, %+v", i, fault, last(all))
		}
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("that took %s", took)
	}
}

// A shutdown tells clients how their executions ended before it closes.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	c := dialRaw(t, s)
	c.send(`{"id":1,"type":"execute","code":"print('on', flush=True)\nwhile True: pass"}`)
	for running := false; !running; {
		for _, e := range c.receive("").Events {
			running = running || e.Type == wire.EventStdout
		}
	}
	go s.Contexts.Close() // as the program does it
	reason := ""
	for over := false; !over; {
		for _, e := range c.receive("events").Events {
			if e.Cause != nil {
				reason = e.Cause.Reason
			}
			over = over || e.State == wire.StateDone
		}
	}
	if reason != "shutdown" {
		t.Errorf("the reason is %q", reason)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Close(t)
	}()
	defer func() { <-ended }()
	_, _, err := c.ws.ReadMessage()
	if !websocket.IsCloseError(err, websocket.CloseGoingAway) {
		t.Errorf("the socket ended with %v", err)
	}
	_ = c.ws.Close()
}

// raw is a socket without a client's help.
type raw struct {
	tb testing.TB
	ws *websocket.Conn
}

type said struct {
	Type      string
	ID        json.RawMessage
	Result    json.RawMessage
	Error     struct{ Code, Message string }
	Execution string
	Events    []wire.Event
}

func dialRaw(tb testing.TB, s *testserver.Server) raw {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	ws, resp, err := websocket.DefaultDialer.DialContext(ctx, "ws"+strings.TrimPrefix(s.URL, "http")+"/v1/ws",
		http.Header{"Authorization": {"Bearer " + s.Key}})
	if err != nil {
		tb.Fatal(err)
	}
	_ = resp.Body.Close()
	tb.Cleanup(func() { _ = ws.Close() })
	return raw{tb, ws}
}

func (r raw) send(m string) {
	r.tb.Helper()
	if err := r.ws.WriteMessage(websocket.TextMessage, []byte(m)); err != nil {
		r.tb.Fatal(err)
	}
}

// receive returns the next message, which must be of the type, if one is given.
func (r raw) receive(kind string) said {
	r.tb.Helper()
	_ = r.ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, body, err := r.ws.ReadMessage()
	if err != nil {
		r.tb.Fatal(err)
	}
	var m said
	if err := json.Unmarshal(body, &m); err != nil {
		r.tb.Fatalf("%.200s: %v", body, err)
	}
	if kind != "" && m.Type != kind {
		r.tb.Fatalf("%s came, want %s: %.300s", m.Type, kind, body)
	}
	return m
}
