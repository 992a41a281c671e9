package files_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
	"hotcell/handlers/body"
)

const boundary = "0123456789"

// form is a form with a file.
func form(fields ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		name, filename, _ := strings.Cut(fields[i], " ")
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=\"%s\"", boundary, name)
		if filename != "" {
			fmt.Fprintf(&b, "; filename=\"%s\"\r\nContent-Type: application/octet-stream", filename)
		}
		fmt.Fprintf(&b, "\r\n\r\n%s\r\n", fields[i+1])
	}
	return b.String() + "--" + boundary + "--\r\n"
}

const formType = "Content-Type: multipart/form-data; boundary=" + boundary

func length(n int) string { return fmt.Sprintf("Content-Length: %d", n) }

const chunked = "Transfer-Encoding: chunked"

// TestLargeBodies are refused wherever they aren't uploads, by an answer that
// arrives although the client reads it only when it has sent all. The server is the
// real program: under the race detector each of them takes a second.
func TestLargeBodies(t *testing.T) {
	p := program.Start(t, "--isolation", string(testserver.UsualMode()))
	piece := bytes.Repeat([]byte(" "), 1<<20)
	framed := fmt.Appendf(nil, "%x\r\n%s\r\n", len(piece), piece)
	ways := map[string]func(c *client, method, path string){
		"in one": func(c *client, method, path string) {
			c.head(method, path, length(body.Limit+1))
			for range body.Limit >> 20 {
				c.sendBytes(piece)
			}
			c.send(" ")
		},
		"in chunks": func(c *client, method, path string) {
			c.head(method, path, chunked)
			for range body.Limit>>20 + 1 {
				c.sendBytes(framed)
			}
			c.chunk("")
		},
	}
	for _, tc := range []struct{ method, path, way string }{
		{"POST", "/api/sandbox", "in one"},
		{"POST", "/api/sandbox", "in chunks"},
		{"POST", "/api/sandbox/default/stop", "in chunks"},
		{"POST", "/toolbox/default/process/interpreter/context", "in one"},
		{"POST", "/toolbox/default/files/replace", "in chunks"},
		{"DELETE", "/toolbox/default/files", "in one"},
		{"POST", "/api/toolbox/default/toolbox/files/folder", "in chunks"},
		{"POST", "/files/bulk-download", "in one"},
		{"POST", "/v1/contexts", "in one"},
		{"POST", "/v1/contexts", "in chunks"},
		// Where nobody wants it, it isn't read.
		{"GET", "/toolbox/default/files/upload", "in chunks"},
		{"POST", "/v1/nowhere", "in chunks"},
	} {
		t.Run(tc.method+tc.path+" "+tc.way, func(t *testing.T) {
			c := connectTo(t, p.URL, p.Key)
			ways[tc.way](c, tc.method, tc.path)
			a := c.answer()
			status, words := http.StatusRequestEntityTooLarge, "67108864"
			if strings.HasSuffix(tc.path, "/nowhere") || tc.method == http.MethodGet {
				status, words = http.StatusNotFound, "no address"
			}
			if a.status != status || !strings.Contains(a.body, words) || !a.close {
				t.Errorf("%d %s %v", a.status, a.body, a.close)
			}
			c.over()
		})
	}
	c := connectTo(t, p.URL, p.Key)
	c.head("GET", "/api/sandbox/default")
	if a := c.answer(); a.status != http.StatusOK || !strings.Contains(a.body, `"state":"started"`) {
		t.Errorf("a refused request did something: %d %s", a.status, a.body)
	}
}

// TestBodyOfTheLimit is taken, and the connection goes on.
func TestBodyOfTheLimit(t *testing.T) {
	c := connect(t, testserver.Start(t))
	piece := strings.Repeat(" ", 1<<20)
	c.head("POST", "/toolbox/default/files/bulk-download", chunked)
	for range body.Limit>>20 - 1 {
		c.chunk(piece)
	}
	c.chunk(piece[:1<<20-12])
	c.chunk(`{"paths":[]}`)
	c.chunk("")
	if a := c.answer(); a.status != http.StatusBadRequest || !strings.Contains(a.body, "paths must name") || a.close {
		t.Errorf("%d %s %v", a.status, a.body, a.close)
	}
	c.alive()
}

// TestNobodysBody isn't waited for.
func TestNobodysBody(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, tc := range map[string]struct {
		headers []string
		status  int
	}{
		"no key":        {[]string{"Authorization: none"}, http.StatusUnauthorized},
		"a wrong key":   {[]string{"Authorization: Bearer no"}, http.StatusUnauthorized},
		"a wrong token": {[]string{"Authorization: none", "X-Daytona-Preview-Token: no"}, http.StatusUnauthorized},
		"another site":  {[]string{"Origin: https://evil.example"}, http.StatusForbidden},
	} {
		for _, path := range []string{"/api/sandbox", "/v1/contexts", "/toolbox/default/files/upload-v2?path=x", "/files/bulk-upload"} {
			for _, size := range []string{length(1000), length(1 << 40), chunked} {
				t.Run(name+path+size, func(t *testing.T) {
					t.Parallel()
					c := connect(t, s)
					c.head("POST", path, append([]string{size}, tc.headers...)...)
					c.send("1")
					if a := c.answer(); a.status != tc.status || !a.close {
						t.Errorf("%d %s %v", a.status, a.body, a.close)
					}
					c.over()
				})
			}
		}
	}
}

// TestWhatIsLeftOfABody is never taken for a request, and ends the connection
// only when there is much of it.
func TestWhatIsLeftOfABody(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	put(t, s, "dir/f", "")
	const another = "DELETE /toolbox/default/files?path=dir&recursive=true HTTP/1.1\r\nHost: localhost\r\n"
	smuggled := another + "Authorization: Bearer " + s.Key + "\r\n\r\n"
	for name, tc := range map[string]struct {
		method, path string
		headers      []string
		size         int
		status       int
		close        bool
	}{
		"without a key":               {"POST", "/api/sandbox", []string{"Authorization: none"}, 1000, 401, false},
		"without a key, large":        {"POST", "/api/sandbox", []string{"Authorization: none"}, 1 << 20, 401, true},
		"where nobody reads it":       {"GET", "/health", nil, 1000, 200, false},
		"where nobody reads it,large": {"GET", "/health", nil, 1 << 20, 200, true},
		"a method that isn't one":     {"BREW", "/health", nil, 1000, 400, false},
		"an address that isn't one":   {"POST", "/nowhere", nil, 1 << 20, 404, true},
		"an upload onto a directory":  {"POST", "/files/upload-v2?path=dir", nil, 1000, 400, false},
		"a large one":                 {"POST", "/files/upload-v2?path=dir", nil, 1 << 20, 400, true},
		"an upload without a path":    {"POST", "/files/upload", nil, 200_000, 400, false},
		"a compressed one":            {"POST", "/files/upload-v2?path=x", []string{"Content-Encoding: gzip"}, 1000, 415, false},
		"a compressed request":        {"POST", "/v1/contexts", []string{"Content-Encoding: br"}, 1000, 415, false},
	} {
		for _, in := range []string{"one", "chunks"} {
			t.Run(name+" in "+in, func(t *testing.T) {
				t.Parallel()
				c := connect(t, s)
				filler := strings.Repeat(smuggled, tc.size/len(smuggled)+1)
				if in == "one" {
					c.head(tc.method, tc.path, append([]string{length(len(filler))}, tc.headers...)...)
					c.send(filler)
				} else {
					c.head(tc.method, tc.path, append([]string{chunked}, tc.headers...)...)
					for part := range strings.SplitAfterSeq(filler, "\r\n\r\n") {
						if part != "" {
							c.chunk(part)
						}
					}
					c.chunk("")
				}
				a := c.answer()
				if a.status != tc.status || a.close != tc.close {
					t.Errorf("%d %s, close %v", a.status, a.body, a.close)
				}
				if a.close {
					c.over()
				} else {
					c.alive()
				}
			})
		}
	}
	t.Cleanup(func() { holds(t, s, "dir") })
}

// TestMalformedChunks end the connection: nobody knows where the next request
// begins.
func TestMalformedChunks(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, tail := range map[string]string{
		"no size": "\r\nrest\r\n0\r\n\r\n", "not a size": "zz\r\nrest\r\n0\r\n\r\n",
		"longer than said": "1\r\nrest\r\n0\r\n\r\n", "a huge size": "ffffffffffffffffff\r\n",
	} {
		for _, path := range []string{"/files/upload-v2?path=x", "/files/replace"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				c := connect(t, s)
				c.head("POST", path, chunked)
				c.chunk("good")
				c.send(tail)
				if a := c.answer(); a.status != http.StatusBadRequest || !strings.Contains(a.message(t), "chunks") || !a.close {
					t.Errorf("%d %s %v", a.status, a.body, a.close)
				}
				c.over()
			})
		}
	}
	t.Cleanup(func() { holds(t, s) })
}
