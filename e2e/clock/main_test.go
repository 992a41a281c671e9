package clock_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clock"
	"hotcell/e2e/testserver"
	"hotcell/internal/wire"
	"hotcell/sandboxes"
)

func TestMain(m *testing.M) { testserver.Main(m) }

const (
	year = 365 * 24 * time.Hour
	// minute is one of sandboxes' intervals, and half so many minutes less than an
	// hour and more than any test takes.
	minute = 20 * time.Millisecond
	half   = 90_000
	// patience is only reached when something is broken.
	patience = 60 * time.Second
)

func jumps() []time.Duration { return []time.Duration{time.Hour, -time.Hour, year, -year, 0} }

// storm sets a clock without end, to another time every few milliseconds.
func storm(t *testing.T, c *clock.Clock) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { // ends with the test
		defer close(ended)
		tick := time.NewTicker(3 * time.Millisecond)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-tick.C:
				c.Set(jumps()[i%len(jumps())])
			case <-ctx.Done():
				return
			}
		}
	}()
	t.Cleanup(func() { cancel(); <-ended })
}

// timed are sandboxes whose time is over in half an hour.
func timed(t *testing.T, s *testserver.Server) (names []string) {
	t.Helper()
	for name, i := range map[string]sandboxes.Intervals{
		"idle":    {AutoStop: half, AutoDelete: -1},
		"short":   {TTL: half, AutoDelete: -1},
		"stopped": {AutoDelete: half},
	} {
		if _, err := s.Sandboxes.Create(sandboxes.Spec{Name: name, Intervals: i}); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	if _, err := s.Sandboxes.Stop(t.Context(), "stopped"); err != nil {
		t.Fatal(err)
	}
	return names
}

// there wants the sandboxes to be as they were made.
func there(t *testing.T, s *testserver.Server, when string) {
	t.Helper()
	for name, state := range map[string]sandboxes.State{"idle": sandboxes.Started, "short": sandboxes.Started, "stopped": sandboxes.Stopped} {
		if sb, err := s.Sandboxes.Lookup(name); err != nil || sb.State != state {
			t.Errorf("%s: the sandbox %q is %q: %v", when, name, sb.State, err)
		}
	}
	if _, err := s.Sandboxes.Enter("idle"); err != nil { // it counts from here
		t.Errorf("%s: %v", when, err)
	}
}

// probe returns when a sandbox's time is over that lives for a moment, and not before
// that: of all that were due, it would have been the last.
func probe(t *testing.T, s *testserver.Server) {
	t.Helper()
	const minutes = 5
	w := s.Sandboxes.Watch()
	defer w.Close()
	began := time.Now()
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Intervals: sandboxes.Intervals{TTL: minutes, AutoDelete: -1}})
	if err != nil {
		t.Fatal(err)
	}
	limit := time.After(patience)
	for {
		select {
		case e := <-w.Events():
			if e.Sandbox.ID != sb.ID || e.Created {
				continue
			}
			if took := time.Since(began); took < minutes*minute {
				t.Errorf("a time of %s was over after %s", minutes*minute, took)
			}
			return
		case <-limit:
			t.Fatal("no sandbox's time is ever over")
		}
	}
}

// shown is an execution as the server tells of it.
type shown struct {
	ID       string
	State    wire.State
	Status   wire.Status
	Duration float64 `json:"duration_ms"`
	Events   uint64
}

func (s shown) took() time.Duration { return time.Duration(s.Duration * float64(time.Millisecond)) }

// ask sends a request with a key, and reads the answer.
func ask(t *testing.T, s *testserver.Server, key, method, path string, body, into any) (status int, text string) {
	t.Helper()
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(key, ".") { // a preview token
		req.Header.Set("X-Daytona-Preview-Token", key)
	} else {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		t.Error(err)
	}
	if into != nil && resp.StatusCode < http.StatusBadRequest {
		if err := json.Unmarshal(raw, into); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
	return resp.StatusCode, string(raw)
}

// listed are all executions, the newest first.
func listed(t *testing.T, s *testserver.Server) (all []shown) {
	t.Helper()
	ask(t, s, s.Key, http.MethodGet, "/v1/executions", nil, &all)
	return all
}
