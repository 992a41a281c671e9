package files_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
)

const (
	// gibibyte is far more than the server may hold.
	gibibyte = 1 << 30
	// memoryGrowth is what all buffers of a few requests have room in.
	memoryGrowth = 100 << 20
)

// zeros reads as so many of them.
type zeros struct{ left int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

// TestAGibibyte goes in and out of a server that doesn't grow.
func TestAGibibyte(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes gigabytes")
	}
	p := program.Start(t, "--isolation", "none")
	aGibibyte(t, p.URL, p.Key, t.TempDir(), func() []int { return []int{p.Pid} })
}

// TestAGibibyteBehindABoundary goes by an agent, which doesn't grow either. The
// server is in this process, as its client is.
func TestAGibibyteBehindABoundary(t *testing.T) {
	if testing.Short() || !testserver.All() {
		t.Skip("it writes gigabytes: HOTCELL_TEST_ALL=1 runs it")
	}
	eachBoundary(t, func(t *testing.T, sc *scene) {
		t.Helper()
		aGibibyte(t, sc.URL, sc.Key, sc.work, func() []int { return append(sc.agents.alive(), os.Getpid()) })
	})
}

// aGibibyte goes in and out of the files of the default sandbox's in dir, and
// measures the processes that pids names.
func aGibibyte(t *testing.T, address, key, dir string, pids func() []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	call := func(method, path, kind string, body io.Reader) *http.Response {
		req, err := http.NewRequestWithContext(ctx, method, address+"/toolbox/default/files/"+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", kind)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != http.StatusOK {
			all, _ := io.ReadAll(resp.Body)
			t.Fatalf("%s: %s %s", path, resp.Status, all)
		}
		return resp
	}
	target := filepath.Join(dir, "uploaded")
	source := filepath.Join(dir, "sparse")
	if err := os.WriteFile(source, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(source, gibibyte); err != nil {
		t.Fatal(err)
	}
	bulk := func() (string, io.Reader) {
		pr, pw := io.Pipe()
		form := multipart.NewWriter(pw)
		go func() { // ends with the request, which reads or closes the pipe
			_ = form.WriteField("files[0].path", target)
			part, err := form.CreateFormFile("files[0].file", target)
			if err == nil {
				_, err = io.CopyBuffer(struct{ io.Writer }{part}, &zeros{gibibyte}, make([]byte, 1<<20))
			}
			_ = pw.CloseWithError(errors.Join(err, form.Close()))
		}()
		return form.FormDataContentType(), pr
	}
	for _, tc := range []struct {
		name string
		do   func() int64
	}{
		{"upload", func() int64 {
			resp := call("POST", "upload-v2?path="+target, "application/octet-stream", &zeros{gibibyte})
			_ = resp.Body.Close()
			return stored(t, target)
		}},
		{"bulk upload", func() int64 {
			kind, form := bulk()
			resp := call("POST", "bulk-upload", kind, form)
			_ = resp.Body.Close()
			return stored(t, target)
		}},
		{"download", func() int64 {
			resp := call("GET", "download?path="+source, "", nil)
			defer resp.Body.Close()
			n, _ := io.Copy(io.Discard, resp.Body)
			return n
		}},
		{"bulk download", func() int64 {
			resp := call("POST", "bulk-download", "application/json", strings.NewReader(fmt.Sprintf(`{"paths":[%q]}`, source)))
			defer resp.Body.Close()
			_, params, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			return onlyPart(t, bufio.NewReaderSize(resp.Body, 1<<20), params["boundary"])
		}},
	} {
		call("GET", "info?path="+dir, "", nil).Body.Close() // an agent is there
		before := map[int]int64{}
		for _, pid := range pids() {
			if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
				t.Logf("the peak of the memory can't be reset: %v", err)
			}
			before[pid], _ = procs.Memory(pid)
		}
		began := time.Now()
		if n := tc.do(); n != gibibyte {
			t.Errorf("%s: %d bytes, want %d", tc.name, n, gibibyte)
		}
		took := time.Since(began)
		for pid, before := range before {
			_, peak := procs.Memory(pid)
			t.Logf("%s: %d MB/s; memory %d MB, at most %d MB", tc.name, int(gibibyte/took.Seconds()/1e6), before>>20, peak>>20)
			if peak-before > memoryGrowth {
				t.Errorf("%s: the server grew from %d to %d bytes", tc.name, before, peak)
			}
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// onlyPart is the length of a form's only part, of at most a gibibyte. A reader of
// forms, which looks for the boundary everywhere, takes much longer.
func onlyPart(t *testing.T, form *bufio.Reader, boundary string) int64 {
	t.Helper()
	lines := textproto.NewReader(form)
	first, err := lines.ReadLine()
	if err != nil || first != "--"+boundary {
		t.Fatalf("%q %v", first, err)
	}
	if _, err := lines.ReadMIMEHeader(); err != nil {
		t.Fatal(err)
	}
	n, _ := io.CopyN(io.Discard, form, gibibyte)
	rest, err := io.ReadAll(io.LimitReader(form, 1<<10))
	if end := "\r\n--" + boundary + "--\r\n"; err != nil || string(rest) != end {
		t.Errorf("the part is followed by %q, not %q: %v", rest, end, err)
	}
	return n
}

// stored is the size of an uploaded file, which goes.
func stored(t *testing.T, path string) int64 {
	t.Helper()
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Error(err)
	}
	return st.Size()
}
