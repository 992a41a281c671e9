package native_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/fasthttp/websocket"
	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

// linked is an event with what leads to its data.
type linked struct {
	Seq   int
	Type  string
	Data  map[string]any
	Links map[string]struct {
		Href string
		Size int
	}
}

// runWaiting runs a cell in the default context and returns the execution's id.
func runWaiting(t *testing.T, s *testserver.Server, code string) string {
	t.Helper()
	status, body, _ := ask(t, s, http.MethodPost, "/v1/contexts/default/executions", fmt.Sprintf(`{"code": %q, "wait": true}`, code))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}
	return decode[struct{ Execution struct{ ID string } }](t, body).Execution.ID
}

// shownBy are the events of a type, read with a limit of inline data.
func shownBy(t *testing.T, s *testserver.Server, execution, query, kind string) []linked {
	t.Helper()
	_, body, _ := ask(t, s, http.MethodGet, "/v1/executions/"+execution+"/events"+query, "")
	var out []linked
	for line := range strings.Lines(body) {
		if e := decode[linked](t, line); e.Type == kind {
			out = append(out, e)
		}
	}
	return out
}

func TestData(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	x := runWaiting(t, s, "display({'image/png': b'\\x89PNG' * 3, 'image/svg+xml': '<svg>é</svg>', 'text/html': '<b>', 'application/vnd.x+json': {'a': [1]},\n"+
		"'text/plain': 't', 'application/pdf': 'not base64!', 'a\\r\\nX-Evil: 1': 'e', 'http://x//': 'u', 'image/gif': 'R0lG\\nODlh\\n'}, raw=True, display_id='d')")
	all := shownBy(t, s, x, "?inline=0", "display")
	if len(all) != 1 || len(all[0].Data) != 0 || len(all[0].Links) != 9 {
		t.Fatalf("%+v", all)
	}
	for format, want := range map[string][2]string{
		"image/png":              {"image/png", "\x89PNG\x89PNG\x89PNG"},
		"image/svg+xml":          {"image/svg+xml; charset=utf-8", "<svg>é</svg>"},
		"text/html":              {"text/html; charset=utf-8", "<b>"},
		"application/vnd.x+json": {"application/vnd.x+json", `{"a":[1]}`},
		"text/plain":             {"text/plain; charset=utf-8", "t"},
		"application/pdf":        {"text/plain; charset=utf-8", "not base64!"},
		"a\r\nX-Evil: 1":         {"text/plain; charset=utf-8", "e"},
		"image/gif":              {"image/gif", "GIF89a"},
		"http://x//":             {"text/plain; charset=utf-8", "u"},
	} {
		status, body, header := ask(t, s, http.MethodGet, all[0].Links[format].Href, "")
		if status != http.StatusOK || body != want[1] || header.Get("Content-Type") != want[0] {
			t.Errorf("%s at %s: %d %q %s", format, all[0].Links[format].Href, status, body, header)
		}
		if !strings.HasPrefix(header.Get("Content-Security-Policy"), "sandbox;") || header.Get("X-Evil") != "" {
			t.Errorf("%s: %s", format, header)
		}
	}
	list := fmt.Sprintf("/v1/executions/%s/events/%d/data", x, all[0].Seq)
	if _, body, _ := ask(t, s, http.MethodGet, list, ""); !cmp.Equal(decode[map[string]any](t, body)["image/png"], map[string]any{"href": list + "/image/png", "size": 18.0}) {
		t.Error(body)
	}
	for path, want := range map[string]string{
		list + "/image/webp": "it has: ", strings.Replace(list, "events/2", "events/99", 1): "has no event 99",
		strings.Replace(list, "events/2", "events/0", 1): "must have the number", strings.Replace(list, x, "none", 1): "none",
		"/v1/executions/" + x + "/events?inline=-1": "inline",
	} {
		if status, body, _ := ask(t, s, http.MethodGet, path, ""); status/100 != 4 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	if all := shownBy(t, s, x, "", "display"); len(all[0].Data) != 9 || all[0].Links != nil {
		t.Errorf("a stream without a limit has links: %+v", all)
	}
	if status, _, _ := ask(t, s, http.MethodGet, list, "", "Authorization", "Bearer wrong"); status != http.StatusUnauthorized {
		t.Errorf("without the key: %d", status)
	}
}

// A message stays below the limit at which client libraries close a socket, and
// what was left out is still there when the log has gone to disk.
func TestLargeDataOnASocket(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/v1/ws?token="+s.Key, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	defer conn.Close()
	conn.SetReadLimit(1 << 20)
	code := "for i in range(3): display({'text/plain': 'small', 'image/svg+xml': str(i) * (5 << 20)}, raw=True)\nprint('x' * (8 << 20))"
	for _, request := range []string{
		fmt.Sprintf(`{"id": 1, "type": "execute", "execution": "big", "code": %q}`, code),
		`{"id": 2, "type": "attach", "execution": "big", "inline": 0, "from": 2}`,
	} {
		if err := conn.WriteMessage(websocket.TextMessage, []byte(request)); err != nil {
			t.Fatal(err)
		}
		var seen []linked
		for over := false; !over; {
			_, raw, err := conn.ReadMessage()
			if err != nil {
				t.Fatalf("after %d displays: %v", len(seen), err)
			}
			for _, e := range decode[struct{ Events []linked }](t, string(raw)).Events {
				if e.Type == "display" {
					seen = append(seen, e)
				}
				over = strings.Contains(string(raw), `"state":"done"`)
			}
		}
		if len(seen) != 3 {
			t.Fatalf("%d displays", len(seen))
		}
		for i, e := range seen {
			if _, body, _ := ask(t, s, http.MethodGet, e.Links["image/svg+xml"].Href, ""); body != strings.Repeat(fmt.Sprint(i), 5<<20) {
				t.Errorf("display %d: %d bytes, %.20q", i, len(body), body)
			}
			if inline := request[7] == '1'; (e.Data["text/plain"] == "small") != inline || (e.Links["text/plain"].Size == 7) == inline {
				t.Errorf("%+v", e)
			}
		}
	}
}
