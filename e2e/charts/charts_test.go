// Package charts_test draws figures in real kernels and looks at the data that
// arrives. Each case is a cell in cells/ that says, from what it plotted, what
// must come out.
package charts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/charts"
	"hotcell/e2e/testserver"
	"hotcell/internal/wire"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func TestNewest(t *testing.T) {
	t.Parallel()
	golden(t, testserver.ClientPython(t), "foreign")
}

func TestOldest(t *testing.T) {
	t.Parallel()
	golden(t, testserver.OldestPython(t))
}

// golden runs every cell in one kernel.
func golden(t *testing.T, python string, more ...string) {
	t.Helper()
	s := testserver.Start(t, testserver.WithPython(python), testserver.WithPandas())
	r := &room{t: t, base: s.URL, key: s.Key}
	r.context("python")
	r.ok(read(t, "cells/preamble.py"))
	var translated []json.RawMessage
	for _, file := range append([]string{"bars", "histograms", "lines", "parts", "grids", "figures"}, more...) {
		for _, c := range cases(t, "cells/"+file+".py") {
			translated = append(translated, r.check(c)...)
		}
	}
	clients(t, translated)
}

type cell struct{ name, code string }

// cases are the cells of a file: each begins with a line "# --- name".
func cases(t *testing.T, path string) []cell {
	t.Helper()
	var found []cell
	for _, part := range strings.Split(read(t, path), "# --- ")[1:] {
		name, code, _ := strings.Cut(part, "\n")
		found = append(found, cell{name, strings.TrimRight(code, "\n")})
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// room is a context of a server, spoken to over the native dialect.
type room struct {
	t         *testing.T
	base, key string
	id        string
}

type answer struct {
	Execution struct{ Status wire.Status }
	Stdout    string
	Stderr    string
	Outputs   []wire.Event
	Error     *wire.Event
}

func (r *room) context(language string) {
	r.t.Helper()
	var made struct{ ID string }
	r.post("/v1/contexts", map[string]any{"language": language}, &made)
	r.id = made.ID
}

func (r *room) run(code string) answer {
	r.t.Helper()
	var a answer
	r.post("/v1/contexts/"+r.id+"/executions", map[string]any{"code": code, "wait": true}, &a)
	return a
}

func (r *room) ok(code string) answer {
	r.t.Helper()
	a := r.run(code)
	if a.Error != nil {
		r.t.Fatalf("%s: %s", a.Error.Name, a.Error.Traceback)
	}
	return a
}

func (r *room) post(path string, body, into any) {
	r.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.base+path, bytes.NewReader(raw))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil {
		r.t.Fatal(err)
	}
	if resp.StatusCode >= 300 {
		r.t.Fatalf("%s: %s %s", path, resp.Status, raw)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		r.t.Fatalf("%s: %v in %.400s", path, err, raw)
	}
}

// figures are what a cell showed.
func (a answer) figures(t *testing.T) []*charts.Figure {
	t.Helper()
	var found []*charts.Figure
	for _, e := range a.Outputs {
		f, err := charts.FromBundle(e.Bundle)
		if err != nil {
			t.Errorf("%v in %.2000s", err, e.Bundle[charts.MIME])
		}
		if f != nil {
			found = append(found, f)
		}
	}
	return found
}

// expectation is what a cell says of itself.
type expectation struct {
	Figures   []any
	Daytona   any
	E2B       any `json:"e2b"`
	Tolerance float64
}

// check runs a cell and compares; it returns the figures in Daytona's form.
func (r *room) check(c cell) []json.RawMessage {
	t := r.t
	t.Helper()
	shown := r.run("EXPECTED.clear()\n" + c.code)
	if shown.Error != nil {
		t.Errorf("%s: %s", c.name, shown.Error.Traceback)
		return nil
	}
	figures := shown.figures(t)
	var all []expectation
	if err := json.Unmarshal([]byte(r.ok("print(json.dumps(plain(EXPECTED)))").Stdout), &all); err != nil || len(all) != 1 {
		t.Errorf("%s: %d expectations: %v", c.name, len(all), err)
		return nil
	}
	want := all[0]
	if len(figures) != len(want.Figures) {
		t.Errorf("%s: %d figures, want %d", c.name, len(figures), len(want.Figures))
	}
	var translated []json.RawMessage
	for i, f := range figures {
		if f.Source == "matplotlib" && !strings.HasPrefix(f.PNG, "iVBORw0KGgo") {
			t.Errorf("%s: figure %d has no picture", c.name, i+1)
		}
		raw, err := charts.Daytona(f)
		if err != nil {
			t.Fatal(err)
		}
		translated = append(translated, raw)
		m := matcher{tolerance: max(want.Tolerance, 1e-9)}
		whole := reparse(t, f)
		if i < len(want.Figures) {
			m.match("figure", want.Figures[i], whole)
		}
		if i == 0 && want.Daytona != nil {
			m.match("daytona", want.Daytona, reparse(t, raw))
		}
		if i == 0 && want.E2B != nil {
			raw, err := charts.E2B(f)
			if err != nil {
				t.Fatal(err)
			}
			m.match("e2b", want.E2B, reparse(t, raw))
		}
		for _, fault := range m.faults {
			t.Errorf("%s: %s", c.name, fault)
		}
		if len(m.faults) > 0 {
			t.Logf("%s: %s\n%.3000s", c.name, f.Alt, must(json.Marshal(whole)))
		}
	}
	return translated
}

func reparse(t *testing.T, v any) any {
	t.Helper()
	var back any
	if err := json.Unmarshal(must(json.Marshal(v)), &back); err != nil {
		t.Fatal(err)
	}
	if m, ok := back.(map[string]any); ok {
		delete(m, "png")
	}
	return back
}

func must(raw []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return raw
}

// matcher compares what is expected with what is there. Members that aren't
// expected are not looked at; lists are as long as they are expected.
type matcher struct {
	tolerance float64
	faults    []string
}

func (m *matcher) match(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		have, ok := got.(map[string]any)
		if !ok {
			m.fault(path, want, got)
			return
		}
		for key, value := range want {
			item, there := have[key]
			if value == "<absent>" {
				if there {
					m.fault(path+"."+key, value, item)
				}
				continue
			}
			m.match(path+"."+key, value, item)
		}
	case []any:
		have, ok := got.([]any)
		if !ok && len(want) == 0 && got == nil {
			return
		}
		if !ok || len(have) != len(want) {
			m.fault(path, want, got)
			return
		}
		for i := range want {
			if w, empty := want[i].([]any); empty && len(w) == 0 && strings.HasSuffix(path, ".points") {
				continue // a point that the cell doesn't look at
			}
			m.match(fmt.Sprintf("%s[%d]", path, i), want[i], have[i])
		}
	case float64:
		have, ok := got.(float64)
		if !ok || math.Abs(want-have) > m.tolerance*math.Max(1, math.Abs(want)) {
			m.fault(path, want, got)
		}
	default:
		if want != got {
			m.fault(path, want, got)
		}
	}
}

func (m *matcher) fault(path string, want, got any) {
	if len(m.faults) < 10 {
		m.faults = append(m.faults, fmt.Sprintf("%s: want %.300s, got %.300s", path, must(json.Marshal(want)), must(json.Marshal(got))))
	}
}
