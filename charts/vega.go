package charts

import "encoding/json"

// readVega reads a specification of vega itself, https://vega.github.io/vega/docs/specification/,
// as far as its marks show values that it carries; what it computes isn't computed here.
func readVega(raw json.RawMessage) (*Figure, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	f := &Figure{Source: "vega", Title: titleOf(digObject(v)), Axes: []*Axes{}}
	a := &Axes{Kind: Cartesian, Series: []*Series{}, X: &Axis{}, Y: &Axis{}}
	data := map[string][]object{}
	for _, d := range digList(v, "data") {
		if l := digList(d, "values"); l != nil && len(digList(d, "transform")) == 0 {
			for _, row := range l {
				if o, ok := row.(object); ok {
					data[digText(d, "name")] = append(data[digText(d, "name")], o)
				}
			}
		}
	}
	for _, axis := range digList(v, "axes") {
		target := a.X
		if o := digText(axis, "orient"); o == "left" || o == "right" {
			target = a.Y
		}
		if title, ok := dig(axis, "title").(string); ok {
			target.Label, target.Unit = title, unitOf(title)
		}
	}
	for _, mark := range digList(v, "marks") {
		if len(a.Series) >= maxSeries {
			a.Omitted++
			continue
		}
		s := vegaMark(mark, data)
		s.thin()
		a.Series = append(a.Series, s)
	}
	a.settle()
	f.Axes = append(f.Axes, a)
	return f, nil
}

func vegaMark(mark any, data map[string][]object) *Series {
	kind := digText(mark, "type")
	rows, ok := data[digText(mark, "from", "data")]
	channels := object{}
	for _, set := range []string{"enter", "update"} {
		for k, v := range digObject(mark, "encode", set) {
			if o, ok := v.(object); ok {
				channels[k] = o
			}
		}
	}
	field := func(channel string) string {
		if digText(channels, channel, "scale") == "" || dig(channels, channel, "signal") != nil {
			return ""
		}
		return digText(channels, channel, "field")
	}
	x, y := field("x"), field("y")
	if !ok || x == "" && y == "" {
		return unknown("a %.40s of vega whose values are computed when it is drawn", kind)
	}
	xs, ys := fieldOf(rows, x), fieldOf(rows, y)
	switch {
	case kind == "symbol" && x != "" && y != "":
		return &Series{Kind: KindScatter, X: xs, Y: ys}
	case kind == "line" && x != "" && y != "":
		return &Series{Kind: KindLine, X: xs, Y: ys}
	case kind == "area" && x != "" && y != "" && field("y2") == "":
		return &Series{Kind: KindArea, Orientation: Vertical, X: xs, Y: ys, Base: Numbers(make([]float64, len(ys))...)}
	case kind == "rect" && field("y2") == "" && channels["y2"] != nil && y != "":
		return &Series{Kind: KindBar, Orientation: Vertical, Arrangement: Single, Category: xs, Value: ys}
	case kind == "rect" && field("x2") == "" && channels["x2"] != nil && x != "":
		return &Series{Kind: KindBar, Orientation: Horizontal, Arrangement: Single, Category: ys, Value: xs}
	}
	return unknown("a %.40s of vega", kind)
}
