package charts

import (
	"encoding/json"
	"fmt"
)

// The charts of E2B's clients. They ask for each member of a type by name and
// fail where one is missing, so none is ever left out.
type (
	e2bChart struct {
		Type     string `json:"type"`
		Title    string `json:"title"`
		Elements []any  `json:"elements"`
	}
	e2bPlane struct {
		e2bChart
		XLabel *string `json:"x_label"`
		YLabel *string `json:"y_label"`
		XUnit  *string `json:"x_unit"`
		YUnit  *string `json:"y_unit"`
	}
	e2bPointChart struct {
		e2bPlane
		XTicks      Column   `json:"x_ticks"`
		XTickLabels []string `json:"x_tick_labels"`
		XScale      string   `json:"x_scale"`
		YTicks      Column   `json:"y_ticks"`
		YTickLabels []string `json:"y_tick_labels"`
		YScale      string   `json:"y_scale"`
	}
	e2bPoints struct {
		Label  string     `json:"label"`
		Points [][2]Value `json:"points"`
	}
	e2bBar struct {
		Label string `json:"label"`
		Group string `json:"group"`
		Value Value  `json:"value"`
	}
)

// E2B translates a figure into the JSON of E2B's charts, whose types are line,
// scatter, bar, pie, box_and_whisker, superchart and unknown. Dates are ISO
// texts, categories their names. A figure in which nothing is drawn has no chart: nil.
func E2B(f *Figure) (json.RawMessage, error) {
	found := parts(f)
	var chart any
	switch len(found) {
	case 0:
		if f.Reason == "" {
			return nil, nil
		}
		chart = e2bChart{typeUnknown, f.heading(), []any{}}
	case 1:
		chart = found[0].e2b()
	default:
		super := e2bChart{Type: typeSuper, Title: f.heading()}
		for _, p := range found {
			super.Elements = append(super.Elements, p.e2b())
		}
		chart = super
	}
	raw, err := json.Marshal(chart)
	if err != nil {
		return nil, fmt.Errorf("encode chart: %w", err)
	}
	return raw, nil
}

func (p part) e2b() any {
	base := e2bChart{p.kind, p.title, p.e2bElements()}
	plane := e2bPlane{base, given(p.axes.X, axisLabel), given(p.axes.Y, axisLabel), given(p.axes.X, axisUnit), given(p.axes.Y, axisUnit)}
	switch p.kind {
	case typeLine, typeScatter:
		c := e2bPointChart{e2bPlane: plane}
		c.XTicks, c.XTickLabels, c.XScale = e2bTicks(p.axes.X)
		c.YTicks, c.YTickLabels, c.YScale = e2bTicks(p.axes.Y)
		return c
	case typeBar, typeBox:
		return plane
	default:
		return base
	}
}

func (p part) e2bElements() []any {
	all := []any{}
	for i, s := range p.series {
		switch p.kind {
		case typeLine, typeScatter:
			all = append(all, e2bPoints{s.Label, s.wholePoints()})
		case typeBar:
			for _, b := range p.bars(i) {
				all = append(all, e2bBar{b.label, b.group, Number(b.value)})
			}
		case typePie:
			for _, w := range s.Wedges {
				all = append(all, wedgeElement{w.Label, w.Angle, w.Radius})
			}
		case typeBox:
			all = append(all, p.boxElements(i)...)
		}
	}
	return all
}

// wholePoints are those that have both coordinates.
func (s *Series) wholePoints() [][2]Value {
	xs, ys := s.points()
	points := make([][2]Value, 0, len(xs))
	for i := range min(len(xs), len(ys)) {
		if !xs[i].IsZero() && !ys[i].IsZero() {
			points = append(points, [2]Value{xs[i], ys[i]})
		}
	}
	return points
}

// given is a text of an axis, or null.
func given(a *Axis, text func(*Axis) string) *string {
	s := text(a)
	if s == "" {
		return nil
	}
	return &s
}

func axisUnit(a *Axis) string {
	if a == nil {
		return ""
	}
	return a.Unit
}

func e2bTicks(a *Axis) (ticks Column, labels []string, scale string) {
	if a == nil {
		return Column{}, []string{}, Linear
	}
	ticks, labels, scale = a.Ticks, a.TickLabels, a.Scale
	if a.Scale == Categorical && len(a.Categories) > 0 {
		ticks, labels = Names(a.Categories...), a.Categories
	}
	if ticks == nil {
		ticks = Column{}
	}
	if labels == nil {
		labels = []string{}
	}
	if scale == "" {
		scale = Linear
	}
	return ticks, labels, scale
}
