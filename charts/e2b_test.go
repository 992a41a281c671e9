package charts_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
)

// The clients ask for every one of these members by name.
func TestE2B(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ figure, want string }{
		"line": {
			`{"axes":[{"kind":"cartesian","title":"T","x":{"label":"t (s)","unit":"s","scale":"datetime","ticks":["2024-01-01"],"tick_labels":["Jan"]},
			"series":[{"kind":"line","label":"a","x":["2024-01-01","2024-01-02"],"y":[1.5,null]}]}]}`,
			`{"type":"line","title":"T","elements":[{"label":"a","points":[["2024-01-01",1.5]]}],"x_label":"t (s)","y_label":null,"x_unit":"s","y_unit":null,
			"x_ticks":["2024-01-01"],"x_tick_labels":["Jan"],"x_scale":"datetime","y_ticks":[],"y_tick_labels":[],"y_scale":"linear"}`,
		},
		"categories": {
			`{"axes":[{"kind":"cartesian","x":{"scale":"categorical","categories":["a","b"],"ticks":[0,1],"tick_labels":["a","b"]},"series":[{"kind":"scatter","x":["b"],"y":[1]}]}]}`,
			`{"type":"scatter","title":"","elements":[{"label":"","points":[["b",1]]}],"x_label":null,"y_label":null,"x_unit":null,"y_unit":null,
			"x_ticks":["a","b"],"x_tick_labels":["a","b"],"x_scale":"categorical","y_ticks":[],"y_tick_labels":[],"y_scale":"linear"}`,
		},
		"bars": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"bar","label":"g","category":["a"],"value":[2.5]}]}]}`,
			`{"type":"bar","title":"","elements":[{"label":"a","group":"g","value":2.5}],"x_label":null,"y_label":null,"x_unit":null,"y_unit":null}`,
		},
		"pie": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"pie","wedges":[{"label":"x","angle":90,"radius":1}]}]}]}`,
			`{"type":"pie","title":"","elements":[{"label":"x","angle":90,"radius":1}]}`,
		},
		"box": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"box","boxes":[{"label":"1","position":1,"min":1,"first_quartile":2,"median":3,"third_quartile":4,"max":5,"outliers":[9]}]}]}]}`,
			`{"type":"box_and_whisker","title":"","elements":[{"label":"1","min":1,"first_quartile":2,"median":3,"third_quartile":4,"max":5,"outliers":[9]}],"x_label":null,"y_label":null,"x_unit":null,"y_unit":null}`,
		},
		"several": {
			`{"title":"S","axes":[{"kind":"cartesian","title":"P","series":[{"kind":"pie","wedges":[]}]},{"kind":"cartesian","series":[{"kind":"heatmap","values":[[1]]}]},{"kind":"cartesian","series":[]}]}`,
			`{"type":"superchart","title":"S","elements":[{"type":"pie","title":"P","elements":[]},{"type":"unknown","title":"","elements":[]}]}`,
		},
		"unreadable": {`{"title":"S","axes":[],"reason":"x"}`, `{"type":"unknown","title":"S","elements":[]}`},
		"blank":      {`{"axes":[{"kind":"cartesian","series":[]}]}`, `null`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := charts.E2B(decoded(t, c.figure))
			if err != nil {
				t.Fatal(err)
			}
			var want, got any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if raw != nil {
				if err := json.Unmarshal(raw, &got); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
		})
	}
}
