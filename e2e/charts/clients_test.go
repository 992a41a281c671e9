package charts_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"testing"

	"hotcell/e2e/testserver"
)

// parsed is what Daytona's client makes of a chart.
type parsed struct {
	Type     string
	Class    string // Python
	Elements int
	Figure   bool
	Nested   []int
	Fits     bool // TypeScript
}

// clients has the clients read every chart: Python's, which checks types strictly, and
// TypeScript's, whose types are only said.
func clients(t *testing.T, translated []json.RawMessage) {
	t.Helper()
	input, err := json.Marshal(translated)
	if err != nil {
		t.Fatal(err)
	}
	classes := map[string]string{
		"line": "LineChart", "scatter": "ScatterChart", "bar": "BarChart", "pie": "PieChart",
		"box_and_whisker": "BoxAndWhiskerChart", "composite_chart": "CompositeChart", "unknown": "Chart",
	}
	for i, p := range parse(t, input, len(translated), testserver.ClientPython(t), "scripts/parse.py") {
		if kind := kept(t, p, i, translated[i]); p.Class != classes[kind] {
			t.Errorf("chart %d, a %s, became a %s in Python", i+1, kind, p.Class)
		}
	}
	for i, p := range parse(t, input, len(translated), "node", "scripts/parse.mjs") {
		if kind := kept(t, p, i, translated[i]); !p.Fits {
			t.Errorf("chart %d, a %s, isn't what TypeScript's types say: %.2000s", i+1, kind, translated[i])
		}
	}
}

func parse(t *testing.T, input []byte, n int, program, script string) (all []parsed) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, script)
	cmd.Env = append(os.Environ(), "HOTCELL_E2E_NODE_MODULES="+testserver.NodeModules(t))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	if err := json.Unmarshal(stdout.Bytes(), &all); err != nil || len(all) != n {
		t.Fatalf("%s: %d of %d charts: %v", script, len(all), n, err)
	}
	return all
}

// kept compares what a client has with what was sent, whose type it returns.
func kept(t *testing.T, p parsed, i int, raw json.RawMessage) string {
	t.Helper()
	var sent struct {
		Type     string
		Elements []struct{ Elements []any }
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		t.Fatal(err)
	}
	if p.Type != sent.Type || p.Elements != len(sent.Elements) || !p.Figure {
		t.Errorf("chart %d, a %s of %d elements, became %+v", i+1, sent.Type, len(sent.Elements), p)
	}
	for j, n := range p.Nested {
		if n != len(sent.Elements[j].Elements) {
			t.Errorf("chart %d: %d elements of sub-chart %d were kept, not %d", i+1, n, j+1, len(sent.Elements[j].Elements))
		}
	}
	return sent.Type
}
