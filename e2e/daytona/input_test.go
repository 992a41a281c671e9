package daytona_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
)

// refusedMessages has everything that isn't a request, or asks for what
// cannot be. Each gets its close code with words, and the words in a chunk too.
func refusedMessages(t *testing.T, s *testserver.Server) {
	t.Helper()
	for _, tc := range []struct {
		name, msg string
		code      int
		words     string
	}{
		{"nothing", ``, 1002, "not JSON"},
		{"garbage", `\x00\xffgarbage`, 1002, "not JSON"},
		{"half an object", `{"code":`, 1002, "not JSON"},
		{"array", `[]`, 1002, "must be a JSON object, not array"},
		{"number", `5`, 1002, "must be a JSON object, not number"},
		{"string", `"print(1)"`, 1002, "must be a JSON object, not string"},
		{"null", `null`, 1002, "must be a JSON object, not null"},
		{"empty object", `{}`, 1008, "code is required"},
		{"empty code", `{"code":""}`, 1008, "code is required"},
		{"null code", `{"code":null}`, 1008, "code is required"},
		{"code is a number", `{"code":5}`, 1002, "code must be a string"},
		{"contextId is a number", `{"code":"1","contextId":7}`, 1002, "contextId must be a string"},
		{"unknown context", `{"code":"1","contextId":"nope"}`, 1008, "context not found: nope"},
		{"envs is an array", `{"code":"1","envs":["A"]}`, 1002, "envs must be an object of strings"},
		{"env value is a number", `{"code":"1","envs":{"A":1}}`, 1002, "envs must be an object of strings"},
		{"env name with =", `{"code":"1","envs":{"A=B":"c"}}`, 1008, "A=B"},
		{"env name with NUL", `{"code":"1","envs":{"A\u0000B":"c"}}`, 1008, "NUL"},
		{"env value with NUL", `{"code":"1","envs":{"A":"c\u0000"}}`, 1008, "NUL"},
		{"empty env name", `{"code":"1","envs":{"":"c"}}`, 1008, "empty name"},
		{"timeout is a word", `{"code":"1","timeout":"soon"}`, 1008, "timeout must be a number"},
		{"timeout is an array", `{"code":"1","timeout":[1]}`, 1008, "timeout must be a number"},
		{"timeout is true", `{"code":"1","timeout":true}`, 1008, "timeout must be a number"},
		{"timeout is negative", `{"code":"1","timeout":-0.5}`, 1008, "negative"},
		{"timeout is very negative", `{"code":"1","timeout":-1e400}`, 1008, "negative"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for _, source := range []string{"", "sdk-python", "sdk-ruby"} {
				e := runAs(t, s, source, []byte(tc.msg))
				if e.code != tc.code || !strings.Contains(e.reason, tc.words) {
					t.Errorf("%s: closed with %d %q, want %d with %q", source, e.code, e.reason, tc.code, tc.words)
				}
				if c := e.one(t, "error"); !strings.Contains(c.Value, tc.words) || c.Name == "" {
					t.Errorf("%s: error chunk %+v", source, c)
				}
				if e.has("control") != (source == "sdk-ruby") {
					t.Errorf("%s: chunks %+v", source, e.chunks)
				}
			}
		})
	}
}

// acceptedMessages has what looks odd and is fine.
func acceptedMessages(t *testing.T, s *testserver.Server) {
	t.Helper()
	for _, tc := range []struct{ name, msg, stdout, fault string }{
		{"empty context id", `{"code":"print(1)","contextId":""}`, "1\n", ""},
		{"null context id", `{"code":"print(1)","contextId":null}`, "1\n", ""},
		{"default by name", `{"code":"print(1)","contextId":"default"}`, "1\n", ""},
		{"null members", `{"code":"print(1)","envs":null,"timeout":null}`, "1\n", ""},
		{"unknown members", `{"code":"print(1)","later":[{}]}`, "1\n", ""},
		{"fractional timeout", `{"code":"print(1)","timeout":30.5}`, "1\n", ""},
		{"no timeout", `{"code":"print(1)","timeout":0}`, "1\n", ""},
		{"negative zero", `{"code":"print(1)","timeout":-0.0}`, "1\n", ""},
		{"huge timeout", `{"code":"print(1)","timeout":1e30}`, "1\n", ""},
		{"infinite timeout", `{"code":"print(1)","timeout":1e400}`, "1\n", ""},
		{"blank code", `{"code":"  \n"}`, "", ""},
		{"CRLF", `{"code":"x = 1\r\nif x:\r\n    print('crlf')\r\n"}`, "crlf\n", ""},
		{"NUL in code", `{"code":"print(1)\u0000"}`, "", "Error"},
		{"lone surrogate", `{"code":"print(len('\ud800'))"}`, "1\n", ""},
		{"invalid UTF-8", "{\"code\":\"print(len('\xff'))\"}", "1\n", ""},
		{"environment", `{"code":"import os; print(os.environ['HC_Ä'])","envs":{"HC_Ä":"=;\n"}}`, "=;\n\n", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := run(t, s, []byte(tc.msg))
			if e.code != 1000 || e.text("stdout") != tc.stdout {
				t.Errorf("%d %q, stdout %q, want %q", e.code, e.reason, e.text("stdout"), tc.stdout)
			}
			if c := e.one(t, "control"); c.Text != "completed" {
				t.Errorf("control %q", c.Text)
			}
			if tc.fault == "" && e.has("error") {
				t.Errorf("error %+v", e.one(t, "error"))
			}
			if tc.fault != "" && !strings.Contains(e.one(t, "error").Name, tc.fault) {
				t.Errorf("error %+v", e.one(t, "error"))
			}
		})
	}
}

func binaryRequest(t *testing.T, s *testserver.Server) {
	t.Helper()
	conn := dial(t, s, "default", nil)
	if err := conn.WriteMessage(websocket.BinaryMessage, []byte(`{"code":"print(1)"}`)); err != nil {
		t.Fatal(err)
	}
	if e := finish(t, conn); e.text("stdout") != "1\n" || e.code != 1000 {
		t.Errorf("%+v", e)
	}
}

func tooLargeRequest(t *testing.T, s *testserver.Server) {
	t.Helper()
	conn := dial(t, s, "default", nil)
	go func() { // ends when all is sent or the server has closed
		_ = conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte(" "), 64<<20+1))
	}()
	if e := finish(t, conn); e.code != 1009 || !strings.Contains(e.reason, "too large") {
		t.Errorf("closed with %d %q", e.code, e.reason)
	}
	if e := run(t, s, obj{"code": "print(1)"}); e.text("stdout") != "1\n" {
		t.Errorf("the server was hurt: %+v", e)
	}
}

func tooLargeBody(t *testing.T, s *testserver.Server) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/api/sandbox", bytes.NewReader(make([]byte, 64<<20+1)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Second}}
	resp, err := client.Do(req)
	if err != nil {
		// The server answered and closed while the body was still being sent.
		t.Logf("the upload was cut: %v", err)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", resp.StatusCode)
	}
}

func TestSilentClient(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithConfig(func(c *handlers.Config) { c.FirstWait = 300 * time.Millisecond }))
	e := finish(t, dial(t, s, "default", nil))
	if e.code != 1008 || !strings.Contains(e.reason, "no request arrived within 300ms") {
		t.Errorf("closed with %d %q", e.code, e.reason)
	}
}

func largeCode(t *testing.T, s *testserver.Server) {
	t.Helper()
	e := run(t, s, obj{"code": "s = '" + strings.Repeat("é", 2_500_000) + "'\nprint(len(s))"})
	if e.text("stdout") != "2500000\n" {
		t.Errorf("%.300v", e)
	}
}
