package daytona_test

import (
	"net/http"
	"strings"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
)

func keys(t *testing.T, s *testserver.Server) {
	t.Helper()
	for _, tc := range []struct {
		name, method, path string
		header             http.Header
		status             int
	}{
		{"the key", "GET", "/api/sandbox", nil, 200},
		{"lower case", "GET", "/api/sandbox", http.Header{"Authorization": {"bearer " + s.Key}}, 200},
		{"no key", "GET", "/api/sandbox", http.Header{"Authorization": {""}}, 401},
		{"wrong key", "GET", "/api/sandbox", http.Header{"Authorization": {"Bearer no"}}, 401},
		{"beginning of the key", "GET", "/api/sandbox", http.Header{"Authorization": {"Bearer " + s.Key[:4]}}, 401},
		{"no key for the toolbox", "GET", "/toolbox/default/work-dir", http.Header{"Authorization": {""}}, 401},
		{"no key for one that isn't there", "GET", "/toolbox/nope/work-dir", http.Header{"Authorization": {""}}, 401},
		{"no key at the root", "GET", "/work-dir", http.Header{"Authorization": {""}}, 401},
		{"no key for the native dialect", "GET", "/v1/contexts", http.Header{"Authorization": {""}}, 401},
		{"health needs none", "GET", "/health", http.Header{"Authorization": {""}}, 200},
		{"double slashes", "GET", "/api//sandbox", nil, 200},
		{"slash at the end", "GET", "/api/sandbox/", nil, 200},
		{"toolbox under the API", "GET", "/api/toolbox/default/toolbox/work-dir", nil, 200},
		{"at the root", "GET", "/work-dir", nil, 200},
		{"unknown sandbox", "GET", "/toolbox/nope/work-dir", nil, 404},
		{"unknown address", "GET", "/toolbox/default/nope", nil, 404},
		{"not supported", "POST", "/toolbox/default/process/execute", nil, 501},
		{"not supported there either", "POST", "/api/sandbox/default/fork", nil, 501},
		{"snapshots", "GET", "/api/snapshots", nil, 501},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			status, body := call(t, s, tc.method, tc.path, nil, tc.header)
			if status != tc.status {
				t.Fatalf("status %d, want %d: %s", status, tc.status, body)
			}
			if status < 400 || strings.HasPrefix(tc.path, "/v1") {
				return
			}
			got := decode(t, body)
			for _, member := range []string{"message", "code", "source", "path", "method", "timestamp"} {
				if s, _ := got[member].(string); s == "" {
					t.Errorf("%s is missing: %s", member, body)
				}
			}
			if got["statusCode"] != float64(tc.status) {
				t.Errorf("statusCode is %v", got["statusCode"])
			}
		})
	}
}

// TestWebPages keeps pages of other sites out, however they try.
func TestWebPages(t *testing.T) {
	t.Parallel()
	const friend = "https://app.example.org"
	s := testserver.Start(t, testserver.WithConfig(func(c *handlers.Config) {
		c.AllowedOrigins = []string{friend}
		c.AllowedHosts = []string{"cells.example.org"}
	}))
	for _, tc := range []struct {
		name, method, path, host, origin string
		status                           int
	}{
		{"another host name", "GET", "/health", "evil.example", "", 403},
		{"another host name and port", "GET", "/health", "evil.example:80", "", 403},
		{"a loopback name", "GET", "/health", "localhost:1234", "", 200},
		{"a name below localhost", "GET", "/health", "cell.localhost", "", 200},
		{"an address", "GET", "/health", "192.0.2.7:80", "", 200},
		{"an IPv6 address", "GET", "/health", "[::1]:80", "", 200},
		{"an allowed name", "GET", "/health", "Cells.example.org:8080", "", 200},
		{"something like localhost", "GET", "/health", "localhost.evil.example", "", 403},
		{"same origin", "POST", "/api/sandbox", "localhost:1", "http://localhost:1", 200},
		{"another port", "POST", "/api/sandbox", "localhost:1", "http://localhost:2", 403},
		{"another site", "POST", "/api/sandbox", "", "https://evil.example", 403},
		{"no site", "POST", "/api/sandbox", "", "null", 403},
		{"another site deletes", "DELETE", "/api/sandbox/default", "", "https://evil.example", 403},
		{"an allowed site", "POST", "/api/sandbox", "", friend, 200},
		{"preflight of an allowed site", "OPTIONS", "/api/sandbox", "", friend, 204},
		{"preflight of another", "OPTIONS", "/api/sandbox", "", "https://evil.example", 403},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if tc.host != "" {
				h.Set("Host", tc.host)
			}
			if tc.origin != "" {
				h.Set("Origin", tc.origin)
			}
			if tc.method == "OPTIONS" {
				h.Set("Access-Control-Request-Method", "POST")
			}
			if status, body := call(t, s, tc.method, tc.path, nil, h); status != tc.status {
				t.Errorf("status %d, want %d: %s", status, tc.status, body)
			}
		})
	}
	for _, path := range []string{"/toolbox/default" + executePath, "/api/socket.io/?EIO=4&transport=websocket", "/v1/ws"} {
		_, status, err := dialPath(t, s, path, withKey(s, http.Header{"Origin": {"https://evil.example"}}))
		if err == nil || status != http.StatusForbidden {
			t.Errorf("%s from another site: %d %v", path, status, err)
		}
	}
	if _, _, err := dialPath(t, s, "/toolbox/default"+executePath, withKey(s, http.Header{"Origin": {s.URL}})); err != nil {
		t.Errorf("same origin: %v", err)
	}
}

// previewTokens goes the way of the Ruby SDK and of browsers.
func previewTokens(t *testing.T, s *testserver.Server) {
	t.Helper()
	mine, other := sandbox(t, s, obj{}), sandbox(t, s, obj{})
	id := mine["id"].(string)
	preview := func(id, path string) obj {
		status, body := call(t, s, "GET", "/api/sandbox/"+id+path, nil, nil)
		if status != http.StatusOK {
			t.Fatalf("preview: %d %s", status, body)
		}
		return decode(t, body)
	}
	link := preview(id, "/ports/2280/preview-url")
	if link["url"] != s.URL || link["sandboxId"] != id {
		t.Errorf("link %v", link)
	}
	token, _ := link["token"].(string)
	signed, _ := preview(id, "/ports/2280/signed-preview-url?expiresInSeconds=600")["token"].(string)
	header := func(token string) http.Header { return http.Header{"X-Daytona-Preview-Token": {token}} }

	for name, try := range map[string]struct {
		path   string
		header http.Header
		status int
	}{
		"at the root":             {executePath, header(token), 101},
		"at the root with both":   {executePath, withKey(s, header(token)), 101},
		"signed":                  {executePath, header(signed), 101},
		"in the path":             {"/toolbox/" + id + executePath, header(token), 101},
		"in the query":            {"/toolbox/" + id + executePath + "?DAYTONA_SANDBOX_AUTH_KEY=" + token, nil, 101},
		"of another sandbox":      {"/toolbox/" + other["id"].(string) + executePath, header(token), 403},
		"of the default sandbox":  {"/toolbox/default" + executePath, header(token), 403},
		"unknown":                 {executePath, header("nonsense"), 401},
		"unknown, with the key":   {executePath, withKey(s, header("nonsense")), 401},
		"signed for another time": {executePath, header(strings.Replace(signed, ".1", ".2", 1)), 401},
		"for the control plane":   {"/api/sandbox", header(token), 403},
		"for the native dialect":  {"/v1/contexts", header(token), 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, status, err := dialPath(t, s, try.path, try.header)
			if status != try.status {
				t.Fatalf("status %d, want %d: %v", status, try.status, err)
			}
			if try.status != http.StatusSwitchingProtocols {
				return
			}
			say(t, conn, obj{"code": "import os; print(os.getcwd())"})
			if e := finish(t, conn); !strings.Contains(e.text("stdout"), id) {
				t.Errorf("ran elsewhere: %+v", e)
			}
		})
	}
}

func TestCheckListen(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		host, key string
		ok        bool
	}{
		{"127.0.0.1", "", true},
		{"127.9.9.9", "", true},
		{"localhost", "", true},
		{"::1", "", true},
		{"[::1]", "", true},
		{"0.0.0.0", "", false},
		{"", "", false},
		{"::", "", false},
		{"192.0.2.1", "", false},
		{"example.org", "", false},
		{"0.0.0.0", "key", true},
		{"", "key", true},
	} {
		if err := handlers.CheckListen(tc.host, tc.key); (err == nil) != tc.ok {
			t.Errorf("CheckListen(%q, %q): %v", tc.host, tc.key, err)
		}
	}
}
