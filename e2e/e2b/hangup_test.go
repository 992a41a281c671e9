package e2b_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

// first reads until a piece of output has come.
func first(t *testing.T, r *bufio.Reader) *bufio.Reader {
	t.Helper()
	for {
		raw, err := r.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if decode(t, raw).Type == "stdout" {
			return r
		}
	}
}

// A client that hangs up takes its execution along, and nothing else.
func TestHangUp(t *testing.T) {
	t.Parallel()
	for language, cells := range map[string][3]string{
		"python":     {"x = 42", "print('on', flush=True)\nimport time\ntime.sleep(600)", "x"},
		"javascript": {"var x = 42", "console.log('on'); while (true);", "x"},
		"go":         {"x := 42", "import (\"fmt\"; \"time\")\nfmt.Println(\"on\")\ntime.Sleep(600 * time.Second)", "x"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			in := func(code string) map[string]any { return map[string]any{"code": code, "language": language} }
			run(t, s.E2BURL, in(cells[0]))
			ctx, cancel := context.WithCancel(t.Context())
			first(t, start(t, ctx, s.E2BURL, in(cells[1])))
			cancel()
			left := time.Now()
			got := run(t, s.E2BURL, in(cells[2]))
			if took := time.Since(left); took > time.Second {
				t.Errorf("the next one came after %s", took)
			}
			if got.first("result").Text != "42" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// A client that waits in the queue leaves it, and one that never reads blocks
// nobody once it is gone.
func TestHangUpWithoutReading(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	start(t, ctx, s.E2BURL, cell("import sys\nwhile True: print('x' * 10000)"))
	queued, leave := context.WithCancel(t.Context())
	start(t, queued, s.E2BURL, cell("ran = True")) // its header comes before its turn
	e, err := s.Contexts.Lookup("default", "default")
	if err != nil {
		t.Fatal(err)
	}
	leave()
	for e.Status().Queued > 0 { // until it has left the queue
		runtime.Gosched()
	}
	cancel()
	got := run(t, s.E2BURL, cell("'ran' in dir()"))
	if got.first("result").Text != "False" {
		t.Errorf("%+v", got)
	}
}

func TestKeepAlive(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	began := time.Now()
	r := start(t, t.Context(), s.E2BURL, cell("import time\ntime.sleep(600)"))
	for {
		raw, err := r.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		if decode(t, raw).Type == "keepalive" {
			break
		}
	}
	if after := time.Since(began); after < 4*time.Second || after > 20*time.Second {
		t.Errorf("after %s", after)
	}
}

func TestConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	transport := &http.Transport{MaxConnsPerHost: 1}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.E2BURL+"/execute", strings.NewReader(`{"code": "40 + 2"}`))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !strings.Contains(string(body), `"text":"42"`) {
			t.Errorf("%v: %s", err, body)
		}
	}
}

func TestRestartUnderway(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	run(t, s.E2BURL, cell("x = 1"))
	e, err := s.Contexts.Lookup("default", "default")
	if err != nil {
		t.Fatal(err)
	}
	r := first(t, start(t, t.Context(), s.E2BURL, cell("print('on', flush=True)\nimport time\ntime.sleep(600)")))
	waiting := start(t, t.Context(), s.E2BURL, cell("x = 2"))
	if status, body := say(t, "POST", s.E2BURL+"/contexts/"+e.ID()+"/restart", ""); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	for _, r := range []*bufio.Reader{r, waiting} {
		if got := rest(t, r).first("error"); got.Name != "ContextRestarting" || got.Traceback == nil {
			t.Errorf("%+v", got)
		}
	}
	got := run(t, s.E2BURL, cell("'x' in dir()"))
	if got.first("result").Text != "False" || got.text("stderr") != "" {
		t.Errorf("%+v", got)
	}
	var all []struct{ ID string }
	if _, body := say(t, "GET", s.E2BURL+"/contexts", ""); json.Unmarshal([]byte(body), &all) != nil || len(all) != 1 || all[0].ID != e.ID() {
		t.Error(body)
	}
}

func TestRemovalUnderway(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	r := first(t, start(t, t.Context(), s.E2BURL, cell("print('on', flush=True)\nimport time\ntime.sleep(600)")))
	e, err := s.Contexts.Lookup("default", "default")
	if err != nil {
		t.Fatal(err)
	}
	if status, body := say(t, "DELETE", s.E2BURL+"/contexts/"+e.ID(), ""); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if got := rest(t, r).first("error"); got.Name != "ContextDeletedError" {
		t.Errorf("%+v", got)
	}
}

// A server that ends waits for no client, and not for the next keepalive.
func TestShutdownUnderway(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	first(t, start(t, t.Context(), s.E2BURL, cell("print('on', flush=True)\nimport time\ntime.sleep(600)")))
	began := time.Now()
	s.Close(t)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("%s", took)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	run(t, s.E2BURL, cell("kept = 1"))
	got := run(t, s.E2BURL, cell("print('last words', flush=True)\nimport os\nos.kill(os.getpid(), 9)"))
	if e := got.first("error"); e.Name != "KernelDiedError" || !strings.Contains(e.Value, "kept") || got.text("stdout") != "last words\n" {
		t.Errorf("%+v", got)
	}
	got = run(t, s.E2BURL, cell("1 + 1"))
	if got.first("result").Text != "2" || !strings.Contains(got.text("stderr"), "kept") {
		t.Errorf("%+v", got)
	}
}

func TestMuchOutput(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	const n = 30 << 20
	r := start(t, t.Context(), s.E2BURL, cell("import sys\nfor _ in range(3 << 10): sys.stdout.write('☃' * 3413 + '\\n')\n'x' * (8 << 20)"))
	all := rest(t, r)
	if got := len(all.text("stdout")); got != (3*3413+1)*(3<<10) || got < n {
		t.Errorf("%d bytes", got)
	}
	if got := len(all.first("result").Text); got != 8<<20 {
		t.Errorf("a result of %d bytes", got)
	}
}
