package conformance_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
)

// batch is a case as the scripts take it.
type batch struct {
	Name     string `json:"name"`
	Language string `json:"language"`
	Cwd      string `json:"cwd,omitempty"`
	Steps    []step `json:"steps"`
}

// told is what a script says of a case.
type told struct {
	Name, Language string
	Outcomes       []struct {
		Stdout, Stderr, Status string
		Error                  *struct{ Name, Value, Traceback string }
	}
}

// TestSDKs runs the table through the SDKs as they are published: one process
// of each, since they take seconds to start.
func TestSDKs(t *testing.T) {
	t.Parallel()
	cwd := t.TempDir()
	s := testserver.Start(t, testserver.WithVisible(cwd))
	for name, command := range map[string][]string{
		"typescript":          {"node", script(t, "cells.mjs")},
		"python":              {testserver.ClientPython(t), script(t, "cells_sync.py")},
		"asynchronous python": {testserver.ClientPython(t), script(t, "cells_async.py")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runBatch(t, s, cwd, command)
		})
	}
}

func script(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("scripts", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// runBatch gives a script all cases and compares what it says of each.
func runBatch(t *testing.T, s *testserver.Server, cwd string, command []string) {
	t.Helper()
	var batches []batch
	wanted := map[string]testCase{}
	for _, language := range languages {
		for _, c := range cases() {
			if c.native || c.env != nil || c.of(language) == nil {
				continue // the SDKs have no environment of a context
			}
			b := batch{Name: c.name, Language: language, Steps: c.of(language)}
			if c.cwd {
				b.Cwd = cwd
			}
			batches = append(batches, b)
			wanted[language+"/"+c.name] = c
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Dir = t.TempDir() // the SDKs read .env files of the working directory
	cmd.Env = append(os.Environ(), "DAYTONA_API_URL="+s.APIURL, "DAYTONA_API_KEY="+s.Key, "DAYTONA_TARGET=local", "HOTCELL_URL="+s.URL,
		"HOTCELL_E2E_NODE_MODULES="+testserver.NodeModules(t), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Stdin = bytes.NewReader(mustJSON(t, batches))
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("the script failed: %v\n%.3000s", err, errs.String())
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var got told
		if err := json.Unmarshal(lines.Bytes(), &got); err != nil {
			t.Fatalf("%.200q: %v", lines.Text(), err)
		}
		id := got.Language + "/" + got.Name
		t.Run(id, func(t *testing.T) { wanted[id].compare(t, got, cwd) })
		delete(wanted, id)
	}
	for id := range wanted {
		t.Errorf("the script has said nothing of %s", id)
	}
}

// compare is check for what an SDK shows: no results, no notices, and a died
// or interrupted run as an error.
func (c testCase) compare(t *testing.T, got told, cwd string) {
	t.Helper()
	steps := c.of(got.Language)
	if len(got.Outcomes) != len(steps) {
		t.Fatalf("%d outcomes of %d steps", len(got.Outcomes), len(steps))
	}
	for i, o := range got.Outcomes {
		seen := clients.Outcome{Status: o.Status, Pieces: []clients.Piece{{Stream: "stdout", Text: o.Stdout}, {Stream: "stderr", Text: o.Stderr}}}
		if o.Error != nil {
			seen.Error = &clients.Failure{Name: o.Error.Name, Value: o.Error.Value, Traceback: o.Error.Traceback}
		}
		w := steps[i].want.in(cwd)
		if w.status == "died" {
			w.status = "error"
		}
		w.check(t, strings.TrimSpace(steps[i].Code), seen, sees{statuses: true})
	}
}
