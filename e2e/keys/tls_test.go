package keys_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
	"hotcell/e2e/testserver/authority"
	"hotcell/handlers"
	"hotcell/handlers/secure"
)

// secured is a server with TLS, and a client that trusts it.
func secured(t *testing.T, opts ...testserver.Option) (client, *authority.Authority) {
	t.Helper()
	ca := authority.New(t)
	certFile, keyFile := ca.Files(t, "cells.example.org")
	cert, err := secure.Open(secure.Files{Cert: certFile, Key: keyFile})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cert.Close() })
	s := testserver.Start(t, append(opts, testserver.WithConfig(func(c *handlers.Config) {
		c.TLS, c.AllowedHosts = cert.Config(), cert.Names()
	}))...)
	return client{s: s, key: s.Key, tls: ca.Client()}, ca
}

// TestTLS: everything that goes over plain connections goes over these.
func TestTLS(t *testing.T) {
	t.Parallel()
	c, _ := secured(t)
	made := c.ask(t, "POST", "/api/sandbox", obj{})
	if made.status != http.StatusOK || made.json(t)["toolboxProxyUrl"] != c.s.URL+"/toolbox" || !strings.HasPrefix(c.s.URL, "https://") {
		t.Errorf("%+v", made)
	}
	t.Run("native WebSocket", func(t *testing.T) {
		t.Parallel()
		conn, _ := c.dial(t, "/v1/ws")
		// Short ones are sent in one piece where that is possible, long ones never.
		for range 20 {
			say(t, conn, obj{"id": 1, "type": "execute", "language": "javascript", "code": "6 * 7"})
			var all string
			hear(t, conn, func(msg string) bool { all += msg; return strings.Contains(all, `"done"`) })
			if !strings.Contains(all, `"text/plain":"42"`) {
				t.Errorf("%s", all)
			}
		}
		say(t, conn, obj{"id": 2, "type": "execute", "language": "javascript", "code": `process.stdout.write("x".repeat(8 << 20)), undefined`})
		total := 0
		for over := false; !over; {
			_, msg, err := conn.ReadMessage()
			if err != nil {
				t.Fatal(err)
			}
			var m struct {
				Events []struct{ Type, Text, State string }
			}
			if err := json.Unmarshal(msg, &m); err != nil {
				t.Fatal(err)
			}
			for _, e := range m.Events {
				total += len(e.Text)
				over = over || e.State == "done"
			}
		}
		if total != 8<<20 {
			t.Errorf("%d bytes came", total)
		}
	})
	t.Run("files", func(t *testing.T) {
		t.Parallel()
		content := strings.Repeat("0123456789abcdef", 1<<18)
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, c.s.URL+"/files/upload?path=big", strings.NewReader(
			"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"big\"\r\n\r\n"+content+"\r\n--b--\r\n"))
		req.Header.Set("Authorization", "Bearer "+c.key)
		req.Header.Set("Content-Type", "multipart/form-data; boundary=b")
		resp, err := c.http().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got := c.ask(t, "GET", "/files/download?path=big", nil); resp.StatusCode != http.StatusOK || got.body != content {
			t.Errorf("uploaded with %d, %d bytes came back with %d", resp.StatusCode, len(got.body), got.status)
		}
	})
	t.Run("no key", func(t *testing.T) {
		t.Parallel()
		if got := (client{s: c.s, tls: c.tls}).ask(t, "POST", "/v1/contexts", obj{"language": strings.Repeat("x", 1<<20)}); got.status != http.StatusUnauthorized {
			t.Errorf("%+v", got)
		}
	})
}

// TestTLSHangUp: a client of E2B's that leaves ends its execution here too, where its
// goodbye looks like something that it sends.
func TestTLSHangUp(t *testing.T) {
	t.Parallel()
	c, _ := secured(t)
	resp, err := c.http().Do(c.request(t, "POST", "/e2b/execute", obj{"language": "javascript", "code": "console.log('begun'); " + forever}))
	if err != nil {
		t.Fatal(err)
	}
	body := bufio.NewReader(resp.Body)
	for line := ""; !strings.Contains(line, "begun"); {
		if line, err = body.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	left := time.Now()
	_ = resp.Body.Close() // which closes the connection
	soon(t, func() bool {
		status := c.ask(t, "GET", "/v1/status", nil).json(t)
		return status["contexts"].(obj)["busy"] == 0.0
	})
	if took := time.Since(left); took > 3*time.Second { // a keep-alive line would show it after 5
		t.Errorf("it took %s", took)
	}
}

// TestTLSRequestsInARow: what was read ahead while an answer was sent is the next request.
func TestTLSRequestsInARow(t *testing.T) {
	t.Parallel()
	c, _ := secured(t)
	h := &http.Client{Transport: &http.Transport{TLSClientConfig: c.tls, MaxConnsPerHost: 1}}
	defer h.CloseIdleConnections()
	for range 20 {
		resp, err := h.Do(c.request(t, "POST", "/e2b/execute", obj{"language": "javascript", "code": "6 * 7"}))
		if err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !strings.Contains(string(all), `"text": "42"`) && !strings.Contains(string(all), `"text":"42"`) {
			t.Fatalf("%s %v", all, err)
		}
	}
}

// TestTLSWithSDKs: a private authority is all that they need to be told.
func TestTLSWithSDKs(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"tls.py", "tls.mjs"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			c, ca := secured(t)
			out, errs, err := testserver.Script(t, file, reports(t),
				"DAYTONA_API_URL="+c.s.APIURL, "DAYTONA_API_KEY="+c.key,
				"E2B_DEBUG=true", "E2B_SANDBOX_URL="+c.s.E2BURL,
				"SSL_CERT_FILE="+ca.File, "NODE_EXTRA_CA_CERTS="+ca.File)
			testserver.Subtests(t, out, errs, err)
		})
	}
}
