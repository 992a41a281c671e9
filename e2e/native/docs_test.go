// Package native_test runs what docs/protocol.md says.
package native_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// page is the description under test.
const page = "../../docs/protocol.md"

// blocks returns the page's fenced blocks of a kind, with their line numbers.
func blocks(tb testing.TB, kind string) map[int][]string {
	tb.Helper()
	f, err := os.Open(page)
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	found := map[int][]string{}
	at, n := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		n++
		switch line := lines.Text(); {
		case line == "```"+kind:
			at = n + 1
		case line == "```":
			at = 0
		case at > 0:
			found[at] = append(found[at], line)
		}
	}
	if len(found) == 0 {
		tb.Fatalf("%s has no examples of %s", page, kind)
	}
	return found
}

// names holds what the placeholders of one block stand for.
type names map[string]string

var placeholder = regexp.MustCompile(`<[a-z]+>`)

// fill puts the values in; a name that has none yet gets one.
func (n names) fill(s string) string {
	return placeholder.ReplaceAllStringFunc(s, func(name string) string {
		if n[name] == "" {
			n[name] = fmt.Sprintf("doc-%d-%d", time.Now().UnixNano(), len(n))
		}
		return n[name]
	})
}

// match says where got lacks what want promises. Members that want doesn't
// have are not looked at; a placeholder takes the value that it meets first.
func (n names) match(want, got any, path string) string {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			return fmt.Sprintf("%s is %v, not an object", path, got)
		}
		for key, value := range want {
			if fault := n.match(value, have[key], path+"."+key); fault != "" {
				return fault
			}
		}
	case []any:
		have, ok := got.([]any)
		if !ok || len(have) != len(want) {
			return fmt.Sprintf("%s is %v, not an array of %d", path, got, len(want))
		}
		for i := range want {
			if fault := n.match(want[i], have[i], fmt.Sprintf("%s[%d]", path, i)); fault != "" {
				return fault
			}
		}
	case string:
		if placeholder.FindString(want) == want {
			if text, ok := got.(string); ok && n[want] == "" {
				n[want] = text
			}
		}
		want = n.fill(want)
		if want != got {
			return fmt.Sprintf("%s is %q, want %q", path, got, want)
		}
	default:
		if !reflect.DeepEqual(want, got) {
			return fmt.Sprintf("%s is %v, want %v", path, got, want)
		}
	}
	return ""
}

func parse(tb testing.TB, s string) any {
	tb.Helper()
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		tb.Fatalf("%s: %v", s, err)
	}
	return v
}

func TestWebSocketExamples(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for at, lines := range blocks(t, "ws") {
		t.Run(fmt.Sprintf("line %d", at), func(t *testing.T) {
			t.Parallel()
			ws := dial(t, s)
			names := names{}
			for i, line := range lines {
				verb, body, _ := strings.Cut(line, " ")
				if verb == ">" {
					if err := ws.WriteMessage(websocket.TextMessage, []byte(names.fill(body))); err != nil {
						t.Fatal(err)
					}
					continue
				}
				want := parse(t, body)
				if fault := names.match(want, receive(t, ws, want), "the message"); fault != "" {
					t.Fatalf("%s:%d: %s", page, at+i, fault)
				}
			}
		})
	}
}

func dial(tb testing.TB, s *testserver.Server) *websocket.Conn {
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
	return ws
}

// receive reads a message; events, which may come in several, are joined
// until there are as many as are wanted, and so are pieces of output.
func receive(tb testing.TB, ws *websocket.Conn, want any) map[string]any {
	tb.Helper()
	var whole map[string]any
	wanted, _ := want.(map[string]any)["events"].([]any)
	for {
		_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
		_, raw, err := ws.ReadMessage()
		if err != nil {
			tb.Fatal(err)
		}
		m, _ := parse(tb, string(raw)).(map[string]any)
		more, ok := m["events"].([]any)
		switch {
		case whole == nil:
			whole = m
			whole["events"] = join(nil, more)
		case ok:
			have, _ := whole["events"].([]any)
			whole["events"] = join(have, more)
		default:
			tb.Fatalf("between the events came %s", raw)
		}
		if have, _ := whole["events"].([]any); len(have) >= len(wanted) {
			return whole
		}
	}
}

// join appends events; output goes to the piece before it.
func join(have, more []any) []any {
	for _, e := range more {
		if n := len(have); n > 0 {
			before, _ := have[n-1].(map[string]any)
			next, _ := e.(map[string]any)
			if before["type"] == "stdout" && next["type"] == "stdout" {
				before["text"] = fmt.Sprint(before["text"], next["text"])
				continue
			}
		}
		have = append(have, e)
	}
	return have
}

func TestRESTExamples(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for at, lines := range blocks(t, "http") {
		t.Run(fmt.Sprintf("line %d", at), func(t *testing.T) {
			t.Parallel()
			names := names{}
			for i, example := range strings.Split(strings.Join(lines, "\n"), "\n\n") {
				request, answer, _ := strings.Cut(example, "\n")
				method, rest, _ := strings.Cut(names.fill(request), " ")
				path, body, _ := strings.Cut(rest, " ")
				status, got := ask(t, s, method, path, body)
				wantStatus, want, _ := strings.Cut(answer, " ")
				if status != wantStatus {
					t.Fatalf("%s, example %d: %s is answered %s: %s", page, i+1, request, status, got)
				}
				compare(t, names, request, want, got)
			}
		})
	}
}

// compare looks at an answer, which may be several lines of JSON.
func compare(tb testing.TB, names names, request, want, got string) {
	tb.Helper()
	wanted, have := strings.Split(want, "\n"), strings.Split(strings.TrimSpace(got), "\n")
	if len(wanted) != len(have) {
		tb.Fatalf("%s: want %d lines, got %s", request, len(wanted), got)
	}
	for i, line := range wanted {
		if strings.TrimSpace(line) == "" {
			continue
		}
		if fault := names.match(parse(tb, line), parse(tb, have[i]), "the answer"); fault != "" {
			tb.Fatalf("%s: %s\n%s", request, fault, got)
		}
	}
}

func ask(tb testing.TB, s *testserver.Server, method, path, body string) (status, answer string) {
	tb.Helper()
	req, err := http.NewRequestWithContext(tb.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode), string(raw)
}
