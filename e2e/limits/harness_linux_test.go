package limits_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
	"hotcell/stream"
)

const mib = 1 << 20

// start starts a server whose sandboxes are limited by the kernel's groups.
func start(t *testing.T, cfg limits.Config) *testserver.Server {
	t.Helper()
	s := testserver.Start(t, testserver.WithLimits(cfg))
	if f := s.Limits.Status().Force; !f.Memory || !f.Processes {
		t.Skipf("no groups can be made here: %+v", f)
	}
	return s
}

// sandbox makes a sandbox that has asked for limits.
func sandbox(t *testing.T, s *testserver.Server, l sandboxes.Limits) string {
	t.Helper()
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Limits: l, Labels: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	return sb.ID
}

func newContext(t *testing.T, s *testserver.Server, sandbox, language string) *contexts.Entry {
	t.Helper()
	e, err := s.Contexts.Create(t.Context(), sandbox, contexts.Options{Language: language, Cwd: s.Sandboxes.WorkDir(sandbox)})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// ended is what an execution has produced.
type ended struct {
	status  wire.Status
	failure *wire.Event
	notices string
	output  string
}

// begin starts a cell.
func begin(t *testing.T, e *contexts.Entry, code string) *interpreter.Execution {
	t.Helper()
	ex, err := e.Execute(interpreter.Request{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	return ex
}

// finish waits for a cell's end.
func finish(t *testing.T, ex *interpreter.Execution) ended {
	t.Helper()
	return read(t, ex.Events(1))
}

// read reads a cell's events to the end.
func read(t *testing.T, r *stream.Reader[wire.Event]) (o ended) {
	t.Helper()
	defer r.Close()
	for {
		evs, err := r.Next(t.Context())
		if err != nil {
			return o
		}
		for _, ev := range evs {
			switch ev.Type {
			case wire.EventError:
				o.failure = &ev
			case wire.EventNotice:
				o.notices += ev.Text + "\n"
			case wire.EventStdout, wire.EventStderr:
				o.output += ev.Text
			case wire.EventState:
				o.status = ev.Status
			}
		}
	}
}

func run(t *testing.T, e *contexts.Entry, code string) ended {
	t.Helper()
	return finish(t, begin(t, e, code))
}

// post asks a sandbox's toolbox, and returns the answer's members.
func post(t *testing.T, s *testserver.Server, sandbox, path string, body any) (int, map[string]any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/toolbox/"+sandbox+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	return send(t, req)
}

func send(t *testing.T, req *http.Request) (int, map[string]any) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(text, &out)
	return resp.StatusCode, out
}

// neighbour runs small cells in another sandbox until what is watched has ended, and
// wants them to be as quick as ever, or nearly so.
func neighbour(t *testing.T, e *contexts.Entry, done <-chan struct{}) {
	t.Helper()
	var times []time.Duration
	for over := false; !over || len(times) < 10; {
		began := time.Now()
		if o := run(t, e, "1+1"); o.status != wire.StatusOK {
			t.Fatalf("a neighbour's cell: %+v", o)
		}
		times = append(times, time.Since(began))
		select {
		case <-done:
			over = true
		default:
		}
	}
	slices.Sort(times)
	median := times[len(times)/2]
	t.Logf("a neighbour's %d cells took %s in the median, %s at most", len(times), median, times[len(times)-1])
	if median > 100*time.Millisecond {
		t.Errorf("a neighbour's cells took %s in the median", median)
	}
}
