package charts

import (
	"encoding/json"
	"fmt"
	"math"
	"time"
)

// daytonaChart is a chart as Daytona's clients read it. They are strict: points and
// ticks are numbers, a bar's value is a string. Unknown members are kept by all
// of them, so the whole figure goes along.
type daytonaChart struct {
	Type        string    `json:"type"`
	Title       string    `json:"title"`
	PNG         string    `json:"png,omitempty"`
	XLabel      string    `json:"x_label,omitempty"`
	YLabel      string    `json:"y_label,omitempty"`
	XTicks      []float64 `json:"x_ticks,omitempty"`
	YTicks      []float64 `json:"y_ticks,omitempty"`
	XTickLabels []string  `json:"x_tick_labels,omitempty"`
	YTickLabels []string  `json:"y_tick_labels,omitempty"`
	XScale      string    `json:"x_scale,omitempty"`
	YScale      string    `json:"y_scale,omitempty"`
	Elements    []any     `json:"elements"`
	Figure      *Figure   `json:"figure,omitempty"`
}

type daytonaPoints struct {
	Label  string       `json:"label"`
	Points [][2]float64 `json:"points"`
}

type daytonaBar struct {
	Label string `json:"label"`
	Group string `json:"group"`
	Value string `json:"value"`
}

type wedgeElement struct {
	Label  string  `json:"label"`
	Angle  float64 `json:"angle"`
	Radius float64 `json:"radius"`
}

type boxElement struct {
	Label         string  `json:"label"`
	Min           float64 `json:"min"`
	FirstQuartile float64 `json:"first_quartile"`
	Median        float64 `json:"median"`
	ThirdQuartile float64 `json:"third_quartile"`
	Max           float64 `json:"max"`
	Outliers      Column  `json:"outliers"`
}

// Daytona translates a figure into the JSON of Daytona's charts. The types are
// line, scatter, bar, pie, box_and_whisker, composite_chart and unknown. Dates become
// seconds since 1970, categories their places on the axis, with what to read in
// the tick labels. Points without a number in both coordinates are left out there; the
// member figure has them.
func Daytona(f *Figure) (json.RawMessage, error) {
	found := parts(f)
	var chart *daytonaChart
	switch len(found) {
	case 0:
		chart = &daytonaChart{Type: typeUnknown, Title: f.heading()}
	case 1:
		chart = found[0].daytona()
	default:
		chart = &daytonaChart{Type: typeComposite, Title: f.heading()}
		for _, p := range found {
			chart.Elements = append(chart.Elements, p.daytona())
		}
	}
	if chart.Elements == nil {
		chart.Elements = []any{}
	}
	chart.PNG = f.PNG
	whole := *f
	whole.PNG = ""
	chart.Figure = &whole
	raw, err := json.Marshal(chart)
	if err != nil {
		return nil, fmt.Errorf("encode chart: %w", err)
	}
	return raw, nil
}

// heading is the title of the whole.
func (f *Figure) heading() string {
	if f.Title != "" || len(f.Axes) != 1 {
		return f.Title
	}
	return f.Axes[0].Title
}

func (p part) daytona() *daytonaChart {
	c := &daytonaChart{Type: p.kind, Title: p.title, Elements: []any{}}
	x, y := newPlaces(p, false), newPlaces(p, true)
	if p.kind != typePie {
		c.XLabel, c.XTicks, c.XTickLabels, c.XScale = x.label(), x.ticks(), x.tickLabels(), x.scale()
		c.YLabel, c.YTicks, c.YTickLabels, c.YScale = y.label(), y.ticks(), y.tickLabels(), y.scale()
	}
	for i, s := range p.series {
		switch p.kind {
		case typeLine, typeScatter:
			c.Elements = append(c.Elements, daytonaPoints{s.Label, numericPoints(s, x, y)})
		case typeBar:
			for _, b := range p.bars(i) {
				c.Elements = append(c.Elements, daytonaBar{b.label, b.group, Number(b.value).String()})
			}
		case typePie:
			for _, w := range s.Wedges {
				c.Elements = append(c.Elements, wedgeElement{w.Label, w.Angle, w.Radius})
			}
		case typeBox:
			c.Elements = append(c.Elements, p.boxElements(i)...)
		}
	}
	return c
}

func (p part) boxElements(i int) []any {
	var all []any
	for _, b := range p.series[i].Boxes {
		if b.whole() {
			all = append(all, boxElement{
				p.boxLabel(i, b), *b.Min, *b.FirstQuartile, *b.Median, *b.ThirdQuartile, *b.Max, b.Outliers.finite(),
			})
		}
	}
	return all
}

// finite are the numbers of a column.
func (c Column) finite() Column {
	kept := make(Column, 0, len(c))
	for _, v := range c {
		if _, ok := v.Float(); ok {
			kept = append(kept, v)
		}
	}
	return kept
}

func numericPoints(s *Series, x, y places) [][2]float64 {
	xs, ys := s.points()
	points := make([][2]float64, 0, len(xs))
	for i := range min(len(xs), len(ys)) {
		px, ok := x.number(xs[i])
		py, also := y.number(ys[i])
		if ok && also {
			points = append(points, [2]float64{px, py})
		}
	}
	return points
}

// places turns the coordinates of one axis into numbers.
type places struct {
	axis       *Axis
	categories []string
	index      map[string]int
}

// newPlaces numbers the categories: those of the axis, then what else the series have.
func newPlaces(p part, vertical bool) places {
	pl := places{axis: p.axes.X, index: map[string]int{}}
	if vertical {
		pl.axis = p.axes.Y
	}
	if pl.axis == nil {
		pl.axis = &Axis{}
	}
	for _, c := range pl.axis.Categories {
		pl.add(c)
	}
	if pl.axis.Scale == Datetime {
		return pl
	}
	for _, s := range p.series {
		column := s.X
		if vertical {
			column = s.Y
		}
		if s.Kind == KindBar && (s.Orientation == Horizontal) == vertical {
			column = s.Category
		}
		for _, v := range column {
			if name, ok := v.Text(); ok {
				pl.add(name)
			}
		}
	}
	return pl
}

func (pl *places) add(name string) {
	if _, known := pl.index[name]; !known {
		pl.index[name] = len(pl.categories)
		pl.categories = append(pl.categories, name)
	}
}

func (pl places) label() string { return pl.axis.Label }

func (pl places) scale() string {
	if len(pl.categories) > 0 {
		return Categorical
	}
	return pl.axis.Scale
}

// number is where a value stands.
func (pl places) number(v Value) (float64, bool) {
	if x, ok := v.Float(); ok {
		return x, true
	}
	text, ok := v.Text()
	if !ok {
		return 0, false
	}
	if i, known := pl.index[text]; known {
		return float64(i), true
	}
	return epoch(text)
}

func (pl places) ticks() []float64 {
	if n := len(pl.categories); n > 0 {
		ticks := make([]float64, n)
		for i := range ticks {
			ticks[i] = float64(i)
		}
		return ticks
	}
	ticks, _ := pl.shown()
	return ticks
}

func (pl places) tickLabels() []string {
	if len(pl.categories) > 0 {
		return pl.categories
	}
	_, labels := pl.shown()
	return labels
}

// shown are the ticks that have a place, and their labels.
func (pl places) shown() (ticks []float64, labels []string) {
	for i, v := range pl.axis.Ticks {
		at, ok := pl.number(v)
		if !ok {
			continue
		}
		ticks = append(ticks, at)
		label := v.String()
		if i < len(pl.axis.TickLabels) {
			label = pl.axis.TickLabels[i]
		}
		labels = append(labels, label)
	}
	return ticks, labels
}

// epoch reads an ISO 8601 date as seconds since 1970; one without an offset is
// taken for UTC.
func epoch(text string) (float64, bool) {
	for _, layout := range []string{"2006-01-02", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02T15:04", "2006-01"} {
		if t, err := time.Parse(layout, text); err == nil {
			return float64(t.Unix()) + math.Round(float64(t.Nanosecond())/1e3)/1e6, true
		}
	}
	return 0, false
}
