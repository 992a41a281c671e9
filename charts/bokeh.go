package charts

import (
	"encoding/json"
	"math"
)

// readBokeh reads what bokeh's json_item makes ({"doc": {"roots": […]}}), or the documents
// that it embeds in a page ({id: {"roots": […]}}), of bokeh 3. Models are
// {"type": "object", "name", "id", "attributes"}; {"id"} refers to one of them.
func readBokeh(raw json.RawMessage) (*Figure, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	docs := []any{dig(v, "doc")}
	if docs[0] == nil {
		docs = nil
		for _, key := range sortedKeys(digObject(v)) {
			docs = append(docs, dig(v, key))
		}
	}
	b := bokeh{figure: &Figure{Source: "bokeh", Axes: []*Axes{}}, models: map[string]object{}}
	for _, doc := range docs {
		for _, root := range digList(doc, "roots") {
			b.index(root, 0)
		}
		for _, root := range digList(doc, "roots") {
			b.root(root, 0, 0, 0)
		}
	}
	if len(b.figure.Axes) == 0 {
		return nil, nil
	}
	if len(b.figure.Axes) == 1 {
		b.figure.Layout = nil
		b.figure.Axes[0].Row, b.figure.Axes[0].Column = nil, nil
	}
	return b.figure, nil
}

type bokeh struct {
	figure *Figure
	models map[string]object
	work   int // values read so far
}

func (b *bokeh) index(v any, depth int) {
	if depth > 200 {
		return
	}
	switch v := v.(type) {
	case []any:
		if len(v) > 0 {
			if _, number := v[0].(float64); number {
				return // data
			}
		}
		for _, item := range v {
			b.index(item, depth+1)
		}
	case object:
		if id := digText(v, "id"); id != "" && v["name"] != nil {
			b.models[id] = v
		}
		for _, item := range v {
			b.index(item, depth+1)
		}
	}
}

// model is the object itself, or the one that is referred to.
func (b *bokeh) model(v any) (name string, attributes object) {
	o, ok := v.(object)
	if !ok {
		return "", nil
	}
	if o["name"] == nil || o["attributes"] == nil {
		if known, ok := b.models[digText(o, "id")]; ok {
			o = known
		}
	}
	return digText(o, "name"), digObject(o, "attributes")
}

// root reads a figure, or the ones that a layout holds.
func (b *bokeh) root(v any, row, column, depth int) {
	name, attributes := b.model(v)
	if depth > maxNesting || len(b.figure.Axes) >= maxAxes {
		b.figure.Omitted++
		return
	}
	switch name {
	case "Figure", "Plot", "GMap":
		b.plot(attributes, row, column)
	case "Row", "Column", "GridPlot", "GridBox", "Tabs", "TabPanel":
		for i, child := range append(digList(attributes, "children"), digList(attributes, "tabs")...) {
			switch cell := child.(type) {
			case []any: // [child, row, column]
				if len(cell) >= 3 {
					r, _ := cell[1].(float64)
					c, _ := cell[2].(float64)
					b.root(cell[0], row+int(min(max(r, 0), maxAxes)), column+int(min(max(c, 0), maxAxes)), depth+1)
				}
			default:
				if name == "Row" {
					b.root(child, row, column+i, depth+1)
				} else {
					b.root(child, row+i, column, depth+1)
				}
			}
		}
		if child := attributes["child"]; child != nil {
			b.root(child, row, column, depth+1)
		}
	}
}

func (b *bokeh) plot(o object, row, column int) {
	a := &Axes{Kind: Cartesian, Series: []*Series{}, Row: pointer(row), Column: pointer(column)}
	_, title := b.model(o["title"])
	a.Title = digText(title, "text")
	a.X, a.Y = b.axis(o, "below", "above", "x_range"), b.axis(o, "left", "right", "y_range")
	b.figure.Axes = append(b.figure.Axes, a)
	if b.figure.Layout == nil {
		b.figure.Layout = &Layout{}
	}
	b.figure.Layout.Rows, b.figure.Layout.Columns = max(b.figure.Layout.Rows, row+1), max(b.figure.Layout.Columns, column+1)
	labels := b.legend(o, a)
	for _, renderer := range digList(o, "renderers") {
		id := digText(renderer, "id")
		name, attributes := b.model(renderer)
		if name != "GlyphRenderer" || attributes["visible"] == false {
			b.annotation(renderer, a)
			continue
		}
		if len(a.Series) >= maxSeries {
			a.Omitted++
			continue
		}
		s := b.glyph(attributes, a)
		if s.Label = labels[id]; s.Label == "" {
			s.Label = digText(attributes, "name")
		}
		if s.Values == nil && s.Kind != KindHistogram && s.Kind != KindPie {
			s.thin()
		}
		if s.fault() != "" {
			s = unknown("a glyph whose columns don't fit together")
		}
		a.Series = append(a.Series, s)
	}
	for _, place := range []string{"center", "left", "right", "above", "below"} {
		for _, item := range digList(o, place) {
			b.annotation(item, a)
		}
	}
	a.arrangeBars()
	a.settle()
}

// arrangeBars says of bars how they stand, by their bases.
func (a *Axes) arrangeBars() {
	var all []*Series
	stacked := false
	for _, s := range a.Series {
		if s.Kind == KindBar {
			all = append(all, s)
			for _, v := range s.Base {
				x, _ := v.Float()
				stacked = stacked || x != 0
			}
		}
	}
	for _, s := range all {
		switch {
		case len(all) < 2:
			s.Arrangement = Single
		case stacked:
			s.Arrangement = Stacked
		default:
			s.Arrangement = Grouped
		}
	}
}

func (b *bokeh) axis(o object, near, far, rangeName string) *Axis {
	axis := &Axis{}
	for _, v := range append(digList(o, near), digList(o, far)...) {
		name, attributes := b.model(v)
		scale, isAxis := map[string]string{
			"LinearAxis": "", "LogAxis": Log, "DatetimeAxis": Datetime, "CategoricalAxis": Categorical, "MercatorAxis": Linear,
		}[name]
		if !isAxis {
			continue
		}
		axis.Scale, axis.Label = scale, digText(attributes, "axis_label")
		axis.Unit = unitOf(axis.Label)
		break
	}
	name, limits := b.model(o[rangeName])
	if name == "FactorRange" {
		axis.Scale = Categorical
		for _, factor := range digList(limits, "factors") {
			axis.Categories = append(axis.Categories, factorName(factor))
		}
	}
	low, ok := digNumber(limits, "start")
	high, also := digNumber(limits, "end")
	if ok && also && name != "FactorRange" && axis.Scale != Datetime {
		axis.Limits = Numbers(min(low, high), max(low, high))
		axis.Inverted = low > high
	}
	return axis
}

// factorName is a category; those of several levels are lists, and a place beside one is a
// list that ends with a number.
func factorName(v any) string {
	l, ok := v.([]any)
	if !ok {
		return valueOf(v).String()
	}
	name := ""
	for _, part := range l {
		if s, ok := part.(string); ok {
			if name != "" {
				name += " / "
			}
			name += s
		}
	}
	return name
}

// legend is what the legend says of renderers, by their ids.
func (b *bokeh) legend(o object, a *Axes) map[string]string {
	labels := map[string]string{}
	for _, place := range []string{"center", "left", "right", "above", "below"} {
		for _, item := range digList(o, place) {
			name, attributes := b.model(item)
			if name != "Legend" {
				continue
			}
			a.Legend = &Legend{Title: digText(attributes, "title")}
			for _, entry := range digList(attributes, "items") {
				_, entry := b.model(entry)
				label := either(digText(entry, "label", "value"), digText(entry, "label"))
				if label == "" {
					continue
				}
				a.Legend.Entries = append(a.Legend.Entries, label)
				for _, r := range digList(entry, "renderers") {
					labels[digText(r, "id")] = label
				}
			}
		}
	}
	return labels
}

func (b *bokeh) annotation(v any, a *Axes) {
	name, o := b.model(v)
	if len(a.Lines)+len(a.Spans)+len(a.Texts) >= maxSeries {
		return
	}
	switch name {
	case "Span":
		orientation := Horizontal
		if digText(o, "dimension") == "height" {
			orientation = Vertical
		}
		if at := valueOf(o["location"]); !at.IsZero() {
			a.Lines = append(a.Lines, Line{Orientation: orientation, Value: at})
		}
	case "BoxAnnotation":
		left, right := valueOf(o["left"]), valueOf(o["right"])
		bottom, top := valueOf(o["bottom"]), valueOf(o["top"])
		switch {
		case !left.IsZero() && !right.IsZero() && bottom.IsZero() && top.IsZero():
			a.Spans = append(a.Spans, Span{Orientation: Vertical, From: left, To: right})
		case left.IsZero() && right.IsZero() && !bottom.IsZero() && !top.IsZero():
			a.Spans = append(a.Spans, Span{Orientation: Horizontal, From: bottom, To: top})
		}
	case "Label":
		a.Texts = append(a.Texts, Text{Text: digText(o, "text"), X: valueOf(o["x"]), Y: valueOf(o["y"])})
	}
}

// angles are a column in degrees.
func angles(c Column) []float64 {
	out := make([]float64, len(c))
	for i, v := range c {
		x, _ := v.Float()
		out[i] = x * 180 / math.Pi
	}
	return out
}
