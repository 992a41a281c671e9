package operations_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
	"hotcell/stream"
)

// expect compares how a figure has changed.
type expect struct {
	name   string
	labels []string
	by     float64
}

func (e expect) check(t *testing.T, before, after figures) {
	t.Helper()
	if got := after.value(e.name, e.labels...) - before.value(e.name, e.labels...); got != e.by {
		t.Errorf("hotcell_%s%q changed by %v, want %v", e.name, e.labels, got, e.by)
	}
}

func TestExecutionsAreCounted(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	before := scrape(t, s)
	py, js, golang := open(t, s, "python"), open(t, s, "javascript"), open(t, s, "go")
	run(t, py, clients.Cell{Code: "print('x' * 99)"})
	run(t, py, clients.Cell{Code: "import sys; print('y' * 49, file=sys.stderr)"})
	run(t, py, clients.Cell{Code: "1/0"})
	run(t, js, clients.Cell{Code: "1 + 1"})
	run(t, golang, clients.Cell{Code: "1 + 1"})
	if o := run(t, py, clients.Cell{Code: "while True: pass", Timeout: 100 * time.Millisecond}); o.Status != "timeout" {
		t.Fatal(o)
	}
	if o := run(t, py, clients.Cell{Code: "import os; os.kill(os.getpid(), 9)"}); o.Status != "died" {
		t.Fatal(o)
	}
	if o := run(t, py, clients.Cell{Code: "import os; os._exit(3)"}); o.Status != "died" {
		t.Fatal(o)
	}
	stubborn := "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass"
	if o := run(t, py, clients.Cell{Code: stubborn, Timeout: 50 * time.Millisecond}); o.Status != "timeout" {
		t.Fatal(o)
	}
	after := scrape(t, s)
	for _, e := range []expect{
		{"executions_total", []string{"language=python", "dialect=native", "outcome=ok"}, 2},
		{"executions_total", []string{"language=python", "dialect=native", "outcome=error"}, 1},
		{"executions_total", []string{"language=python", "outcome=timeout"}, 2},
		{"executions_total", []string{"language=python", "outcome=died"}, 2},
		{"executions_total", []string{"language=javascript", "outcome=ok"}, 1},
		{"executions_total", []string{"language=go", "outcome=ok"}, 1},
		{"executions_total", []string{"dialect=daytona"}, 0},
		{"execution_run_seconds", []string{"language=python"}, 7},
		{"execution_queue_seconds", []string{"language=python"}, 7},
		{"execution_first_event_seconds", []string{"language=go"}, 1},
		{"context_ready_seconds", []string{"language=python"}, 1},
		{"kernel_starts_total", []string{"language=python", "reason=first"}, 1},
		{"kernel_starts_total", []string{"language=python", "reason=replacement"}, 2},
		{"kernel_deaths_total", []string{"language=python", "cause=signaled"}, 1},
		{"kernel_deaths_total", []string{"language=python", "cause=exited"}, 1},
		{"kernel_deaths_total", []string{"language=python", "cause=timeout"}, 1},
		{"interrupts_total", []string{"step=1"}, 2},
		{"interrupts_total", []string{"step=3"}, 1},
		{"interrupts_total", []string{"step=kill"}, 1},
		{"output_bytes_total", []string{"kind=context", "stream=stdout"}, 100},
		{"output_bytes_total", []string{"kind=context", "stream=stderr"}, 50},
		{"contexts", []string{"language=python", "state=dead"}, 1},
		{"contexts", []string{"language=go", "state=idle"}, 1},
		{"websockets", []string{"dialect=native"}, 3},
	} {
		e.check(t, before, after)
	}
	if after.value("pool_requests_total", "runtime=python") < 3 {
		t.Error("kernels were taken, and the pool counts none")
	}
}

func TestLimitsAreCounted(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithContexts(func(c *contexts.Config) {
		c.Queue, c.Limit = 1, 1
		c.Events.Memory, c.Events.Disk = 64<<10, 64<<10
	}), testserver.WithRetention(stream.JournalOptions{Count: 1}))
	before := scrape(t, s)
	k := open(t, s, "python")
	if o := run(t, k, clients.Cell{Code: "while True: print('x' * 1000)"}); o.Error == nil || o.Error.Name != "OutputLimitError" {
		t.Fatal(o)
	}
	r := start(t, k, clients.Cell{Code: "input()", Stdin: true})
	if err := r.Asked(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	waiting := start(t, k, clients.Cell{Code: "2"})
	if _, err := k.Start(t.Context(), clients.Cell{Code: "3"}); err == nil {
		t.Fatal("the queue took more than it holds")
	}
	if status, answer := ask(t, http.MethodPost, s.URL+"/v1/contexts", s.Key, `{"language":"python"}`); status != http.StatusTooManyRequests {
		t.Fatalf("%d %s", status, answer)
	}
	busy := scrape(t, s)
	expect{"queued_executions", []string{"language=python"}, 1}.check(t, before, busy)
	expect{"contexts", []string{"language=python", "state=busy"}, 1}.check(t, before, busy)
	if err := k.(clients.Controlled).Reply(t.Context(), r, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := waiting.Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, k, clients.Cell{Code: "4"}) // behind which the one before is filed
	after := scrape(t, s)
	for _, e := range []expect{
		{"limits_hit_total", []string{"kind=output_limit"}, 1},
		{"limits_hit_total", []string{"kind=queue_full"}, 1},
		{"limits_hit_total", []string{"kind=too_many_contexts"}, 1},
	} {
		e.check(t, before, after)
	}
	if after.value("evicted_executions_total") < 2 || after.value("evicted_bytes_total") == 0 {
		t.Error("executions were evicted, and not counted")
	}
	if after.value("spilled_bytes_total", "kind=execution") < 64<<10 {
		t.Error("events went to disk, and their bytes are not counted")
	}
}

func TestToolsAreCounted(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	box := s.URL + "/toolbox/default"
	before := scrape(t, s)
	for _, call := range []struct {
		path, body string
		status     int
	}{
		{"/process/execute", `{"command":"echo hello"}`, 200},
		{"/process/execute", `{"command":"exit 3"}`, 200},
		{"/process/execute", `{"command":"sleep 30","timeout":0.05}`, 408},
		{"/process/code-run", `{"code":"print(1)","language":"python"}`, 200},
		{"/process/session", `{"sessionId":"one"}`, 201},
		{"/process/session/one/exec", `{"command":"echo in a session"}`, 200},
		{"/process/pty", `{"id":"two"}`, 201},
		{"/files/folder?path=three", ``, 201},
	} {
		if status, answer := ask(t, http.MethodPost, box+call.path, s.Key, call.body); status != call.status {
			t.Fatalf("%s: %d %s", call.path, status, answer)
		}
	}
	during := scrape(t, s)
	expect{"sessions", nil, 1}.check(t, before, during)
	expect{"terminals", nil, 1}.check(t, before, during)
	if status, answer := ask(t, http.MethodDelete, box+"/process/pty/two", s.Key, ""); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	after := scrape(t, s)
	for _, e := range []expect{
		{"runs_total", []string{"kind=command", "dialect=daytona", "outcome=ok"}, 1},
		{"runs_total", []string{"kind=command", "outcome=error"}, 1},
		{"runs_total", []string{"kind=command", "outcome=timeout"}, 1},
		{"runs_total", []string{"kind=code_run", "outcome=ok"}, 1},
		{"runs_total", []string{"kind=session_command", "outcome=ok"}, 1},
		{"runs_total", []string{"kind=terminal"}, 1},
		{"run_seconds", []string{"kind=command"}, 3},
		{"output_bytes_total", []string{"kind=command"}, 6},
		{"output_bytes_total", []string{"kind=session_command", "stream=stdout"}, 13},
		{"changes_total", []string{"kind=session", "action=create", "outcome=ok"}, 1},
		{"changes_total", []string{"kind=terminal", "action=create", "outcome=ok"}, 1},
		{"changes_total", []string{"kind=file", "action=create_folder", "outcome=ok"}, 1},
		{"http_requests_total", []string{"method=POST", "route=/toolbox/:sandbox/process/execute", "status=200"}, 2},
		{"running", nil, 0},
	} {
		e.check(t, before, after)
	}
}

// TestFewLabels: after hundreds of contexts there are no more series than after a few.
func TestFewLabels(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	some := func(from, n int) {
		var wg sync.WaitGroup
		for lane := range 4 {
			wg.Go(func() {
				for i := from + lane; i < from+n; i += 4 {
					oneContext(t, s, i)
				}
			})
		}
		wg.Wait()
	}
	some(0, 20)
	// What a first scrape adds is there at the second.
	scrape(t, s)
	before := scrape(t, s).series()
	some(20, 200)
	after := scrape(t, s)
	if n := after.series(); n > before+6 { // a pool that was empty for once, or a status
		t.Errorf("%d series became %d", before, n)
	}
	if n := after.value("executions_total"); n != 220 {
		t.Errorf("%v executions", n)
	}
}

// oneContext is a context's life, and an address that isn't there.
func oneContext(t *testing.T, s *testserver.Server, i int) {
	t.Helper()
	e, err := s.Contexts.Create(t.Context(), "default", contexts.Options{Language: "python", Cwd: s.Sandboxes.WorkDir("default")})
	if err != nil {
		t.Error(err)
		return
	}
	url := fmt.Sprintf("%s/v1/contexts/%s", s.URL, e.ID())
	if status, answer := ask(t, http.MethodPost, url+"/executions", s.Key, fmt.Sprintf(`{"code":"x=%d","wait":true}`, i)); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	if status, _ := ask(t, http.MethodDelete, url, s.Key, ""); status != http.StatusNoContent {
		t.Errorf("delete: %d", status)
	}
	ask(t, http.MethodGet, fmt.Sprintf("%s/nowhere/%d", s.URL, i), s.Key, "")
	ask(t, http.MethodGet, fmt.Sprintf("%s/v1/nowhere/%d", s.URL, i), s.Key, "")
	ask(t, "PROPFIND", fmt.Sprintf("%s/v1/%d", s.URL, i), s.Key, "")
}

func TestTwoServersCountForThemselves(t *testing.T) {
	t.Parallel()
	a, b := testserver.Start(t), testserver.Start(t)
	run(t, open(t, a, "python"), clients.Cell{Code: "1"})
	if n := scrape(t, a).value("executions_total"); n != 1 {
		t.Errorf("the one has %v", n)
	}
	if n := scrape(t, b).value("executions_total"); n != 0 {
		t.Errorf("the other has %v", n)
	}
}

func TestFiguresNeedTheKey(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	if status, _ := ask(t, http.MethodGet, s.URL+"/metrics", "", ""); status != http.StatusUnauthorized {
		t.Errorf("without a key: %d", status)
	}
	if status, _ := ask(t, http.MethodGet, s.URL+"/metrics", "wrong", ""); status != http.StatusUnauthorized {
		t.Errorf("with a wrong one: %d", status)
	}
	if n := scrape(t, s).value("logins_refused_total"); n != 2 {
		t.Errorf("%v refusals are counted", n)
	}
}
