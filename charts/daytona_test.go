package charts_test

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
)

func decoded(t *testing.T, raw string) *charts.Figure {
	t.Helper()
	f, err := charts.Decode(json.RawMessage(raw))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// translated is the Daytona form without the figure, which has tests of its own.
func translated(t *testing.T, f *charts.Figure) map[string]any {
	t.Helper()
	raw, err := charts.Daytona(f)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatal(err)
	}
	if m["figure"] == nil {
		t.Errorf("no figure in %s", raw)
	}
	delete(m, "figure")
	return m
}

func TestDaytona(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ figure, want string }{
		"line": {
			`{"axes":[{"kind":"cartesian","title":"T","x":{"label":"t (s)","scale":"linear","ticks":[0,1],"tick_labels":["0","1"]},
			"series":[{"kind":"line","label":"a","x":[0,1,2],"y":[1.5,null,3]}]}]}`,
			`{"type":"line","title":"T","x_label":"t (s)","x_ticks":[0,1],"x_tick_labels":["0","1"],"x_scale":"linear",
			"elements":[{"label":"a","points":[[0,1.5],[2,3]]}]}`,
		},
		"dates": {
			`{"axes":[{"kind":"cartesian","x":{"scale":"datetime","ticks":["2024-01-01"],"tick_labels":["Jan"]},
			"series":[{"kind":"scatter","x":["2024-01-01","2024-01-01T00:00:00.5","2024-01-01T01:00:00+01:00",null],"y":[1,2,3,4]}]}]}`,
			`{"type":"scatter","title":"","x_ticks":[1704067200],"x_tick_labels":["Jan"],"x_scale":"datetime",
			"elements":[{"label":"","points":[[1704067200,1],[1704067200.5,2],[1704067200,3]]}]}`,
		},
		"categories": {
			`{"axes":[{"kind":"cartesian","x":{"scale":"categorical","categories":["a","b","c"],"ticks":[0,1,2],"tick_labels":["a","b","c"]},
			"series":[{"kind":"line","x":["c","a"],"y":[1,2]}]}]}`,
			`{"type":"line","title":"","x_ticks":[0,1,2],"x_tick_labels":["a","b","c"],"x_scale":"categorical",
			"elements":[{"label":"","points":[[2,1],[0,2]]}]}`,
		},
		"bars": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"bar","label":"g","category":["a","b"],"value":[2,0.1]},{"kind":"bar","category":[1.5,2],"value":[null,1e21]}]}]}`,
			`{"type":"bar","title":"","x_ticks":[0,1],"x_tick_labels":["a","b"],"x_scale":"categorical",
			"elements":[{"label":"a","group":"g","value":"2"},{"label":"b","group":"g","value":"0.1"},{"label":"2","group":"2","value":"1000000000000000000000"}]}`,
		},
		"histogram": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"histogram","edges":[0,0.5,1],"counts":[3,4]}]}]}`,
			`{"type":"bar","title":"","elements":[{"label":"0 – 0.5","group":"","value":"3"},{"label":"0.5 – 1","group":"","value":"4"}]}`,
		},
		"pie": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"pie","wedges":[{"label":"x","angle":90,"radius":1,"fraction":0.25}]}]}]}`,
			`{"type":"pie","title":"","elements":[{"label":"x","angle":90,"radius":1}]}`,
		},
		"boxes": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"box","boxes":[{"label":"1","position":1,"min":1,"first_quartile":2,"median":3,"third_quartile":4,"max":5,"outliers":[9,null]},
			{"label":"2","position":2,"min":null,"first_quartile":null,"median":null,"third_quartile":null,"max":null,"outliers":[]}]}]}]}`,
			`{"type":"box_and_whisker","title":"","elements":[{"label":"1","min":1,"first_quartile":2,"median":3,"third_quartile":4,"max":5,"outliers":[9]}]}`,
		},
		"stacked areas": {
			`{"axes":[{"kind":"cartesian","series":[{"kind":"area","arrangement":"stacked","orientation":"vertical","x":[1,2],"y":[0.1,1],"base":[0,0]},{"kind":"area","arrangement":"stacked","orientation":"vertical","x":[1,2],"y":[0.3,3],"base":[0.1,1]}]}]}`,
			`{"type":"line","title":"","elements":[{"label":"","points":[[1,0.1],[2,1]]},{"label":"","points":[[1,0.2],[2,2]]}]}`,
		},
		"composite": {
			`{"title":"S","axes":[{"kind":"cartesian","title":"A","series":[{"kind":"line","x":[1],"y":[2]},{"kind":"scatter","x":[3],"y":[4]}]},{"kind":"cartesian","series":[]},{"kind":"3d","series":[{"kind":"line","x":[1],"y":[2],"z":[3]}]}]}`,
			`{"type":"composite_chart","title":"S","elements":[{"type":"line","title":"A","elements":[{"label":"","points":[[1,2]]}]},{"type":"scatter","title":"A","elements":[{"label":"","points":[[3,4]]}]},{"type":"unknown","title":"","elements":[]}]}`,
		},
		"empty": {`{"title":"nothing","axes":[{"kind":"cartesian","series":[]}]}`, `{"type":"unknown","title":"nothing","elements":[]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var want map[string]any
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(want, translated(t, decoded(t, c.figure))); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDaytonaKeepsFigureAndPicture(t *testing.T) {
	t.Parallel()
	f := decoded(t, `{"axes":[]}`)
	f.PNG = "iVBORw0KGgo="
	raw, err := charts.Daytona(f)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"type":"unknown","title":"","png":"iVBORw0KGgo=","elements":[],"figure":{"alt":"An empty figure.","axes":[]}}`
	if d := cmp.Diff(want, string(raw)); d != "" {
		t.Error(d)
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ raw, want string }{
		"nothing":          {``, "chart: EOF"},
		"null":             {`null`, "chart: it is null"},
		"more":             {`{"axes":[]}{}`, "chart: something follows the figure"},
		"unknown member":   {`{"axes":[],"x":1}`, `chart: json: unknown field "x"`},
		"null axes":        {`{"axes":[null]}`, "chart: axes 1: it is null"},
		"null series":      {`{"axes":[{"kind":"polar","series":[null]}]}`, "chart: axes 1, series 1: it is null"},
		"kind of axes":     {`{"axes":[{"kind":"flat","series":[]}]}`, `chart: axes 1: kind "flat"; cartesian, polar, 3d and geo are known`},
		"kind of series":   {`{"axes":[{"kind":"polar","series":[{"kind":"x"}]}]}`, `chart: axes 1, series 1: kind "x" isn't known`},
		"lengths":          {`{"axes":[{"kind":"polar","series":[{"kind":"line","x":[1],"y":[1,2]}]}]}`, "chart: axes 1, series 1: 1 values in x and 2 in y"},
		"edges":            {`{"axes":[{"kind":"polar","series":[{"kind":"histogram","edges":[1],"counts":[1,2]}]}]}`, "chart: axes 1, series 1: 1 edges of 2 bins"},
		"a value":          {`{"axes":[{"kind":"polar","series":[{"kind":"line","x":[true]}]}]}`, "chart: value 1: a number, a text or null was expected"},
		"no list":          {`{"axes":[{"kind":"polar","series":[{"kind":"line","x":{}}]}]}`, "chart: a list of values was expected"},
		"too large number": {`{"axes":[{"kind":"polar","series":[{"kind":"line","x":[1e999]}]}]}`, `chart: value 1: 1e999 is no number that fits: strconv.ParseFloat: parsing "1e999": value out of range`},
		"layout":           {`{"axes":[],"layout":{"twins":[[0,1]]}}`, "chart: layout: there are no axes 0"},
		"half of an error": {`{"axes":[{"kind":"3d","series":[{"kind":"bar","value":[0],"errors":{"y":{"low":[1]}}}]}]}`, "chart: axes 1, series 1: errors.y needs both low and high"},
		"ragged":           {`{"axes":[{"kind":"polar","series":[{"kind":"heatmap","values":[[1],[1,2]]}]}]}`, "chart: axes 1, series 1: row 2 of the values has 2, the first 1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := charts.Decode(json.RawMessage(c.raw))
			var invalid *charts.InvalidError
			if !errors.As(err, &invalid) || err.Error() != c.want {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"title":"a","axes":[{"kind":"cartesian","x":{"scale":"datetime","ticks":["2024-01-01"],"tick_labels":["a"],"limits":[1,2]},"series":[{"kind":"line","x":[1,"a\"b",null],"y":[1e3,-2.5,0]}]}]}`)
	f.Add(`{"axes":[{"kind":"3d","series":[{"kind":"bar","category":["a"],"value":[1],"base":[0],"errors":{"y":{"low":[1],"high":[2]}}},{"kind":"histogram","edges":[0,1],"counts":[1]}]}]}`)
	f.Add(`{"axes":[{"kind":"polar","series":[{"kind":"box","boxes":[{"label":"","position":1,"min":1,"first_quartile":1,"median":1,"third_quartile":1,"max":1,"outliers":[]}]},{"kind":"pie","wedges":[{}]},{"kind":"heatmap","values":[[1,2],[3,4]]}]}]}`)
	f.Fuzz(func(t *testing.T, raw string) {
		figure, err := charts.Decode(json.RawMessage(raw))
		if err != nil {
			return
		}
		if _, err := charts.Daytona(figure); err != nil {
			t.Fatalf("translate: %v", err)
		}
		again, err := json.Marshal(figure)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		if _, err := charts.Decode(again); err != nil {
			t.Fatalf("decode %s again: %v", again, err)
		}
	})
}
