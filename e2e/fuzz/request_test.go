package fuzz_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// routes take a body or a query of the fuzzer's. They change nothing outside the
// server's own directories whatever that is; what does goes through [safe].
var routes = []string{
	"POST /api/sandbox", "GET /api/sandbox", "GET /api/sandbox/paginated", "PUT /api/sandbox/default/labels",
	"POST /api/sandbox/default/autostop/5", "GET /api/sandbox/default/ports/3000/preview-url",
	"POST /toolbox/default/process/execute", "POST /toolbox/default/process/code-run",
	"POST /toolbox/default/process/interpreter/context", "GET /toolbox/default/process/interpreter/context",
	"POST /toolbox/default/process/session", "POST /toolbox/default/process/session/s/exec",
	"POST /toolbox/default/process/session/s/command/c/input", "POST /toolbox/default/process/pty",
	"POST /toolbox/default/process/pty/p/resize", "POST /toolbox/default/env", "POST /toolbox/default/init",
	"GET /toolbox/default/files/search", "GET /toolbox/default/files/find", "POST /toolbox/default/files/bulk-download",
	"GET /toolbox/default/files/download", "GET /toolbox/default/files/info", "GET /toolbox/default/files",
	"POST /v1/contexts", "GET /v1/contexts", "POST /v1/contexts/default/executions", "POST /v1/contexts/default/complete",
	"POST /v1/contexts/default/inspect", "POST /v1/contexts/default/is_complete", "POST /v1/contexts/default/interrupt",
	"POST /v1/commands", "GET /v1/commands", "POST /v1/executions/x/input",
	"POST /e2b/execute", "POST /e2b/contexts", "GET /e2b/contexts", "POST /e2b/contexts/x/restart", "DELETE /e2b/contexts/x",
	"GET /api/socket.io/",
}

// FuzzRequest sends a body, or a query where there is none.
func FuzzRequest(f *testing.F) {
	for i, route := range routes {
		_ = route
		for _, text := range []string{
			``, `{}`, `[]`, `null`, `{"code":"1+1","language":"python","timeout":1}`,
			`{"command":"true","timeout":0.5,"envs":{"A":"b"},"cwd":"."}`, `{"name":"a","labels":{"x":"y"},"cpu":1}`,
			`{"id":"s","sessionId":"s","cols":80,"rows":24,"envs":{"A":1}}`, `{"paths":["a","b"]}`,
			`{"code":"input","stdin":true,"wait":true,"timeout_ms":100}`, `{"code":"x","cursor":99999999999}`,
			`path=.&pattern=*&limit=-1&page=1e9`, `EIO=4&transport=websocket`,
		} {
			f.Add(i, []byte(text))
		}
	}
	s := start(f)
	f.Fuzz(func(t *testing.T, n int, text []byte) {
		method, path, _ := strings.Cut(routes[((n%len(routes))+len(routes))%len(routes)], " ")
		if method == http.MethodGet {
			path, text = path+"?"+query(text), nil
		}
		s.check(t, s.send(t, method, path, "application/json", text), fmt.Sprintf("%s %q %q", method, path, text))
	})
}

// query makes a query of what may be none: what can't stand in an address is
// escaped, the rest stays as it is.
func query(text []byte) string {
	var b strings.Builder
	for _, c := range text {
		if c <= ' ' || c >= 0x7f || c == '#' {
			b.WriteString(url.QueryEscape(string([]byte{c})))
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

// FuzzUpload sends forms, well made and otherwise.
func FuzzUpload(f *testing.F) {
	const form = "multipart/form-data; boundary=B"
	for _, text := range []string{
		"--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nhello\r\n--B--\r\n",
		"--B\r\nContent-Disposition: form-data; name=\"files[0].path\"\r\n\r\na.txt\r\n--B\r\nContent-Disposition: form-data; name=\"files[0].file\"; filename=\"a\"\r\n\r\nhello\r\n--B--\r\n",
		"--B\r\nContent-Disposition: form-data; name=\"files[9].file\"; filename=\"a\"\r\n\r\nhello", "--B--", "",
	} {
		for i := range len(uploads) {
			f.Add(i, form, []byte(text))
		}
	}
	f.Add(0, "multipart/form-data", []byte("x"))
	f.Add(2, "application/octet-stream", []byte("x"))
	s := start(f)
	f.Fuzz(func(t *testing.T, n int, contentType string, text []byte) {
		if !safe(text) || strings.ContainsFunc(contentType, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		path := uploads[((n%len(uploads))+len(uploads))%len(uploads)]
		s.check(t, s.send(t, http.MethodPost, "/toolbox/default"+path, contentType, text), fmt.Sprintf("%s %q %q", path, contentType, text))
	})
}

var uploads = []string{
	"/files/upload?path=fuzzed", "/files/bulk-upload", "/files/upload-v2?path=fuzzed",
}

// safe reports that no path in a form leads out of the work directory.
func safe(text []byte) bool {
	return !bytes.Contains(text, []byte("/")) && !bytes.Contains(text, []byte("..")) && !bytes.Contains(text, []byte("~"))
}
