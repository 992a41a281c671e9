package operations_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/audit"
	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
)

// secret is in everything that these tests run.
const secret = "the text of the code"

// entry is what the tests look at of a line of the log.
type entry struct {
	Seq                            uint64
	Kind, Action, Outcome, Reason  string
	Key, Address, Dialect, Sandbox string
	Context, Session, ID, Language string
	Detail, Code                   string
	Hash                           string  `json:"code_sha256"`
	Took                           float64 `json:"duration_ms"`
	In                             int64   `json:"input_bytes"`
	Out                            int64   `json:"output_bytes"`
	Stdout                         int64   `json:"stdout_bytes"`
	Exit                           *int    `json:"exit_code"`
}

// audited is a server with an audit log, and what reads it, which ends the log.
func audited(t *testing.T, code bool) (s *testserver.Server, entries func() ([]entry, []byte)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.log")
	log, err := audit.Open(audit.Config{Path: path, Code: code})
	if err != nil {
		t.Fatal(err)
	}
	s = testserver.Start(t, testserver.WithDid(log.Record))
	return s, func() ([]entry, []byte) {
		s.Close(t)
		if err := log.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		st, err := os.Stat(path)
		if err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", st, err)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var all []entry
		for line := range bytes.Lines(raw) {
			var e entry
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			if e.Seq != uint64(len(all)+1) {
				t.Errorf("entry %d has number %d", len(all)+1, e.Seq)
			}
			all = append(all, e)
		}
		return all, raw
	}
}

// find is the one entry of a kind and action.
func find(t *testing.T, all []entry, kind, action string) entry {
	t.Helper()
	var found []entry
	for _, e := range all {
		if e.Kind == kind && e.Action == action {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d entries %s %s in %+v", len(found), kind, action, all)
	}
	return found[0]
}

func TestAuditOfDaytonasSDK(t *testing.T) {
	t.Parallel()
	s, entries := audited(t, false)
	out, errs, err := testserver.Script(t, "by_daytona.py", "DAYTONA_API_URL="+s.APIURL, "DAYTONA_API_KEY="+s.Key)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs)
	}
	all, raw := entries()
	if bytes.Contains(raw, []byte(secret)) || bytes.Contains(raw, []byte(s.Key)) {
		t.Errorf("code or a key is in the log:\n%s", raw)
	}
	sandbox := strings.TrimSpace(out)
	for _, want := range []struct{ kind, action string }{
		{"sandbox", "create"},
		{"execution", "run"},
		{"command", "run"},
		{"code_run", "run"},
		{"session", "create"},
		{"session_command", "run"},
		{"session", "delete"},
		{"file", "upload"},
		{"file", "delete"},
		{"sandbox", "delete"},
	} {
		e := find(t, all, want.kind, want.action)
		if e.Sandbox != sandbox || e.Dialect != "daytona" || e.Address != "127.0.0.1" || e.Key != "api-key" || e.Outcome != "ok" || e.Took == 0 {
			t.Errorf("%+v", e)
		}
	}
	if e := find(t, all, "execution", "run"); e.Context == "" || e.ID == "" || e.Language != "python" || e.Stdout != 3 {
		t.Errorf("%+v", e)
	}
	if e := find(t, all, "session_command", "run"); e.Session != "work" || e.ID == "" || e.Stdout != int64(len(secret)+1) || e.Exit == nil {
		t.Errorf("%+v", e)
	}
	if e := find(t, all, "file", "delete"); e.Detail != "notes.txt" {
		t.Errorf("%+v", e)
	}
	if e := find(t, all, "file", "upload"); !strings.HasSuffix(e.Detail, "notes.txt") || e.In < 10 {
		t.Errorf("%+v", e)
	}
}

func TestAuditOfE2BsSDK(t *testing.T) {
	t.Parallel()
	s, entries := audited(t, false)
	if out, errs, err := testserver.Script(t, "by_e2b.py", "E2B_DEBUG=true", "E2B_SANDBOX_URL="+s.E2BURL); err != nil || out != "20\n" {
		t.Fatalf("%v\n%s\n%s", err, out, errs)
	}
	all, raw := entries()
	e := find(t, all, "execution", "run")
	if e.Dialect != "e2b" || e.Address != "127.0.0.1" || e.Key != "no-key" || e.Sandbox != "default" || e.Outcome != "ok" || bytes.Contains(raw, []byte(secret)) {
		t.Errorf("%s", raw)
	}
}

func TestAuditOfTheNativeDialect(t *testing.T) {
	t.Parallel()
	s, entries := audited(t, true)
	code := "'" + secret + "'; 1/0 #" + strings.Repeat("ä", 20<<10)
	k := open(t, s, "python")
	run(t, k, clients.Cell{Code: code, ID: "mine"})
	if status, answer := ask(t, http.MethodPost, s.URL+"/v1/commands", s.Key, `{"command":"echo `+secret+`; exit 7"}`); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	if status, _ := ask(t, http.MethodGet, s.URL+"/v1/status", "wrong", ""); status != http.StatusUnauthorized {
		t.Fatal(status)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/v1/commands", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Host, req.Header = "evil.example", http.Header{"Authorization": {"Bearer " + s.Key}}
	if status, _ := do(t, req); status != http.StatusForbidden {
		t.Fatal(status)
	}
	all, raw := entries()
	sum := sha256.Sum256([]byte(code))
	if e := find(t, all, "execution", "run"); e.ID != "mine" || e.Dialect != "native" || e.Outcome != "error" ||
		e.Hash != hex.EncodeToString(sum[:]) || len(e.Code) < 16000 || !strings.HasPrefix(code, e.Code) {
		t.Errorf("%.500s", raw)
	}
	if e := find(t, all, "command", "run"); e.Exit == nil || *e.Exit != 7 || e.Code != "echo "+secret+"; exit 7" || e.Outcome != "error" {
		t.Errorf("%+v", e)
	}
	refused := 0
	for _, e := range all {
		if e.Kind == "login" && e.Action == "refuse" && e.Address == "127.0.0.1" && e.Outcome == "refused" {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d refusals in %+v", refused, all)
	}
}

// TestAuditOfContextsAndDownloads: what is made, ended and taken away is recorded, files
// by path and size only.
func TestAuditOfContextsAndDownloads(t *testing.T) {
	t.Parallel()
	s, entries := audited(t, false)
	k := open(t, s, "python")
	run(t, k, clients.Cell{Code: "open('file', 'w').write('" + secret + "')", ID: "mine"})
	status, answer := ask(t, http.MethodPost, s.URL+"/v1/contexts", s.Key, `{"language":"python"}`)
	var made struct{ ID string }
	if err := json.Unmarshal(answer, &made); err != nil || status >= 300 {
		t.Fatalf("%d %s %v", status, answer, err)
	}
	if status, answer := ask(t, http.MethodDelete, s.URL+"/v1/contexts/"+made.ID, s.Key, ""); status >= 300 {
		t.Fatalf("%d %s", status, answer)
	}
	if status, answer := ask(t, http.MethodGet, s.URL+"/toolbox/default/files/download?path=file", s.Key, ""); status != 200 || string(answer) != secret {
		t.Fatalf("%d %s", status, answer)
	}
	all, raw := entries()
	var created, ended *entry
	for i, e := range all {
		switch {
		case e.Kind == "context" && e.Action == "create" && e.Context == made.ID:
			created = &all[i]
		case e.Kind == "context" && e.Action == "end" && e.Context == made.ID:
			ended = &all[i]
		}
	}
	for _, e := range []*entry{created, ended} {
		if e == nil || e.Key != "api-key" || e.Dialect != "native" || e.Sandbox != "default" || e.Language != "python" || e.Outcome != "ok" {
			t.Errorf("%+v in %s", e, raw)
		}
	}
	if e := find(t, all, "file", "download"); e.Detail != "file" || e.Out != int64(len(secret)) || e.Sandbox != "default" || e.Dialect != "daytona" {
		t.Errorf("%+v", e)
	}
	if bytes.Contains(raw, []byte(secret)) {
		t.Error("the log has what was in the file")
	}
}
