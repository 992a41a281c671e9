package clock_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clock"
	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
	"hotcell/keys"
	"hotcell/sandboxes"
)

// TestMoments: what names a moment follows the clock that is set, on connections that
// are there already too.
func TestMoments(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	s := testserver.Start(t, testserver.WithClock(c.Now))
	end := c.Now().Add(30 * time.Minute)
	_, key, err := s.Keys.Create(keys.Spec{Name: "guest", Scope: keys.Run, Expires: end})
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sandboxes.SignedToken(sandboxes.DefaultID, end, "")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := client.Dial(t.Context(), s.URL, key)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err = conn.Execute(t.Context(), client.Code{Language: "go", Code: "for { }", Execution: "endless"}); err != nil {
		t.Fatal(err)
	}
	x, err := s.Contexts.Execution("endless", nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Events(1).Next(t.Context()); err != nil { // it has begun
		t.Fatal(err)
	}
	check := func(when, what string, want int) {
		t.Helper()
		path, with := "/v1/status", key
		if what == "token" {
			path, with = "/toolbox/"+sandboxes.DefaultID+"/work-dir", token
		}
		if got, text := ask(t, s, with, http.MethodGet, path, nil, nil); got != want {
			t.Errorf("%s: the %s: %d %s", when, what, got, text)
		}
	}
	for _, by := range []time.Duration{0, -year} {
		c.Set(by)
		check(by.String(), "key", http.StatusOK)
		check(by.String(), "token", http.StatusOK)
	}
	c.Set(time.Hour)
	_ = conn.Call(t.Context(), map[string]any{"type": "ping"}, nil) // nothing else has told the key that it ends
	for what, done := range map[string]<-chan struct{}{"its socket": conn.Done(), "what it had begun": x.Done()} {
		select {
		case <-done:
		case <-time.After(patience):
			t.Errorf("a key has ended, and %s goes on", what)
		}
	}
	if got := x.Snapshot().Status; got != wire.StatusInterrupted {
		t.Errorf("what its key had begun is %s", got)
	}
	check("an hour later", "key", http.StatusUnauthorized)
	check("an hour later", "token", http.StatusUnauthorized)
	if _, text := ask(t, s, key, http.MethodGet, "/v1/status", nil, nil); !strings.Contains(text, "has expired") {
		t.Error(text)
	}
	c.Set(0)
	check("set back", "token", http.StatusOK)
	check("set back", "key", http.StatusUnauthorized) // what has ended has
}
