package handlers_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hotcell/handlers"
	"hotcell/keys"
)

// TestEveryRouteHasAScope: who adds a route says in the table who may use it,
// and who takes one away takes its row too.
func TestEveryRouteHasAScope(t *testing.T) {
	t.Parallel()
	s, _, served := serve(t, 0)
	routes := s.Endpoints()
	if len(routes) < 100 {
		t.Errorf("only %d routes were found", len(routes))
	}
	for route, listed := range routes {
		if !listed {
			t.Errorf("%s has no row in the table of scopes", route)
		}
	}
	for _, row := range handlers.Listed() {
		_, there := routes[row]
		if path, any := strings.CutPrefix(row, "* "); any {
			there = slices.ContainsFunc([]string{"GET ", "POST ", "DELETE "}, func(m string) bool {
				_, ok := routes[m+path]
				return ok
			})
		}
		if !there {
			t.Errorf("no route is %s, which the table of scopes has", row)
		}
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil && !errors.Is(err, handlers.ErrShutdown) {
		t.Error(err)
	}
}

// place fills the parameters of a route's path.
func place(path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		switch {
		case s == ":sandbox" || path == "/api/sandbox/:id" && s == ":id":
			segments[i] = "default"
		case s == ":minutes", s == ":seq":
			segments[i] = "1"
		case strings.HasPrefix(s, ":"), s == "+", s == "*":
			segments[i] = "none"
		}
	}
	return strings.Join(segments, "/")
}

// TestScopes asks for everything with every scope: what a key doesn't allow is
// refused, in the dialect's own shape, and nothing else is.
func TestScopes(t *testing.T) {
	t.Parallel()
	store, err := keys.Open(keys.Config{First: "first"})
	if err != nil {
		t.Fatal(err)
	}
	s, ln, served := serveWith(t, 0, store)
	defer func() {
		http.DefaultClient.CloseIdleConnections()
		if err := errors.Join(s.Shutdown(t.Context()), <-served); err != nil {
			t.Error(err)
		}
		store.Close()
	}()
	texts := map[string]string{"first": "first", "none": "wrong"}
	for name, spec := range map[string]keys.Spec{
		"read": {Scope: keys.Read}, "run": {Scope: keys.Run}, "admin": {Scope: keys.Admin},
		"confined": {Scope: keys.Admin, Sandboxes: []string{"default"}},
	} {
		spec.Name = name
		if _, texts[name], err = store.Create(spec); err != nil {
			t.Fatal(err)
		}
	}
	may := map[string]keys.Scope{"none": keys.None, "read": keys.Read, "run": keys.Run, "admin": keys.Admin, "confined": keys.Admin, "first": keys.Admin}
	for _, row := range handlers.Listed() {
		method, path, _ := strings.Cut(row, " ")
		if path == "/execute" || strings.HasPrefix(path, "/contexts") { // of the other address
			continue
		}
		if method == "*" {
			method = http.MethodPatch
		}
		scope, free := handlers.Needs(row)
		for name, text := range texts {
			want := 0
			switch {
			case scope == keys.None:
			case may[name] == keys.None:
				want = http.StatusUnauthorized
			case may[name] < scope, free && name == "confined":
				want = http.StatusForbidden
			}
			got, body := ask(t, method, "http://"+ln.Addr().String()+place(path), text)
			refused := got == http.StatusUnauthorized || got == http.StatusForbidden
			if got != want && (want != 0 || refused) {
				t.Errorf("%s with %s: status %d, want %d: %s", row, name, got, want, body)
			}
			if want == http.StatusForbidden && !shaped(path, body) {
				t.Errorf("%s with %s: refused with %s", row, name, body)
			}
		}
	}
}

func ask(t *testing.T, method, url, key string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(raw)
}

// shaped reports whether a refusal is one of its dialect, with words.
func shaped(path, body string) bool {
	var daytona struct{ Code, Message, Source string }
	var native struct {
		Error struct{ Code, Message string }
	}
	const words = "the key "
	switch {
	case strings.HasPrefix(path, "/e2b/"):
		return strings.HasPrefix(body, words)
	case strings.HasPrefix(path, "/v1/"):
		_ = json.Unmarshal([]byte(body), &native)
		return native.Error.Code == "FORBIDDEN" && strings.HasPrefix(native.Error.Message, words)
	default:
		_ = json.Unmarshal([]byte(body), &daytona)
		return daytona.Code == "FORBIDDEN" && daytona.Source != "" && strings.HasPrefix(daytona.Message, words)
	}
}
