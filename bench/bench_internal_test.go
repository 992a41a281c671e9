package main

import (
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseReady(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"url":"http://127.0.0.1:4000","pid":7}` + "\n": "http://127.0.0.1:4000",
		`{"pid":7}`: "",
		`{"url":`:   "",
	} {
		got, err := parseReady([]byte(text))
		if (err == nil) != (want != "") || want != "" && got.URL != want {
			t.Errorf("%q: got %+v, %v", text, got, err)
		}
	}
}

func TestParsePSS(t *testing.T) {
	t.Parallel()
	const text = "5581-7ffd ---p 00000000 00:00 0    [rollup]\nRss:  20000 kB\nPss:     1000 kB\nPss_Dirty: 3 kB\n"
	got, err := parsePSS([]byte(text))
	if err != nil || got != 1.024 {
		t.Errorf("got %v, %v, want 1.024", got, err)
	}
	if _, err := parsePSS([]byte("Rss: 1 kB\n")); err == nil {
		t.Error("no Pss is no error")
	}
}

func TestParentIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"42 (python3) S 41 42 42 0":    41,
		"42 (a) b (c) 9) R 7 42 42 0":  7,
		"42 (python3":                  0,
		"42 (python3) S":               0,
		"42 (python3) S nothing 42 42": 0,
	} {
		got, ok := parentIn(text)
		if ok != (want != 0) || ok && got != want {
			t.Errorf("%q: got %d, %v", text, got, ok)
		}
	}
}

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	got, err := parseAnswer([]byte(`{"seconds": [0.5, 1e-3], "pid": 3}`))
	if diff := cmp.Diff(answer{Seconds: []float64{0.5, 0.001}, Pid: 3}, got); err != nil || diff != "" {
		t.Errorf("%v -want +got\n%s", err, diff)
	}
	for _, text := range []string{`{"error": "Incomplete: nothing came"}`, "Traceback"} {
		if _, err := parseAnswer([]byte(text)); err == nil {
			t.Errorf("%q is no error", text)
		}
	}
}

func TestTold(t *testing.T) {
	t.Parallel()
	done := event{Type: "state", State: "done", Status: "ok"}
	for _, tc := range []struct {
		name       string
		events     []event
		over, fail bool
	}{
		{"still running", []event{{Type: "state", State: "running"}, {Type: "stdout"}}, false, false},
		{"done", []event{{Type: "result", Data: map[string]json.RawMessage{"text/plain": json.RawMessage(`"2"`)}}, done}, true, false},
		{"raised", []event{{Type: "error", Name: "ValueError"}, done}, true, true},
		{"interrupted", []event{{Type: "state", State: "done", Status: "interrupted"}}, true, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			var told told
			over, err := told.take(message{Events: tc.events}, time.Second)
			if over != tc.over || (err != nil) != tc.fail {
				t.Errorf("got over %v, %v", over, err)
			}
			if tc.name == "done" && told.result != "2" {
				t.Errorf("got result %q", told.result)
			}
		})
	}
}

// TestRowsAreMeasured keeps the table and what is measured from drifting apart.
func TestRowsAreMeasured(t *testing.T) {
	t.Parallel()
	for _, r := range rows() {
		if _, err := chosen(r.Group); err != nil {
			t.Errorf("row %q: %v", r.What, err)
		}
		if r.Ours == "" || r.Unit == "" || (r.Beside == "") != (r.Other == "") {
			t.Errorf("row %q is incomplete: %+v", r.What, r)
		}
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-rounds", "2", "-only", "run,fleet", "-json"}, io.Discard)
	if err != nil || o.rounds != 2 || !o.json {
		t.Errorf("got %+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rounds", "0"}, {"life"}, {"-nothing"}} {
		if _, err := parse(args, io.Discard); err == nil {
			t.Errorf("%v is no error", args)
		}
	}
	if some, err := chosen("run, fleet"); err != nil || len(some) != 2 {
		t.Errorf("got %d scenarios, %v", len(some), err)
	}
	if _, err := chosen("nothing"); err == nil {
		t.Error("an unknown group is no error")
	}
}

// TestFloodIsWhatTheCellWrites compares the two writers of the same output.
func TestFloodIsWhatTheCellWrites(t *testing.T) {
	t.Parallel()
	var hashes, lines int
	err := writeFlood(writerFunc(func(p []byte) (int, error) {
		hashes += strings.Count(string(p), "#")
		lines += strings.Count(string(p), "\n")
		return len(p), nil
	}))
	if err != nil || hashes != floodHashes || lines != floodHashes/(floodLine-1) {
		t.Errorf("%d #, %d lines, %v; want %d #", hashes, lines, err, floodHashes)
	}
	if strings.Contains(floodCode(), "#") {
		t.Error("the code itself would be counted")
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
