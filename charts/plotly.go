package charts

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// readPlotly reads a figure of plotly, from any of its languages:
// {"data": [traces], "layout": {…}}, https://plotly.com/javascript/reference/.
func readPlotly(raw json.RawMessage) (*Figure, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	return plotlyFigure(digList(v, "data"), digObject(v, "layout")), nil
}

func plotlyFigure(traces []any, layout object) *Figure {
	p := plotly{layout: layout, figure: &Figure{Source: "plotly", Title: titleOf(layout), Axes: []*Axes{}}, places: map[string]*Axes{}}
	for _, t := range traces {
		trace, ok := t.(object)
		if !ok || trace["visible"] == false || trace["visible"] == "legendonly" {
			continue
		}
		a := p.axes(trace)
		if a == nil || len(a.Series) >= maxSeries {
			p.figure.Omitted++
			continue
		}
		s := p.series(trace, a)
		if s.Label == "" {
			s.Label = digText(trace, "name")
		}
		if s.Kind != KindHistogram && s.Values == nil {
			s.thin()
		}
		a.Series = append(a.Series, s)
	}
	p.finish()
	return p.figure
}

// plotly is one figure on its way.
type plotly struct {
	layout object
	figure *Figure
	places map[string]*Axes // by what a trace says of its axes
	order  []string
}

// titleOf is a title, which older versions have as a text.
func titleOf(o object) string {
	if s, ok := o["title"].(string); ok {
		return plainText(s)
	}
	return plainText(digText(o, "title", "text"))
}

// plainText is a text without the few tags that plotly knows.
func plainText(s string) string {
	return strings.NewReplacer("<br>", " ", "<b>", "", "</b>", "", "<i>", "", "</i>", "").Replace(s)
}

// axes finds or makes the axes that a trace is drawn in.
func (p *plotly) axes(trace object) *Axes {
	kind := Cartesian
	var place string
	switch digText(trace, "type") {
	case "pie", "sunburst", "treemap", "icicle", "funnelarea", "sankey", "table", "indicator", "parcoords", "parcats":
		place = fmt.Sprintf("own %d", len(p.order))
	case "scatter3d", "surface", "mesh3d", "cone", "streamtube", "volume", "isosurface":
		kind, place = Spatial, either(digText(trace, "scene"), "scene")
	case "scatterpolar", "scatterpolargl", "barpolar":
		kind, place = Polar, either(digText(trace, "subplot"), "polar")
	case "scattergeo", "choropleth", "scattermapbox", "scattermap", "choroplethmapbox", "choroplethmap", "densitymapbox", "densitymap":
		kind, place = Geo, either(digText(trace, "geo"), digText(trace, "subplot"), "geo")
	default:
		place = either(digText(trace, "xaxis"), "x") + " " + either(digText(trace, "yaxis"), "y")
	}
	if a := p.places[place]; a != nil {
		return a
	}
	if len(p.order) >= maxAxes {
		return nil
	}
	a := &Axes{Kind: kind, Series: []*Series{}}
	switch kind {
	case Cartesian:
		if x, y, ok := strings.Cut(place, " "); ok && !strings.HasPrefix(place, "own") {
			a.X, a.Y = p.axis(x), p.axis(y)
		}
	case Spatial:
		scene := digObject(p.layout, place)
		a.X, a.Y, a.Z = plotlyAxis(digObject(scene, "xaxis")), plotlyAxis(digObject(scene, "yaxis")), plotlyAxis(digObject(scene, "zaxis"))
	}
	p.places[place] = a
	p.order = append(p.order, place)
	p.figure.Axes = append(p.figure.Axes, a)
	return a
}

func either(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}

// layoutAxis is what the layout says of "x2" or "y".
func (p *plotly) layoutAxis(name string) object {
	if name == "" {
		return nil
	}
	return digObject(p.layout, name[:1]+"axis"+name[1:])
}

func (p *plotly) axis(name string) *Axis { return plotlyAxis(p.layoutAxis(name)) }

func plotlyAxis(o object) *Axis {
	a := &Axis{Label: titleOf(o), Scale: map[string]string{"log": Log, "date": Datetime, "category": Categorical}[digText(o, "type")]}
	a.Unit = unitOf(a.Label)
	a.Ticks = columnOf(o["tickvals"])
	if labels := columnOf(o["ticktext"]); len(labels) == len(a.Ticks) {
		a.TickLabels = stringsOf(labels)
	}
	if limits := columnOf(o["range"]); len(limits) == 2 {
		if a.Scale == Log {
			for i, v := range limits {
				if x, ok := v.Float(); ok {
					limits[i] = Number(math.Pow(10, x))
				}
			}
		}
		a.Limits = limits
		low, ok := limits[0].Float()
		high, also := limits[1].Float()
		if ok && also && low > high {
			a.Limits, a.Inverted = Column{limits[1], limits[0]}, true
		}
	}
	a.Inverted = a.Inverted || digText(o, "autorange") == "reversed"
	return a
}

// finish settles what only the whole shows: the scales, the titles of sub-plots, the layout.
func (p *plotly) finish() {
	for _, a := range p.figure.Axes {
		p.arrangeBars(a)
		a.settle()
	}
	p.arrange()
	for _, s := range digList(p.layout, "shapes") {
		p.shape(s)
	}
	p.annotations()
	if len(p.figure.Axes) == 1 && p.figure.Axes[0].Title == "" {
		p.figure.Axes[0].Title, p.figure.Title = p.figure.Title, ""
	}
}

// arrange puts the axes into rows and columns by the parts of the page that they take.
func (p *plotly) arrange() {
	type spot struct{ x, y float64 }
	spots := make([]spot, len(p.order))
	var xs, ys []float64
	for i, place := range p.order {
		x, y, ok := strings.Cut(place, " ")
		if !ok || strings.HasPrefix(place, "own") {
			return
		}
		spots[i] = spot{domain(p.layoutAxis(x), 0), domain(p.layoutAxis(y), 0)}
		xs, ys = append(xs, spots[i].x), append(ys, spots[i].y)
		if over := digText(p.layoutAxis(y), "overlaying"); over != "" {
			for j, other := range p.order {
				if other == x+" "+over || strings.HasSuffix(other, " "+over) {
					p.twins(i, j)
					ys[len(ys)-1], spots[i].y = spots[j].y, spots[j].y
				}
			}
		}
	}
	slices.Sort(xs)
	slices.Sort(ys)
	xs, ys = slices.Compact(xs), slices.Compact(ys)
	if len(spots) < 2 {
		return
	}
	for i, a := range p.figure.Axes {
		column, _ := slices.BinarySearch(xs, spots[i].x)
		row, _ := slices.BinarySearch(ys, spots[i].y)
		a.Column, a.Row = pointer(column), pointer(len(ys)-1-row)
	}
	if p.figure.Layout == nil {
		p.figure.Layout = &Layout{}
	}
	p.figure.Layout.Rows, p.figure.Layout.Columns = len(ys), len(xs)
}

func (p *plotly) twins(i, j int) {
	if p.figure.Layout == nil {
		p.figure.Layout = &Layout{}
	}
	p.figure.Layout.Twins = append(p.figure.Layout.Twins, []int{min(i, j), max(i, j)})
}

// domain is where an axis begins (0) or ends (1) on the page.
func domain(axis object, end int) float64 {
	d := columnOf(axis["domain"])
	if len(d) != 2 {
		return float64(end)
	}
	x, _ := d[end].Float()
	return x
}

// annotations are notes; those above the middle of a sub-plot are its title.
func (p *plotly) annotations() {
	for _, note := range digList(p.layout, "annotations") {
		text := plainText(digText(note, "text"))
		if text == "" {
			continue
		}
		if strings.HasPrefix(digText(note, "xref"), "x") && strings.HasPrefix(digText(note, "yref"), "y") {
			if a := p.places[digText(note, "xref")+" "+digText(note, "yref")]; a != nil && len(a.Texts) < maxSeries {
				a.Texts = append(a.Texts, Text{Text: text, X: valueOf(dig(note, "x")), Y: valueOf(dig(note, "y"))})
			}
			continue
		}
		x, okX := digNumber(note, "x")
		y, okY := digNumber(note, "y")
		for i, place := range p.order {
			nx, ny, _ := strings.Cut(place, " ")
			ax, ay := p.layoutAxis(nx), p.layoutAxis(ny)
			middle := (domain(ax, 0) + domain(ax, 1)) / 2
			if okX && okY && len(p.order) > 1 && math.Abs(x-middle) < 0.02 && math.Abs(y-domain(ay, 1)) < 0.05 && p.figure.Axes[i].Title == "" {
				p.figure.Axes[i].Title = text
				break
			}
		}
	}
}

// shape reads lines and bands across the axes: add_hline, add_vrect and their like.
func (p *plotly) shape(s any) {
	xref, yref := either(digText(s, "xref"), "x"), either(digText(s, "yref"), "y")
	across := func(ref string) bool { return ref == "paper" || strings.HasSuffix(ref, " domain") }
	clean := func(ref string) string { return strings.TrimSuffix(ref, " domain") }
	var a *Axes
	for _, place := range p.order {
		x, y, _ := strings.Cut(place, " ")
		if (xref == "paper" || clean(xref) == x) && (yref == "paper" || clean(yref) == y) {
			a = p.places[place]
			break
		}
	}
	if a == nil || across(xref) == across(yref) {
		return
	}
	orientation, from, to := Horizontal, valueOf(dig(s, "y0")), valueOf(dig(s, "y1"))
	if across(yref) {
		orientation, from, to = Vertical, valueOf(dig(s, "x0")), valueOf(dig(s, "x1"))
	}
	label := digText(s, "name")
	switch {
	case len(a.Lines)+len(a.Spans) >= maxSeries:
	case from == to:
		a.Lines = append(a.Lines, Line{Orientation: orientation, Value: from, Label: label})
	default:
		a.Spans = append(a.Spans, Span{Orientation: orientation, From: from, To: to, Label: label})
	}
}
