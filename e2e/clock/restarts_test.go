package clock_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clock"
	"hotcell/e2e/testserver"
	"hotcell/stream"
)

// TestRestarts: the clock is set while servers run and while none does. What has just been
// used is there, and what is newer comes before what is older.
func TestRestarts(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	dir := t.TempDir()
	start := func() *testserver.Server {
		return testserver.Start(
			t, testserver.WithClock(c.Now), testserver.WithDataDir(dir), testserver.WithMinute(minute),
			testserver.WithRetention(stream.JournalOptions{Age: 10 * year}),
		)
	}
	s := start()
	timed(t, s)
	var ids []string // the newest first
	context := ""
	for _, step := range []struct {
		id             string
		served, ending time.Duration
	}{
		{"1", 0, year},         // a clock that was right, and isn't any more
		{"2", year, 0},         // it is corrected while the server runs
		{"3", 0, 2 * year},     // wrong once more,
		{"4", -year, 0},        // and far back when nobody looks
		{"5", -2 * year, year}, // and so on
	} {
		c.Set(step.served)
		if step.id != "1" {
			s = start()
		}
		probe(t, s)
		there(t, s, "server "+step.id)
		if context != "" {
			if status, text := ask(t, s, s.Key, http.MethodGet, "/v1/contexts/"+context, nil, nil); status != http.StatusGone || !strings.Contains(text, "shut down") {
				t.Errorf("server %s: the context of the one before: %d %s", step.id, status, text)
			}
		}
		began := time.Now()
		var done struct {
			Execution struct{ Context string }
		}
		status, text := ask(t, s, s.Key, http.MethodPost, "/v1/contexts/default/executions",
			map[string]any{"execution": step.id, "language": "go", "code": "x := 1", "wait": true}, &done)
		if status != http.StatusOK || (step.id != "1") != strings.Contains(text, "Its variables are lost: x") {
			t.Errorf("server %s: %d %s", step.id, status, text)
		}
		context = done.Execution.Context
		ids = append([]string{step.id}, ids...)
		var got []string
		for _, x := range listed(t, s) {
			got = append(got, x.ID)
			if x.Duration <= 0 || x.took() > time.Since(began) && x.ID == step.id || x.took() > patience {
				t.Errorf("server %s: execution %s has taken %s", step.id, x.ID, x.took())
			}
		}
		if !slices.Equal(got, ids) {
			t.Errorf("server %s: the executions are %s, not %s", step.id, got, ids)
		}
		c.Set(step.ending)
		probe(t, s)
		s.Close(t)
	}
}
