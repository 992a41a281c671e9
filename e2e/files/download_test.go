package files_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
)

func TestDownload(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	put(t, s, "f", "0123456789")
	put(t, s, "empty", "")
	c := connect(t, s)
	c.head("GET", "/files/download?path=f")
	modified := c.answer().header.Get("Last-Modified")
	for _, tc := range []struct {
		name, method, path, ranges, only string
		status                           int
		body, said                       string
	}{
		{"all", "GET", "f", "", "", 200, "0123456789", ""},
		{"only the head", "HEAD", "f", "", "", 200, "", ""},
		{"empty", "GET", "empty", "", "", 200, "", ""},
		{"some", "GET", "f", "bytes=2-4", "", 206, "234", "bytes 2-4/10"},
		{"from", "GET", "f", "bytes=7-", "", 206, "789", "bytes 7-9/10"},
		{"beyond", "GET", "f", "bytes=7-100", "", 206, "789", "bytes 7-9/10"},
		{"the last", "GET", "f", "bytes=-3", "", 206, "789", "bytes 7-9/10"},
		{"more than the last", "GET", "f", "bytes=-30", "", 206, "0123456789", "bytes 0-9/10"},
		{"nothing there", "GET", "f", "bytes=10-", "", 416, "", "bytes */10"},
		{"none of the last", "GET", "f", "bytes=-0", "", 416, "", "bytes */10"},
		{"of nothing", "GET", "empty", "bytes=0-", "", 416, "", "bytes */0"},
		{"several", "GET", "f", "bytes=0-1,3-4", "", 200, "0123456789", ""},
		{"nonsense", "GET", "f", "bytes=x", "", 200, "0123456789", ""},
		{"backwards", "GET", "f", "bytes=5-2", "", 200, "0123456789", ""},
		{"a huge number", "GET", "f", "bytes=99999999999999999999-", "", 200, "0123456789", ""},
		{"if it is the same", "GET", "f", "bytes=1-1", modified, 206, "1", "bytes 1-1/10"},
		{"if it was the same", "GET", "f", "bytes=1-1", "Mon, 02 Jan 2006 15:04:05 GMT", 200, "0123456789", ""},
		{"a directory", "GET", ".", "", "", 400, "", ""},
		{"nothing", "GET", "none", "", "", 404, "", ""},
	} {
		headers := []string{}
		if tc.ranges != "" {
			headers = append(headers, "Range: "+tc.ranges)
		}
		if tc.only != "" {
			headers = append(headers, "If-Range: "+tc.only)
		}
		c.head(tc.method, "/files/download?path="+tc.path, headers...)
		if tc.method == "HEAD" {
			resp, err := http.ReadResponse(c.in, &http.Request{Method: http.MethodHead})
			if err != nil {
				t.Fatal(err)
			}
			if _ = resp.Body.Close(); resp.StatusCode != http.StatusOK || resp.ContentLength != 10 {
				t.Errorf("%s: %v", tc.name, resp)
			}
			continue
		}
		a := c.answer()
		if a.status != tc.status || a.header.Get("Content-Range") != tc.said || a.status < 300 && a.body != tc.body {
			t.Errorf("%s: %d %q %s", tc.name, a.status, a.header.Get("Content-Range"), a.body)
		}
		if a.status < 300 && a.header.Get("Content-Type") != "application/octet-stream" {
			t.Errorf("%s: %v", tc.name, a.header)
		}
	}
	c.alive()
	idle(t, s)
}

// bundle asks for several files and returns what the parts of the answer are:
// name, file name, length and content.
func (c *client) bundle(paths ...string) ([][4]string, error) {
	c.t.Helper()
	ask, err := json.Marshal(map[string][]string{"paths": paths})
	if err != nil {
		c.t.Fatal(err)
	}
	c.head("POST", "/files/bulk-download", length(len(ask)))
	c.send(string(ask))
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || resp.StatusCode != http.StatusOK {
		c.t.Fatal(kind, err, resp.Status)
	}
	var parts [][4]string
	for form := multipart.NewReader(resp.Body, params["boundary"]); ; {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) && err.Error() == "EOF" {
			_, err = io.Copy(io.Discard, resp.Body)
			return parts, err
		} else if err != nil {
			return parts, err
		}
		_, params, _ := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
		all, err := io.ReadAll(part)
		if err != nil {
			return parts, err
		}
		parts = append(parts, [4]string{part.FormName(), params["filename"], part.Header.Get("Content-Length"), string(all)})
	}
}

func TestBulkDownload(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	large := strings.Repeat("0123456789abcdef\r\n--", 200_000)
	put(t, s, "large", large)
	put(t, s, "empty", "")
	put(t, s, `odd "name"\é`, "odd")
	if err := syscall.Mkfifo(work(s, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := connect(t, s)
	parts, err := c.bundle("large", "empty", "none", "./large", `odd "name"\é`, "fifo", "line\r\nbreak", "large")
	if err != nil {
		t.Fatal(err)
	}
	type want struct{ name, file, content string }
	for i, w := range []want{
		{"file", "large", large},
		{"file", "empty", ""},
		{"error", "none", "FILE_NOT_FOUND"},
		{"file", "./large", large},
		{"file", `odd "name"\é`, "odd"},
		{"error", "fifo", "INVALID_FILE_PATH"},
		{"error", "line\r\nbreak", "FILE_NOT_FOUND"},
		{"file", "large", large},
	} {
		p := parts[i]
		if p[0] != w.name || p[1] != w.file || p[2] != fmt.Sprint(len(p[3])) {
			t.Errorf("part %d is %q", i, p[:3])
		}
		if w.name == "file" && p[3] != w.content {
			t.Errorf("part %d has %d bytes", i, len(p[3]))
		}
		if w.name == "error" {
			var got struct {
				StatusCode                    int
				Code, Message, Source, Method string
				Path, Timestamp, Error        string
			}
			if err := json.Unmarshal([]byte(p[3]), &got); err != nil || got.Code != w.content || got.StatusCode < 400 ||
				got.Message == "" || got.Source != "DAYTONA_DAEMON" || got.Path == "" || got.Timestamp == "" || got.Error == "" {
				t.Errorf("part %d is %s: %v", i, p[3], err)
			}
		}
	}
	c.alive()
	for _, ask := range []string{"", "{}", `{"paths":[]}`, `{"paths":null}`, `{"paths":"x"}`, `[]`} {
		c.head("POST", "/files/bulk-download", length(len(ask)))
		c.send(ask)
		if a := c.answer(); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", ask, a.status, a.body)
		}
	}
	idle(t, s)
}

// size is more than all buffers between a server and a client hold.
const size = 24 << 20

// TestFilesThatChange while they are sent break nothing: what is appended isn't
// sent, and of what was cut off nothing is made up.
func TestFilesThatChange(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	put(t, s, "other", "other")
	for name, change := range map[string]func(f *os.File) error{
		"grows":   func(f *os.File) error { return f.Truncate(2 * size) },
		"shrinks": func(f *os.File) error { return f.Truncate(size / 2) },
		"goes":    func(f *os.File) error { return os.Remove(f.Name()) },
	} {
		for _, way := range []string{"alone", "with others"} {
			t.Run(name+" "+way, func(t *testing.T) {
				t.Parallel()
				path := strings.ReplaceAll(t.Name(), "/", "-")
				f, err := os.Create(work(s, path))
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if err := f.Truncate(size); err != nil {
					t.Fatal(err)
				}
				c := connect(t, s)
				if way == "alone" {
					c.head("GET", "/files/download?path="+strings.ReplaceAll(path, " ", "%20"))
				} else {
					ask := fmt.Sprintf(`{"paths":["other",%q,"other"]}`, path)
					c.head("POST", "/files/bulk-download", length(len(ask)))
					c.send(ask)
				}
				resp, err := http.ReadResponse(c.in, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				begun, err := io.ReadFull(resp.Body, make([]byte, 10_000)) // it has been opened
				if err != nil {
					t.Fatal(err)
				}
				if err := change(f); err != nil {
					t.Fatal(err)
				}
				rest, err := io.ReadAll(resp.Body)
				whole := err == nil && (way == "alone" && len(rest) == size-begun ||
					way != "alone" && len(rest) > size-begun && len(rest) < size && bytes.Contains(rest[size-begun:], []byte("\r\n\r\nother\r\n--")) && bytes.HasSuffix(rest, []byte("--\r\n")))
				if name == "shrinks" {
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("half a file passed for a whole one: %d bytes, %v", len(rest), err)
					}
				} else if !whole {
					t.Errorf("%d bytes, %v", len(rest), err)
				}
				if whole {
					c.alive()
				}
			})
		}
	}
	t.Cleanup(func() { idle(t, s) })
}

// TestClientsThatLeave while they are sent something, or don't take it.
func TestClientsThatLeave(t *testing.T) {
	s := testserver.Start(t, testserver.WithConfig(func(c *handlers.Config) { c.Stall = 100 * time.Millisecond }))
	put(t, s, "f", "")
	if err := os.Truncate(work(s, "f"), size); err != nil {
		t.Fatal(err)
	}
	const ask = `{"paths":["f","f"]}`
	for name, begin := range map[string]func(*client){
		"alone":       func(c *client) { c.head("GET", "/files/download?path=f") },
		"with others": func(c *client) { c.head("POST", "/files/bulk-download", length(len(ask))); c.send(ask) },
	} {
		t.Run(name+", leaves", func(t *testing.T) {
			c := connect(t, s)
			c.t = t
			begin(c)
			if _, err := io.ReadFull(c.in, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			if !s.Tools.Busy("default") {
				t.Error("the sandbox is not busy")
			}
			_ = c.conn.Close()
			idle(t, s)
		})
		t.Run(name+", reads nothing", func(t *testing.T) {
			c := connect(t, s)
			c.t = t
			begin(c)
			busy(t, s)
			idle(t, s) // after ten times the stall
		})
	}
}

// TestSearchesOfThoseWhoLeave end.
func TestSearchesOfThoseWhoLeave(t *testing.T) {
	s := testserver.Start(t)
	put(t, s, "f", strings.Repeat("x", 10_000))
	if err := os.Truncate(work(s, "f"), 1<<40); err != nil { // minutes to read
		t.Skip(err)
	}
	c := connect(t, s)
	c.head("GET", "/files/find?path=.&pattern=needle")
	busy(t, s)
	_ = c.conn.Close()
	idle(t, s)
	t.Run("and when the sandbox ends", func(t *testing.T) {
		c := connect(t, s)
		c.t = t
		c.head("GET", "/files/find?path=.&pattern=needle")
		busy(t, s)
		other := connect(t, s)
		other.head("POST", "/api/sandbox/default/stop", length(0))
		if a := other.answer(); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := c.answer(); a.status != http.StatusConflict || !strings.Contains(a.message(t), "stopped meanwhile") {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
}

func TestWhatIsLeftOutIsSaid(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	put(t, s, "bin", "x\x00")
	put(t, s, "many", strings.Repeat("x\n", 10_001))
	put(t, s, "odd\xffname", "y")
	get := func(path string) answer {
		c := connect(t, s)
		c.head("GET", path)
		a := c.answer()
		c.alive()
		if !utf8.ValidString(a.body) || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: not JSON: %.100q", path, a.body)
		}
		return a
	}
	a := get("/files/find?path=.&pattern=x")
	if a.status != 200 || a.header.Get("X-Hotcell-Truncated") != "there are more than 10000 matches" || a.header.Get("X-Hotcell-Skipped") != "binary=1" {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a = get("/files/find?path=.&pattern=y"); a.header.Get("X-Hotcell-Truncated") != "" || !strings.Contains(a.body, `odd`) {
		t.Errorf("%s %v", a.body, a.header)
	}
	if a = get("/files"); a.status != 200 || strings.Count(a.body, `"name"`) != 3 {
		t.Errorf("%s", a.body)
	}
	if a = get("/files?depth=0"); a.status != http.StatusBadRequest {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a = get("/files/search?path=.&pattern=*"); strings.Contains(a.body, "truncated") {
		t.Errorf("%s", a.body)
	}
	// A name that isn't UTF-8 is still reached by its bytes.
	if a = get("/files/info?path=odd%FFname"); a.status != 200 || !strings.Contains(a.body, `"size":1`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	for _, path := range []string{"/files/info", "/files/find?path=.", "/files/search?path=.&pattern=", "/files/download", "/files/nowhere"} {
		if a = get(path); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

// TestEveryAddress of the toolbox has the file API, for those who may use it.
func TestEveryAddress(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	put(t, s, "f", "content")
	token, err := s.Sandboxes.Token("default")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		path, header string
		status       int
	}{
		{"/toolbox/default/files/download?path=f", "", 200},
		{"/api/toolbox/default/toolbox/files/download?path=f", "", 200},
		{"/files/download?path=f", "", 200},
		{"/files/download?path=f", "Authorization: x\r\nX-Daytona-Preview-Token: " + token, 200},
		{"/files/download?path=f&DAYTONA_SANDBOX_AUTH_KEY=" + token, "Authorization: x", 200},
		{"/toolbox/default/files/download?path=f", "Authorization: x", 401},
		{"/files/download?path=f", "Authorization: x", 401},
	} {
		c := connect(t, s)
		if tc.header == "" {
			c.head("GET", tc.path)
		} else {
			c.head("GET", tc.path, tc.header)
		}
		if a := c.answer(); a.status != tc.status || a.status == 200 && a.body != "content" {
			t.Errorf("%s %s: %d %s", tc.path, tc.header, a.status, a.body)
		}
	}
}
