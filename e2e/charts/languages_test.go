package charts_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
	"hotcell/e2e/testserver"
)

// TestLanguages shows a chart from languages that have no matplotlib, as docs/charts.md says.
func TestLanguages(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for language, code := range map[string]string{
		"javascript": `display({"application/vnd.vegalite.v5+json": {
  mark: "bar",
  data: {values: [{day: "mon", sold: 3}, {day: "tue", sold: 5}]},
  encoding: {x: {field: "day"}, y: {field: "sold"}},
}}, {raw: true})`,
		"go": `import "hotcell/display"

display.Bundle(map[string]any{"application/vnd.plotly.v1+json": map[string]any{
	"data": []any{map[string]any{"type": "bar", "x": []string{"mon", "tue"}, "y": []int{3, 5}}},
}})`,
	} {
		r := &room{t: t, base: s.URL, key: s.Key}
		r.context(language)
		found := r.ok(code).figures(t)
		if len(found) != 1 || len(found[0].Axes) != 1 || len(found[0].Axes[0].Series) != 1 {
			t.Errorf("%s: %d figures", language, len(found))
			continue
		}
		bars := found[0].Axes[0].Series[0]
		if d := cmp.Diff([]charts.Column{charts.Names("mon", "tue"), charts.Numbers(3, 5)}, []charts.Column{bars.Category, bars.Value}); d != "" {
			t.Errorf("%s: %s", language, d)
		}
	}
}
