package charts_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
	"hotcell/internal/wire"
)

func TestFromBundle(t *testing.T) {
	t.Parallel()
	const plotly = `{"data":[{"type":"scatter","x":[1,2],"y":{"dtype":"f4","bdata":"AACAPwAAAEA="}}],"layout":{"title":{"text":"T"}}}`
	const lite = `{"title":"T","mark":"line","data":{"values":[{"a":1,"b":1},{"a":2,"b":2}]},"encoding":{"x":{"field":"a","type":"quantitative"},"y":{"field":"b","type":"quantitative"}}}`
	const vega = `{"title":"T","data":[{"name":"d","values":[{"a":1,"b":1},{"a":2,"b":2}]}],"marks":[{"type":"line","from":{"data":"d"},"encode":{"enter":{"x":{"scale":"x","field":"a"},"y":{"scale":"y","field":"b"}}}}]}`
	quoted := func(s string) string {
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	for name, b := range map[string]wire.Bundle{
		"model":          {charts.MIME: json.RawMessage(`{"axes":[{"kind":"cartesian","title":"T","series":[{"kind":"line","x":[1,2],"y":[1,2]}]}]}`)},
		"plotly":         {"application/vnd.plotly.v1+json": json.RawMessage(plotly)},
		"plotly as text": {"application/vnd.plotly.v1+json": json.RawMessage(quoted(plotly))},
		"plotly page":    {"text/html": json.RawMessage(quoted(`<div id="x"></div><script>Plotly.newPlot("x", [{"y":[1,2],"x":[1,2]}], {"title":{"text":"T"}}, {"responsive": true});</script>`))},
		"vega-lite":      {"application/vnd.vegalite.v5+json": json.RawMessage(lite), "text/plain": json.RawMessage(`"alt.Chart"`)},
		"newer":          {"application/vnd.vegalite.v6.json": json.RawMessage(lite)},
		"vega":           {"application/vnd.vega.v5+json": json.RawMessage(vega)},
		"altair page":    {"text/html": json.RawMessage(quoted(`<script>(function(spec, embedOpt){ if (a) { b } })(` + lite + `, {"mode": "vega-lite"});</script>`))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b["image/png"] = json.RawMessage(`"iVBO"`)
			f, err := charts.FromBundle(b)
			if err != nil || f == nil || len(f.Axes) != 1 || len(f.Axes[0].Series) != 1 {
				t.Fatalf("%+v, %v", f, err)
			}
			s := f.Axes[0].Series[0]
			if s.Kind != charts.KindLine || f.PNG != "iVBO" || f.Title+f.Axes[0].Title != "T" || !strings.Contains(f.Alt, "line chart") {
				t.Errorf("%+v in %+v", s, f)
			}
			if d := cmp.Diff([]charts.Column{charts.Numbers(1, 2), charts.Numbers(1, 2)}, []charts.Column{s.X, s.Y}); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	const figure = `{"source":"plotly","alt":"A line chart, 1 point.","axes":[{"kind":"cartesian","x":{"scale":"linear"},"y":{"scale":"linear"},` +
		`"series":[{"kind":"line","count":1,"x":[1],"y":[2]}]}]}`
	plain := wire.Bundle{"text/plain": json.RawMessage(`"x"`)}
	forged := wire.Bundle{charts.MIME: json.RawMessage(`{"axes":7}`)}
	sent := wire.Bundle{"application/vnd.plotly.v1+json": json.RawMessage(`{"data":[{"x":[1],"y":[2]}]}`)}
	for name, c := range map[string]struct {
		bundle wire.Bundle
		want   string
		fails  bool
	}{
		"no chart": {plain, "", false},
		"forged":   {forged, `{"axes":7}`, true},
		"plotly":   {sent, figure, false},
		"model":    {wire.Bundle{charts.MIME: json.RawMessage(`{"axes":[]}`)}, `{"alt":"An empty figure.","axes":[]}`, false},
	} {
		got, err := charts.Complete(c.bundle)
		if (err != nil) != c.fails || string(got[charts.MIME]) != c.want {
			t.Errorf("%s: %s, %v", name, got[charts.MIME], err)
		}
	}
	if sent[charts.MIME] != nil {
		t.Error("the bundle that was handed in has changed")
	}
}

func TestFromBundleWithoutChart(t *testing.T) {
	t.Parallel()
	f, err := charts.FromBundle(wire.Bundle{"text/html": json.RawMessage(`"<table></table>"`), "image/png": json.RawMessage(`"iVBO"`)})
	if f != nil || err != nil {
		t.Errorf("%+v, %v", f, err)
	}
	_, err = charts.FromBundle(wire.Bundle{charts.MIME: json.RawMessage(`{"axes":7}`)})
	var invalid *charts.InvalidError
	if !errors.As(err, &invalid) {
		t.Errorf("forged: %v", err)
	}
}

// FuzzFromBundle hands anything to every reader, and what comes out to every translation.
func FuzzFromBundle(f *testing.F) {
	for _, seed := range []string{
		`{"data":[{"type":"bar","x":["a"],"y":{"dtype":"f8","bdata":"AAAAAAAA8D8=","shape":"1"}},{"type":"box","y":[1,2]},{"type":"pie","labels":["a"],"values":[1]},{"type":"heatmap","z":[[1,2]]},{"type":"histogram","x":[1],"xbins":{"start":0,"end":2,"size":1}}],"layout":{"xaxis":{"type":"log","range":[0,1]},"shapes":[{"y0":1,"y1":1,"xref":"paper"}]}}`,
		`{"layer":[{"mark":"bar"},{"mark":{"type":"rule"}}],"data":{"values":[{"a":1,"b":"x"},{"a":2,"b":"y"}]},"encoding":{"x":{"field":"b"},"y":{"aggregate":"sum","field":"a"},"color":{"field":"b"}}}`,
		`{"hconcat":[{"mark":"rect","data":{"values":[{"a":1,"b":"x"}]},"encoding":{"x":{"field":"b"},"y":{"field":"b"},"color":{"field":"a"}}},{"mark":"bar","encoding":{"x":{"bin":true,"field":"a"},"y":{"aggregate":"count"}}}],"data":{"values":[{"a":1}]}}`,
		`{"data":[{"name":"d","values":[{"a":1}]}],"marks":[{"type":"rect","from":{"data":"d"},"encode":{"enter":{"x":{"scale":"x","field":"a"},"y2":{"value":0},"y":{"scale":"y","field":"a"}}}}]}`,
		`{"roots":[{"name":"Figure","id":"1","attributes":{"renderers":[{"name":"GlyphRenderer","id":"2","attributes":{"glyph":{"name":"VBar","id":"3","attributes":{"x":{"field":"x"},"top":{"expr":{"name":"Stack","attributes":{"fields":["x"]}}}}},"data_source":{"name":"S","id":"4","attributes":{"data":{"type":"map","entries":[["x",{"type":"ndarray","array":{"data":"H4sIAAEAAAAA/2NgAAEBBzDFIAKlJRwAkAg01BgAAAA="},"dtype":"float64"}]]}}}}}]}}]}`,
	} {
		for kind := range 4 {
			f.Add(kind, seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind int, raw string) {
		var b wire.Bundle
		switch kind & 3 {
		case 0:
			b = wire.Bundle{"application/vnd.plotly.v1+json": json.RawMessage(raw)}
		case 1:
			b = wire.Bundle{"application/vnd.vegalite.v5+json": json.RawMessage(raw)}
		case 2:
			b = wire.Bundle{"application/vnd.vega.v5+json": json.RawMessage(raw)}
		default:
			page, err := json.Marshal("docs_json = {\"x\":" + raw + "}")
			if err != nil {
				return
			}
			b = wire.Bundle{"text/html": page}
		}
		figure, err := charts.FromBundle(b)
		if err != nil || figure == nil {
			return
		}
		if _, err := charts.Daytona(figure); err != nil {
			t.Fatalf("daytona: %v", err)
		}
		if _, err := charts.E2B(figure); err != nil {
			t.Fatalf("e2b: %v", err)
		}
		var s strings.Builder
		if err := charts.CSV(&s, figure); err != nil {
			t.Fatalf("csv: %v", err)
		}
		again, err := json.Marshal(figure)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		if _, err := charts.Decode(again); err != nil {
			t.Fatalf("decode %s: %v", again, err)
		}
	})
}
