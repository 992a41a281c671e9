package files_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
	"hotcell/handlers"
	"hotcell/sandboxes"
)

func TestUploads(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	large := strings.Repeat("0123456789abcdef\r\n--012345678", 100_000) // almost boundaries
	for name, tc := range map[string]struct {
		path    string
		headers []string
		body    string
		want    string
	}{
		"raw":                     {"upload-v2", nil, large, large},
		"raw and empty":           {"upload-v2", nil, "", ""},
		"raw, with a type":        {"upload-v2", []string{"Content-Type: application/json"}, `{"a":1}`, `{"a":1}`},
		"a form":                  {"upload-v2", []string{formType}, form("file x.bin", large), large},
		"a form, the old way":     {"upload", []string{formType}, form("file x.bin", large), large},
		"a form with more":        {"upload", []string{formType}, form("note", "n", "file x", "f", "more", "m"), "f"},
		"a field for a file":      {"upload", []string{formType}, form("file", "text"), "text"},
		"a form with an odd name": {"upload", []string{formType}, form(`file a"b.txt`, "f"), "f"},
		"an epilogue":             {"upload", []string{formType}, form("file x", "f") + strings.Repeat("e", 100_000), "f"},
		"a preamble":              {"upload", []string{formType}, "pre\r\n" + form("file x", "f"), "f"},
		"expected first":          {"upload-v2", []string{"Expect: 100-continue"}, large, large},
	} {
		for _, in := range []string{"one", "chunks"} {
			t.Run(name+" in "+in, func(t *testing.T) {
				t.Parallel()
				c := connect(t, s)
				file := strings.ReplaceAll(t.Name(), "/", "-")
				address := "/toolbox/default/files/" + tc.path + "?path=up/" + strings.ReplaceAll(file, ",", "%2C")
				if in == "one" {
					c.head("POST", address, append(tc.headers, length(len(tc.body)))...)
					c.send(tc.body)
				} else {
					c.head("POST", address, append(tc.headers, chunked)...)
					for i := 0; i < len(tc.body); i += 100_003 {
						c.chunk(tc.body[i:min(len(tc.body), i+100_003)])
					}
					c.chunk("")
				}
				a := c.answer()
				var got struct{ Name, Path, Type string }
				if err := json.Unmarshal([]byte(a.body), &got); a.status != http.StatusOK || err != nil || got.Path != work(s, "up", file) || got.Name != file {
					t.Errorf("%d %s %v", a.status, a.body, err)
				}
				if got := content(t, s, "up/"+file); got != tc.want {
					t.Errorf("%d bytes were stored, want %d", len(got), len(tc.want))
				}
				c.alive()
			})
		}
	}
}

func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, tc := range map[string]struct {
		address string
		headers []string
		body    string
		status  int
		words   string
	}{
		"no file":               {"upload?path=x", []string{formType}, form("other o", "x", "field", "y"), 400, `its parts are: "other", "field"`},
		"an empty form":         {"upload?path=x", []string{formType}, "--" + boundary + "--\r\n", 400, "its parts are: none"},
		"two files":             {"upload?path=x", []string{formType}, form("file a", "1", "file b", "2"), 400, "more than one"},
		"no boundary":           {"upload?path=x", []string{"Content-Type: multipart/form-data"}, "x", 400, "no boundary"},
		"another boundary":      {"upload?path=x", []string{"Content-Type: multipart/form-data; boundary=other"}, form("file x", "1"), 400, "closing boundary"},
		"no closing boundary":   {"upload?path=x", []string{formType}, strings.TrimSuffix(form("file x", "1"), "--\r\n"), 400, ""},
		"cut off in the file":   {"upload?path=x", []string{formType}, form("file x", "1234567")[:128], 400, "closing boundary"},
		"no form":               {"bulk-upload", nil, "x", 400, "multipart/form-data"},
		"no files":              {"bulk-upload", []string{formType}, form("note", "x"), 400, "no files"},
		"a path too long":       {"upload-v2?path=" + strings.Repeat("d/", 3000), nil, "x", 400, "longer than 4095"},
		"a NUL":                 {"upload-v2?path=a%00b", nil, "x", 400, "NUL"},
		"no path in the query":  {"upload-v2", nil, "x", 400, "path is missing"},
		"a bad percent in path": {"upload-v2?path=", nil, "x", 400, "path is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, s)
			c.head("POST", "/toolbox/default/files/"+tc.address, append(tc.headers, length(len(tc.body)))...)
			c.send(tc.body)
			if a := c.answer(); a.status != tc.status || !strings.Contains(a.message(t), tc.words) {
				t.Errorf("%d %s", a.status, a.body)
			}
			c.alive()
		})
	}
	t.Cleanup(func() { holds(t, s) })
}

func TestBulkUpload(t *testing.T) {
	s := testserver.Start(t)
	if err := os.MkdirAll(work(s, "dir"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(work(s, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Own(t, "default")
	type stored struct {
		Path  string
		Bytes int
	}
	type result struct {
		Files  []stored
		Errors []string
		Code   string
	}
	for _, tc := range []struct {
		name   string
		fields []string
		status int
		want   result
	}{
		{
			"in the order of the SDKs",
			[]string{"files[0].path", "a", "files[0].file a", "1", "files[1].path", "sub/b", "files[1].file b", "22"},
			200,
			result{Files: []stored{{"a", 1}, {"sub/b", 2}}},
		},
		{
			"paths first",
			[]string{"files[0].path", "c", "files[1].path", "d", "files[1].file d", "22", "files[0].file c", "1", "note", "x"},
			200,
			result{Files: []stored{{"d", 2}, {"c", 1}}},
		},
		{
			"a directory, a FIFO and a good one",
			[]string{"files[0].path", "dir", "files[0].file", "1", "files[1].path", "fifo", "files[1].file f", "1", "files[2].path", "e", "files[2].file e", ""},
			400,
			result{Files: []stored{{"e", 0}}, Errors: []string{`"dir": it is a directory: give the path of the file in it`, `"fifo": it is a FIFO, which is not written to`}, Code: "INVALID_FILE_PATH"},
		},
		{
			"a file before its path",
			[]string{"files[0].file f", "1", "files[0].path", "f", "files[1].path", "g", "files[1].file g", "2"},
			400,
			result{Files: []stored{{"g", 1}}, Errors: []string{`"files[0].file": files[0].path must come before files[0].file, and didn't`}, Code: "BAD_REQUEST"},
		},
		{
			"a path without a file",
			[]string{"files[0].path", "h", "files[1].path", "i", "files[1].file i", "2"},
			400,
			result{Files: []stored{{"i", 1}}, Errors: []string{`"h": files[0].path has no part files[0].file after it`}, Code: "BAD_REQUEST"},
		},
		{
			"twice",
			[]string{"files[0].path", "j", "files[0].path", "k", "files[0].file j", "1", "files[0].file j", "2"},
			400,
			result{Files: []stored{{"j", 1}}, Errors: []string{`"k": files[0].path is there twice`, `"j": files[0].file is there twice`}, Code: "BAD_REQUEST"},
		},
		{
			"other names",
			[]string{"file l", "1", "files[x].file", "1", "files[0].path", "m", "files[0].file m", "3"},
			400,
			result{Files: []stored{{"m", 1}}, Errors: []string{`"file": a file's part must be named files[0].file, files[1].file and so on, not "file"`}, Code: "BAD_REQUEST"},
		},
		{
			"an empty path",
			[]string{"files[0].path", "", "files[0].file m", "3"},
			400,
			result{Files: []stored{}, Errors: []string{`"": the path is empty`}, Code: "INVALID_FILE_PATH"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := connect(t, s)
			c.t = t
			body := form(tc.fields...)
			c.head("POST", "/files/bulk-upload", formType, length(len(body)))
			c.send(body)
			a := c.answer()
			var got result
			if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != tc.status {
				t.Fatalf("%d %s %v", a.status, a.body, err)
			}
			for i := range tc.want.Files {
				tc.want.Files[i].Path = work(s, tc.want.Files[i].Path)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if tc.status != 200 && !strings.Contains(a.message(t), tc.want.Errors[0]) {
				t.Errorf("message %s", a.message(t))
			}
			c.alive()
		})
	}
	holds(t, s, "a", "c", "d", "dir", "e", "fifo", "g", "i", "j", "m", "sub")
}

// TestUploadsThatEndEarly leave nothing, whatever way the client goes.
func TestUploadsThatEndEarly(t *testing.T) {
	s := testserver.Start(t)
	put(t, s, "f", "old")
	open := strings.TrimSuffix(form("file x", "half of a file"), "\r\n--"+boundary+"--\r\n")
	for name, begin := range map[string]func(*client){
		"raw":                       func(c *client) { c.head("POST", "/files/upload-v2?path=f", length(100)); c.send("half of it") },
		"raw, in chunks":            func(c *client) { c.head("POST", "/files/upload-v2?path=f", chunked); c.send("64\r\nhalf") },
		"raw, between chunks":       func(c *client) { c.head("POST", "/files/upload-v2?path=f", chunked); c.chunk("half") },
		"raw, in a chunk's size":    func(c *client) { c.head("POST", "/files/upload-v2?path=f", chunked); c.chunk("half"); c.send("6") },
		"raw, before the last line": func(c *client) { c.head("POST", "/files/upload-v2?path=f", chunked); c.chunk("half"); c.send("0\r\n") },
		"a form":                    func(c *client) { c.head("POST", "/files/upload?path=f", formType, length(10_000)); c.send(open) },
		"a form, in chunks":         func(c *client) { c.head("POST", "/files/upload?path=f", formType, chunked); c.chunk(open) },
		"a form, before its last line": func(c *client) {
			c.head("POST", "/files/upload?path=f", formType, chunked)
			c.chunk(open + "\r\n--" + boundary)
		},
		"several": func(c *client) {
			c.head("POST", "/files/bulk-upload", formType, chunked)
			c.chunk(strings.TrimSuffix(form("files[0].path", "new/g", "files[0].file g", "half"), "\r\n--"+boundary+"--\r\n"))
		},
	} {
		for end, leave := range map[string]func(*client){
			"closes": func(c *client) { _ = c.conn.Close() },
			"resets": func(c *client) { _ = c.conn.(interface{ SetLinger(int) error }).SetLinger(0); _ = c.conn.Close() },
			"closes its side": func(c *client) {
				_ = c.conn.(interface{ CloseWrite() error }).CloseWrite()
				if a := c.answer(); a.status != http.StatusBadRequest || !a.close {
					t.Errorf("%d %s", a.status, a.body)
				}
			},
		} {
			t.Run(name+", and "+end, func(t *testing.T) {
				c := connect(t, s)
				c.t = t
				begin(c)
				busy(t, s)
				leave(c)
				idle(t, s)
				holds(t, s, "f")
				if got := content(t, s, "f"); got != "old" {
					t.Errorf("content %q", got)
				}
			})
		}
	}
}

// TestStall cuts an upload that stands still, and none that goes on.
func TestStall(t *testing.T) {
	t.Parallel()
	const stall = time.Second
	s := testserver.Start(t, testserver.WithConfig(func(c *handlers.Config) { c.Stall = stall }))
	for name, begin := range map[string]func(*client){
		"raw":    func(c *client) { c.head("POST", "/files/upload-v2?path=raw/f", length(100)); c.send("half") },
		"chunks": func(c *client) { c.head("POST", "/files/upload-v2?path=chunks/f", chunked); c.chunk("half") },
		"a form": func(c *client) {
			c.head("POST", "/files/bulk-upload", formType, chunked)
			c.chunk(form("files[0].path", "new/f", "files[0].file f", "half")[:180])
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := connect(t, s)
			begin(c)
			if a := c.answer(); a.status != http.StatusRequestTimeout || !strings.Contains(a.message(t), "1s") || !a.close {
				t.Errorf("%d %s", a.status, a.body)
			}
			c.over()
		})
	}
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		c := connect(t, s)
		c.head("POST", "/files/upload-v2?path=slow", length(10))
		tick := time.NewTicker(stall / 4)
		defer tick.Stop()
		for range 10 {
			<-tick.C
			c.send("x")
		}
		if a := c.answer(); a.status != http.StatusOK || content(t, s, "slow") != "xxxxxxxxxx" {
			t.Errorf("%d %s", a.status, a.body)
		}
		c.alive()
	})
	t.Cleanup(func() { holds(t, s, "slow") })
}

// TestTheSandboxEndsFirst tells who uploads to it.
func TestTheSandboxEndsFirst(t *testing.T) {
	s := testserver.Start(t)
	sandbox := func(c *client, path, method string) answer {
		c.head(method, path, length(0))
		return c.answer()
	}
	t.Run("stop", func(t *testing.T) {
		c := connect(t, s)
		c.head("POST", "/files/upload-v2?path=f", length(100))
		c.send("half")
		busy(t, s)
		if a := sandbox(connect(t, s), "/api/sandbox/default/stop", "POST"); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
		if a := c.answer(); a.status != http.StatusConflict || !strings.Contains(a.message(t), "stopped meanwhile") {
			t.Errorf("%d %s", a.status, a.body)
		}
		c.over()
		holds(t, s)
		if a := sandbox(connect(t, s), "/api/sandbox/default/start", "POST"); a.status != http.StatusOK {
			t.Errorf("%d %s", a.status, a.body)
		}
	})
	t.Run("shutdown", func(t *testing.T) {
		c := connect(t, s)
		c.head("POST", "/files/upload-v2?path=f", length(100))
		c.send("half")
		busy(t, s)
		closed := make(chan struct{})
		go func() { defer close(closed); s.Close(t) }() // ends with the server
		if a := c.answer(); a.status != http.StatusServiceUnavailable || !strings.Contains(a.message(t), "shutting down") {
			t.Errorf("%d %s", a.status, a.body)
		}
		select {
		case <-closed:
		case <-within(t).Done():
			t.Error("the shutdown waits for an upload")
		}
		holds(t, s)
	})
}

// TestActivity counts as work in a sandbox while it lasts.
func TestActivity(t *testing.T) {
	t.Parallel()
	const minute = time.Second
	s := testserver.Start(t, testserver.WithMinute(minute))
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	watch := s.Sandboxes.Watch()
	defer watch.Close()
	c := connect(t, s)
	c.head("POST", "/files/upload-v2?path=f", length(13))
	c.send("x")
	busy(t, s)
	other := connect(t, s)
	other.head("POST", "/api/sandbox/default/autostop/1", length(0))
	if a := other.answer(); a.status != http.StatusOK {
		t.Fatalf("%d %s", a.status, a.body)
	}
	tick := time.NewTicker(minute / 4)
	defer tick.Stop()
	for range 12 {
		<-tick.C
		if _, err := c.conn.Write([]byte("x")); err != nil {
			break
		}
	}
	if a := c.answer(); a.status != http.StatusOK {
		t.Errorf("an idle stop came over an upload: %d %s", a.status, a.body)
	}
	if sb, err := s.Sandboxes.Lookup("default"); err != nil || sb.State != sandboxes.Started {
		t.Errorf("an idle stop came over an upload: %+v %v", sb, err)
	}
	for {
		select {
		case ev := <-watch.Events():
			if ev.Sandbox.State == sandboxes.Stopped {
				return
			}
		case <-ctx.Done():
			t.Fatal("the sandbox isn't stopped although nobody uses it")
		}
	}
}
