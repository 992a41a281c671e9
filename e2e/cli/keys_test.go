package cli_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"hotcell/e2e/testserver/authority"
)

// keysCall runs the program to its end in a home.
func keysCall(t *testing.T, home string, args ...string) outcome {
	t.Helper()
	return finish(t, command(t, home, args...), "")
}

// keysOf lists the names of the keys.
func keysOf(t *testing.T, home string, args ...string) map[string]map[string]any {
	t.Helper()
	got := keysCall(t, home, append([]string{"keys", "list", "--json"}, args...)...)
	var list []map[string]any
	if err := json.Unmarshal([]byte(got.out), &list); err != nil {
		t.Fatalf("%v: %+v", err, got)
	}
	out := map[string]map[string]any{}
	for _, k := range list {
		out[k["name"].(string)] = k
	}
	return out
}

// made makes a key and returns its text.
func made(t *testing.T, home string, args ...string) string {
	t.Helper()
	got := keysCall(t, home, append([]string{"keys", "create"}, args...)...)
	text := strings.TrimSuffix(got.out, "\n")
	if got.status != 0 || !strings.HasPrefix(text, "hc_") || strings.Contains(text, "\n") {
		t.Fatalf("%v: %+v", args, got)
	}
	if strings.Contains(got.err, text) {
		t.Errorf("the key is in the log, too: %s", got.err)
	}
	return text
}

// TestKeysWithoutAServer, then with one that finds them, and what was made for it.
func TestKeysWithoutAServer(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	text := made(t, home, "ci", "--scope", "run", "--sandbox", "a", "--sandbox", "b,c", "--expires", "30d", "--rate", "5/s", "--sockets=-1")
	gone := made(t, home, "gone", "--scope", "read")
	if got := keysCall(t, home, "keys", "revoke", "gone"); got.status != 0 {
		t.Errorf("%+v", got)
	}
	for _, file := range []string{"keys.json", "lock", "gate"} {
		st, err := os.Stat(filepath.Join(home, ".local/share/hotcell", file))
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file, st, err)
		}
	}
	k := keysOf(t, home)["ci"]
	if fmt.Sprintf("%v %v %v %v", k["sandboxes"], k["rate"], k["scope"], k["sockets"]) != "[a b,c] 5/s run -1" {
		t.Errorf("%v", k)
	}
	if table := keysCall(t, home, "keys", "list"); !strings.Contains(table.out, "a, b,c") || strings.Contains(table.out, text) {
		t.Errorf("%+v", table)
	}
	s := start(t, home, nil)
	if got := s.ask(t, text, "/v1/status"); got != http.StatusOK {
		t.Errorf("the server answers %d", got)
	}
	if got := s.ask(t, gone, "/v1/status"); got != http.StatusUnauthorized {
		t.Errorf("to a revoked one %d", got)
	}
}

// TestKeysOfAServer: the commands find the server of the data directory, and what
// they do counts at once.
func TestKeysOfAServer(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, nil)
	text := made(t, home, "ci", "--scope", "read")
	if got := s.ask(t, text, "/v1/status"); got != http.StatusOK {
		t.Errorf("a new key: %d", got)
	}
	if got := keysCall(t, home, "keys", "create", "ci", "--scope", "read"); got.status != 125 || !strings.Contains(got.err, "exists already") {
		t.Errorf("the same name: %+v", got)
	}
	// Changes at once are all made.
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { made(t, home, fmt.Sprint("k", i), "--scope", "run") })
	}
	wg.Wait()
	if got := keysCall(t, home, "keys", "revoke", "ci"); got.status != 0 {
		t.Errorf("%+v", got)
	}
	if got := s.ask(t, text, "/v1/status"); got != http.StatusUnauthorized {
		t.Errorf("a revoked key: %d", got)
	}
	if list := keysOf(t, home); len(list) != 6 || list["ci"] != nil {
		t.Errorf("%v", list)
	}
	// Another admin, from elsewhere, and who isn't one.
	admin, reader := made(t, home, "boss", "--scope", "admin"), made(t, home, "reader", "--scope", "read")
	if list := keysOf(t, t.TempDir(), "--url", s.URL, "--api-key", admin); len(list) != 8 {
		t.Errorf("%v", list)
	}
	if got := keysCall(t, t.TempDir(), "keys", "list", "--url", s.URL, "--api-key", reader); got.status != 125 || !strings.Contains(got.err, "scope read, this needs admin") {
		t.Errorf("%+v", got)
	}
	s.stop(syscall.SIGTERM)
	if list := keysOf(t, home); len(list) != 8 {
		t.Errorf("after the server: %v", list)
	}
}

// TestKeysAtOnceWithoutAServer: each waits for the others.
func TestKeysAtOnceWithoutAServer(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { made(t, home, fmt.Sprint("k", i), "--scope", "run") })
	}
	wg.Wait()
	if list := keysOf(t, home); len(list) != 6 {
		t.Errorf("%v", list)
	}
}

func TestKeysUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no scope":    {[]string{"create", "a"}, "--scope"},
		"scope":       {[]string{"create", "a", "--scope", "root"}, "root"},
		"expires":     {[]string{"create", "a", "--scope", "run", "--expires", "soon"}, "2027-01-31"},
		"rate":        {[]string{"create", "a", "--scope", "run", "--rate", "5"}, "50/s"},
		"no key":      {[]string{"revoke"}, "<key>"},
		"no key here": {[]string{"list", "--url", "https://cells.example.org"}, "HOTCELL_API_KEY"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := keysCall(t, t.TempDir(), append([]string{"keys"}, c.args...)...); got.status != 2 || !strings.Contains(got.err, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// TestServeTLS: the addresses are said with their s, and the commands find the way.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	ca, home := authority.New(t), t.TempDir()
	certFile, keyFile := ca.Files(t, "cells.example.org")
	s := start(t, home, nil, "--tls-cert", certFile, "--tls-key", keyFile, "--e2b-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
	if status, body := get(t, s.MetricsURL, ""); status != http.StatusOK { // on loopback it is plain
		t.Errorf("%s: %d %s", s.MetricsURL, status, body)
	}
	for address, begin := range map[string]string{s.URL: "https://", s.E2BURL: "https://", s.WebSocket: "wss://"} {
		if !strings.HasPrefix(address, begin) {
			t.Errorf("the ready file's %q doesn't begin with %s", address, begin)
		}
	}
	if out := s.out.String(); !strings.Contains(out, "DAYTONA_API_URL=https://") || !strings.Contains(out, "E2B_SANDBOX_URL=https://") {
		t.Errorf("it says %s", out)
	}
	// This one needs no authority: it knows the certificate.
	made(t, home, "ci", "--scope", "run")
	trusting := command(t, home, "run", "--url", s.URL, "--lang", "javascript", "-c", "6 * 7")
	trusting.Env = append(trusting.Env, "SSL_CERT_FILE="+ca.File)
	if got := finish(t, trusting, ""); strings.TrimSpace(got.out) != "42" {
		t.Errorf("run: %+v", got)
	}
	if got := keysCall(t, home, "status", "--url", s.URL); got.status != 125 || !strings.Contains(got.err, "certificate") {
		t.Errorf("who doesn't trust it: %+v", got)
	}
	// A name in the certificate is one that clients may use.
	client := http.Client{Transport: &http.Transport{TLSClientConfig: ca.Client(), DisableKeepAlives: true}}
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/health", nil)
	req.Host = "cells.example.org"
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("by its name: %d", resp.StatusCode)
	}
}

// TestServeInTheOpen warns of what others on the network can read.
func TestServeInTheOpen(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), []string{"HOTCELL_API_KEY=0123456789abcdef"}, "--listen", "0.0.0.0:0")
	s.stop(syscall.SIGTERM)
	if !strings.Contains(s.errs.String(), "can be read on the network") {
		t.Errorf("it says %s", s.errs)
	}
}

func TestServeTLSUsage(t *testing.T) {
	t.Parallel()
	ca := authority.New(t)
	certFile, keyFile := ca.Files(t, "a")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"half":  {[]string{"--tls-cert", certFile}, "belong together"},
		"mixed": {[]string{"--tls-cert", keyFile, "--tls-key", certFile}, "read the certificate"},
		"rate":  {[]string{"--key-rate", "fast"}, "50/s"},
		"execs": {[]string{"--key-executions=-1"}, "negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := keysCall(t, t.TempDir(), append([]string{"serve", "--listen", "127.0.0.1:0"}, c.args...)...)
			if got.status != 2 || !strings.Contains(got.err, c.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}
