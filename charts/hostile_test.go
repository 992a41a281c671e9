package charts_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hotcell/charts"
	"hotcell/internal/wire"
)

// TestHostile hands over what user code could make to cost the server time or memory.
func TestHostile(t *testing.T) {
	t.Parallel()
	rows := func(n int, row func(int) string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = row(i)
		}
		return strings.Join(all, ",")
	}
	var zeros bytes.Buffer
	z := gzip.NewWriter(&zeros)
	if _, err := z.Write(make([]byte, 16<<20)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		mime, raw string
		refused   bool
	}{
		"objects":       {charts.MIME, `{"axes":[` + rows(100_000, func(int) string { return "{}" }) + `]}`, true},
		"commas":        {charts.MIME, `{"axes":[{"kind":"polar","series":[{"kind":"line","x":[` + strings.Repeat("0,", 2_000_000) + `0]}]}]}`, true},
		"deep":          {"application/vnd.vegalite.v5+json", strings.Repeat(`{"layer":[`, 5000) + strings.Repeat(`]}`, 5000), false},
		"lists":         {"application/vnd.plotly.v1+json", `{"data":` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `}`, false},
		"rows":          {"application/vnd.vegalite.v5+json", `{"data":{"values":[` + rows(300_000, func(int) string { return "{}" }) + `]}}`, true},
		"facets":        {"application/vnd.vegalite.v5+json", `{"mark":"bar","encoding":{"x":{"field":"a"},"row":{"field":"a"},"column":{"field":"a"}},"data":{"values":[` + rows(20_000, func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }) + `]}}`, false},
		"colours":       {"application/vnd.vegalite.v5+json", `{"mark":"bar","encoding":{"x":{"field":"a"},"y":{"field":"a"},"color":{"field":"a","type":"nominal"}},"data":{"values":[` + rows(20_000, func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }) + `]}}`, false},
		"layers":        {"application/vnd.vegalite.v5+json", `{"layer":[` + rows(1000, func(int) string { return `{"mark":"line"}` }) + `],"encoding":{"x":{"field":"a"},"y":{"field":"a"}},"data":{"values":[` + rows(20_000, func(i int) string { return fmt.Sprintf(`{"a":%d}`, i) }) + `]}}`, false},
		"stacks":        {"application/vnd.plotly.v1+json", `{"layout":{"barmode":"stack"},"data":[` + rows(600, func(int) string { return `{"type":"bar","y":[` + strings.Repeat("1,", 500) + `1]}` }) + `]}`, false},
		"shapes":        {"application/vnd.plotly.v1+json", `{"data":[{"y":[1]}],"layout":{"shapes":[` + rows(20_000, func(int) string { return `{"xref":"paper"}` }) + `]}}`, false},
		"unpacks large": {"text/html", string(must(json.Marshal(`docs_json = {"x":{"roots":[{"name":"Figure","id":"1","attributes":{"renderers":[{"name":"GlyphRenderer","id":"2","attributes":{"glyph":{"name":"Line","id":"3","attributes":{}},"data_source":{"name":"S","id":"4","attributes":{"data":{"type":"map","entries":[["x",{"type":"ndarray","array":{"data":"` + base64.StdEncoding.EncodeToString(zeros.Bytes()) + `"},"dtype":"float64"}]]}}}}}]}}]}}`))), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			f, err := charts.FromBundle(wire.Bundle{c.mime: json.RawMessage(c.raw)})
			var invalid *charts.InvalidError
			if c.refused != errors.As(err, &invalid) {
				t.Errorf("%+v, %v", f, err)
			}
			if f != nil {
				must(charts.Daytona(f))
			}
			// A tenth of a second or two on an idle machine; what is quadratic takes minutes.
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
