package cli_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// health is the answer of /readyz.
type health struct {
	Ready  bool
	Checks map[string]struct {
		OK     bool
		Reason string
	}
}

func get(t *testing.T, url, host string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

func readiness(t *testing.T, url string) (int, health) {
	t.Helper()
	status, body := get(t, url+"/readyz", "")
	var h health
	if err := json.Unmarshal([]byte(body), &h); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return status, h
}

func TestHealth(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), nil, "--warm=0")
	if status, body := get(t, s.URL+"/healthz", ""); status != 200 || !strings.Contains(body, `"ok"`) {
		t.Errorf("%d %s", status, body)
	}
	status, h := readiness(t, s.URL)
	if status != 200 || !h.Ready || len(h.Checks) != 4 {
		t.Errorf("%d %+v", status, h)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if status, body := get(t, s.URL+path, "evil.example"); status != 403 {
			t.Errorf("%s under another name: %d %s", path, status, body)
		}
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, nil, "--warm=0")
	dir := filepath.Join(home, ".local/share/hotcell")
	if err := os.Rename(dir, dir+".away"); err != nil {
		t.Fatal(err)
	}
	status, h := readiness(t, s.URL)
	if status != 503 || h.Ready || h.Checks["data_directory"].OK || !h.Checks["runtimes"].OK {
		t.Errorf("%d %+v", status, h)
	}
	if reason := h.Checks["data_directory"].Reason; reason == "" || strings.Contains(reason, home) {
		t.Errorf("the reason is %q", reason)
	}
	if status, _ := get(t, s.URL+"/healthz", ""); status != 200 {
		t.Errorf("it lives, and says %d", status)
	}
	if err := os.Rename(dir+".away", dir); err != nil {
		t.Fatal(err)
	}
}

func TestMetricsAtAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), nil, "--warm=0", "--metrics-listen", ":0")
	url := strings.TrimSuffix(s.MetricsURL, "/metrics")
	if !strings.HasPrefix(url, "http://127.0.0.1:") || url == s.URL || !strings.Contains(s.out.String(), s.MetricsURL) {
		t.Fatalf("%q in %s", s.MetricsURL, s.out)
	}
	if status, body := get(t, s.MetricsURL, ""); status != 200 || !strings.Contains(body, "\nhotcell_build_info{") || !strings.Contains(body, "\nprocess_open_fds ") {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, url+"/healthz", ""); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, url+"/v1/status", ""); status != 404 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, s.MetricsURL, "evil.example"); status != 403 {
		t.Errorf("%d %s", status, body)
	}
	if status, body := get(t, s.URL+"/metrics", ""); status != 401 {
		t.Errorf("without a key: %d %s", status, body)
	}
}

func TestAuditLog(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	path := filepath.Join(home, "audit.log")
	s := start(t, home, nil, "--warm=0", "--audit-log", path, "--audit-code")
	if got := s.ask(t, "wrong", "/v1/status"); got != 401 {
		t.Errorf("%d", got)
	}
	s.stop(syscall.SIGTERM)
	if s.status != 0 {
		t.Errorf("status %d: %s", s.status, s.errs)
	}
	raw, err := os.ReadFile(path)
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	if err != nil || len(lines) != 3 || !strings.Contains(lines[0], `"open"`) || !strings.Contains(lines[1], `"login"`) || !strings.Contains(lines[2], `"close"`) {
		t.Errorf("%v: %s", err, raw)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	noneLeft(t, home)
}
