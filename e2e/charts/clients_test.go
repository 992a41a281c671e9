package charts_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"

	"hotcell/e2e/testserver"
)

// parsed is what Daytona's client makes of a chart.
type parsed struct {
	Type     string
	Class    string
	Elements int
	Figure   bool
	Nested   []int
}

// clients has the client that checks types most strictly read every chart.
func clients(t *testing.T, translated []json.RawMessage) {
	t.Helper()
	input, err := json.Marshal(translated)
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), testserver.ClientPython(t), "scripts/parse.py")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var all []parsed
	if err := json.Unmarshal(stdout.Bytes(), &all); err != nil || len(all) != len(translated) {
		t.Fatalf("%d of %d charts: %v", len(all), len(translated), err)
	}
	classes := map[string]string{
		"line": "LineChart", "scatter": "ScatterChart", "bar": "BarChart", "pie": "PieChart",
		"box_and_whisker": "BoxAndWhiskerChart", "composite_chart": "CompositeChart", "unknown": "Chart",
	}
	for i, p := range all {
		var sent struct {
			Type     string
			Elements []struct{ Elements []any }
		}
		if err := json.Unmarshal(translated[i], &sent); err != nil {
			t.Fatal(err)
		}
		if p.Type != sent.Type || p.Class != classes[sent.Type] || p.Elements != len(sent.Elements) || !p.Figure {
			t.Errorf("chart %d, a %s of %d elements, became %+v", i+1, sent.Type, len(sent.Elements), p)
		}
		for j, n := range p.Nested {
			if n != len(sent.Elements[j].Elements) {
				t.Errorf("chart %d: %d elements of sub-chart %d were kept, not %d", i+1, n, j+1, len(sent.Elements[j].Elements))
			}
		}
	}
}
