package operations_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
	"hotcell/keys"
)

// TestAuditNamesKeys: what was done has the name of the key, and so has what a key
// didn't get.
func TestAuditNamesKeys(t *testing.T) {
	t.Parallel()
	s, entries := audited(t, false)
	status, answer := ask(t, http.MethodPost, s.URL+"/v1/keys", s.Key, `{"name":"made","scope":"read"}`)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := ask(t, http.MethodDelete, s.URL+"/v1/keys/made", s.Key, ""); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, answer)
	}
	agent := named(t, s, keys.Spec{Name: "agent", Scope: keys.Run, Sandboxes: []string{"default"}})
	if status, answer := ask(t, http.MethodPost, s.URL+"/v1/commands", agent, `{"command":"true"}`); status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	if status, _ := ask(t, http.MethodPost, s.URL+"/v1/keys", agent, `{"name":"x","scope":"read"}`); status != http.StatusForbidden {
		t.Errorf("a key made by %d", status)
	}
	hasty := named(t, s, keys.Spec{Name: "hasty", Scope: keys.Read, Limits: keys.Limits{Rate: keys.Rate{Count: 1, Per: time.Hour}}})
	for _, want := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if status, _ := ask(t, http.MethodGet, s.URL+"/v1/status", hasty, ""); status != want {
			t.Errorf("%d, want %d", status, want)
		}
	}
	looker := named(t, s, keys.Spec{Name: "looker", Scope: keys.Read})
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/process/interpreter/execute",
		http.Header{"Authorization": {"Bearer " + looker}})
	if err != nil { // it is told on the socket
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	_ = conn.Close()

	all, _ := entries()
	for _, want := range []struct{ kind, action, key, detail string }{
		{"key", "create", "api-key", "made"},
		{"key", "revoke", "api-key", "made"},
		{"command", "run", "agent", ""},
	} {
		if e := find(t, all, want.kind, want.action); e.Key != want.key || e.Outcome != "ok" || e.Detail != want.detail {
			t.Errorf("%+v, want %v", e, want)
		}
	}
	refused := map[string]string{}
	for _, e := range all {
		if e.Kind == "login" {
			refused[e.Key] += e.Action + " " + e.Detail + ": " + e.Reason
		}
	}
	for name, want := range map[string]string{
		"agent":  "refuse POST /v1/keys: Forbidden",
		"hasty":  "refuse GET /v1/status: Too Many Requests",
		"looker": "refuse GET /process/interpreter/execute: Forbidden",
	} {
		if refused[name] != want {
			t.Errorf("of %s %q, want %q", name, refused[name], want)
		}
	}
}

// TestLimitsOfKeysAreCounted once each, on whatever way they are told of.
func TestLimitsOfKeysAreCounted(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	before := scrape(t, s)
	hasty := named(t, s, keys.Spec{Name: "hasty", Scope: keys.Run, Limits: keys.Limits{Rate: keys.Rate{Count: 1, Per: time.Hour}}})
	for range 2 {
		ask(t, http.MethodGet, s.URL+"/v1/status", hasty, "")
	}
	conn, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+"/api/socket.io?EIO=4&transport=websocket", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	defer conn.Close()
	if err := conn.WriteMessage(websocket.TextMessage, []byte(`40{"token":"`+hasty+`"}`)); err != nil {
		t.Fatal(err)
	}
	said := ""
	for !strings.HasPrefix(said, "44") {
		_, msg, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		said = string(msg)
	}
	if !strings.Contains(said, "1/h requests") {
		t.Errorf("it says %s", said)
	}
	after := scrape(t, s)
	expect{"limits_hit_total", []string{"kind=rate_limited"}, 2}.check(t, before, after)
	expect{"logins_refused_total", nil, 2}.check(t, before, after)
}

// TestFiguresAndScopes: reading suffices, if it is of all that is counted.
func TestFiguresAndScopes(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for want, spec := range map[int]keys.Spec{
		http.StatusOK:        {Name: "prometheus", Scope: keys.Read},
		http.StatusForbidden: {Name: "confined", Scope: keys.Admin, Sandboxes: []string{"default"}},
	} {
		if status, answer := ask(t, http.MethodGet, s.URL+"/metrics", named(t, s, spec), ""); status != want {
			t.Errorf("%s: %d %s", spec.Name, status, answer)
		}
	}
}

// named makes a key and returns its text.
func named(t *testing.T, s *testserver.Server, spec keys.Spec) string {
	t.Helper()
	_, text, err := s.Keys.Create(spec)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
