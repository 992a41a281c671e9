package charts

import (
	"math"
	"slices"
)

// glyph reads the columns of one renderer.
type glyph struct {
	name  string
	o     object
	data  map[string]any
	rows  int
	dates [2]bool // whether x and y are milliseconds since 1970
}

func (b *bokeh) glyph(renderer object, a *Axes) *Series {
	g := glyph{data: map[string]any{}}
	g.name, g.o = b.model(renderer["glyph"])
	_, source := b.model(renderer["data_source"])
	for _, entry := range digList(source, "data", "entries") {
		if pair, ok := entry.([]any); ok && len(pair) == 2 {
			if key, ok := pair[0].(string); ok {
				g.data[key] = pair[1]
			}
		}
	}
	for _, v := range g.data {
		n := lengthOf(v)
		g.rows = max(g.rows, n)
		b.work += n
	}
	if b.work > maxWork {
		return unknown("there are more data than are read")
	}
	g.dates = [2]bool{a.X.Scale == Datetime, a.Y.Scale == Datetime}
	return g.read(b)
}

// lengthOf is how many values a column has.
func lengthOf(v any) int {
	switch v := v.(type) {
	case []any:
		return len(v)
	case object:
		numbers, _ := typedArray(v)
		return len(numbers)
	}
	return 0
}

// rawColumn is a column of a source: scalars, typed arrays, or categories of several levels.
func rawColumn(v any) Column {
	if l, ok := v.([]any); ok {
		c := make(Column, len(l))
		for i, item := range l {
			if _, nested := item.([]any); nested {
				c[i] = Name(factorName(item))
			} else {
				c[i] = valueOf(item)
			}
		}
		return c
	}
	return columnOf(v)
}

// column is what a glyph says of a coordinate: a field, a value for all, or a stack of fields.
func (g *glyph) column(b *bokeh, name string) Column {
	spec, ok := g.o[name].(object)
	if !ok {
		if v := valueOf(g.o[name]); !v.IsZero() {
			return slices.Repeat(Column{v}, min(max(g.rows, 1), maxColumn))
		}
		return nil
	}
	switch field := digText(spec, "field"); {
	case field != "":
		return rawColumn(g.data[field])
	case spec["expr"] != nil:
		kind, attributes := b.model(spec["expr"])
		if kind != "Stack" && kind != "CumSum" {
			return nil
		}
		if kind == "CumSum" {
			return g.cumulated(attributes)
		}
		sum := make([]float64, min(g.rows, maxColumn))
		for _, name := range digList(attributes, "fields") {
			key, _ := name.(string)
			for i, v := range rawColumn(g.data[key]) {
				if x, ok := v.Float(); ok && i < len(sum) {
					sum[i] += x
				}
			}
		}
		return Numbers(sum...)
	default:
		if v := valueOf(spec["value"]); !v.IsZero() {
			return slices.Repeat(Column{v}, min(max(g.rows, 1), maxColumn))
		}
		return nil
	}
}

func (g *glyph) cumulated(attributes object) Column {
	var c Column
	sum := 0.0
	for _, v := range rawColumn(g.data[digText(attributes, "field")]) {
		x, _ := v.Float()
		if attributes["include_zero"] == true {
			c = append(c, Number(sum))
			sum += x
		} else {
			sum += x
			c = append(c, Number(sum))
		}
	}
	return c
}

func (g *glyph) x(b *bokeh, name string) Column { return g.place(g.column(b, name), 0) }
func (g *glyph) y(b *bokeh, name string) Column { return g.place(g.column(b, name), 1) }

func (g *glyph) place(c Column, way int) Column {
	if g.dates[way] {
		return moments(c)
	}
	return c
}

func (g *glyph) read(b *bokeh) *Series {
	switch g.name {
	case "Line":
		s := &Series{Kind: KindLine, X: g.x(b, "x"), Y: g.y(b, "y")}
		return s.sameLength()
	case "Step":
		s := &Series{Kind: KindStep, X: g.x(b, "x"), Y: g.y(b, "y"), Where: map[string]string{"after": "post", "center": "mid"}[digText(g.o, "mode")]}
		if s.Where == "" {
			s.Where = "pre"
		}
		return s.sameLength()
	case "Scatter", "Circle", "Square", "Triangle", "Diamond", "Cross", "X", "Asterisk", "Dot", "Plus", "Star", "Hex":
		return g.scatter(b)
	case "VBar", "HBar":
		return g.bars(b)
	case "Quad":
		return g.quads(b)
	case "VArea", "HArea":
		return g.area(b)
	case "Segment":
		s := &Series{Kind: KindSegments, X: g.x(b, "x0"), Y: g.y(b, "y0"), XEnd: g.x(b, "x1"), YEnd: g.y(b, "y1")}
		return s
	case "Wedge", "AnnularWedge":
		return g.wedges(b)
	case "Image":
		return g.image(b)
	case "Rect":
		return g.rectangles(b)
	}
	return unknown("a %.40s of bokeh", g.name)
}

func (g *glyph) scatter(b *bokeh) *Series {
	s := &Series{Kind: KindScatter, X: g.x(b, "x"), Y: g.y(b, "y")}
	s.sameLength()
	if size := digText(g.o, "size", "field"); size != "" {
		s.Sizes = rawColumn(g.data[size])
	}
	if colour := digText(g.o, "fill_color", "field"); colour != "" {
		if c := rawColumn(g.data[colour]); !c.texts() && len(c) == len(s.X) {
			s.ColorValues = c
		}
	}
	return s
}

func (g *glyph) bars(b *bokeh) *Series {
	s := &Series{Kind: KindBar, Orientation: Vertical, Width: g.column(b, "width")}
	bottom, top := g.column(b, "bottom"), g.column(b, "top")
	s.Category = g.x(b, "x")
	if g.name == "HBar" {
		s.Orientation, s.Category, s.Width = Horizontal, g.y(b, "y"), g.column(b, "height")
		bottom, top = g.column(b, "left"), g.column(b, "right")
	}
	if bottom == nil {
		bottom = Numbers(make([]float64, len(top))...)
	}
	if len(top) != len(bottom) || len(top) != len(s.Category) {
		return unknown("bars whose columns don't fit together")
	}
	if len(s.Width) != len(top) {
		s.Width = nil
	}
	s.Base, s.Value = ranged(bottom, top)
	return s
}

// quads are a histogram when they stand side by side on a line.
func (g *glyph) quads(b *bokeh) *Series {
	left, right, bottom, top := g.x(b, "left"), g.x(b, "right"), g.column(b, "bottom"), g.column(b, "top")
	n := len(left)
	if n == 0 || len(right) != n || len(bottom) != n || len(top) != n {
		return unknown("rectangles whose columns don't fit together")
	}
	if !slices.Equal(right[:n-1], left[1:]) || !constant(bottom) {
		return &Series{Kind: KindUnknown, Reason: "rectangles", X: left, XEnd: right, Y: bottom, YEnd: top}
	}
	edges := append(slices.Clone(left), right[n-1])
	_, counts := ranged(bottom, top)
	area, whole := 0.0, true
	for i, v := range counts {
		h, _ := v.Float()
		l, _ := left[i].Float()
		r, _ := right[i].Float()
		area += h * (r - l)
		whole = whole && h == math.Trunc(h)
	}
	return &Series{
		Kind: KindHistogram, Orientation: Vertical, Arrangement: Single, Count: n, Edges: edges, Counts: counts,
		Density: pointer(!whole && math.Abs(area-1) < 1e-6),
	}
}

func (g *glyph) area(b *bokeh) *Series {
	s := &Series{Kind: KindArea, Orientation: Vertical, X: g.x(b, "x"), Base: g.column(b, "y1"), Y: g.column(b, "y2")}
	if g.name == "HArea" {
		s = &Series{Kind: KindArea, Orientation: Horizontal, Y: g.y(b, "y"), Base: g.column(b, "x1"), X: g.column(b, "x2")}
	}
	return s
}

func (g *glyph) wedges(b *bokeh) *Series {
	s := &Series{Kind: KindPie}
	start, end := angles(g.column(b, "start_angle")), angles(g.column(b, "end_angle"))
	if len(start) != len(end) {
		return unknown("wedges whose columns don't fit together")
	}
	var labels Column
	for _, key := range sortedKeys(g.data) {
		if c := rawColumn(g.data[key]); labels == nil && len(c) == len(start) && c.texts() && !looksLikeColours(c) {
			labels = c
		}
	}
	for i := range start {
		turn := end[i] - start[i]
		if turn < 0 {
			turn += 360
		}
		w := Wedge{Angle: turn, Start: start[i], Radius: 1, Fraction: pointer(turn / 360)}
		if labels != nil {
			w.Label = labels[i].String()
		}
		s.Wedges = append(s.Wedges, w)
	}
	s.Count = len(s.Wedges)
	return s
}

func looksLikeColours(c Column) bool {
	for _, v := range c {
		if s, ok := v.Text(); ok && (len(s) == 0 || s[0] != '#') {
			return false
		}
	}
	return true
}

func (g *glyph) image(b *bokeh) *Series {
	images, _ := g.data[digText(g.o, "image", "field")].([]any)
	at := func(name string) float64 {
		if c := g.column(b, name); len(c) > 0 {
			x, _ := c[0].Float()
			return x
		}
		return 0
	}
	if len(images) != 1 {
		return unknown("%d images", len(images))
	}
	rows := matrixOf(images[0])
	if len(rows) == 0 || len(rows)*len(rows[0]) > maxColumn {
		return unknown("an image whose values aren't here")
	}
	s := &Series{Kind: KindHeatmap}
	s.grid(evenEdges(at("x"), at("dw"), len(rows[0])), evenEdges(at("y"), at("dh"), len(rows)), rows)
	return s
}

func evenEdges(start, size float64, n int) Column {
	edges := make(Column, n+1)
	for i := range edges {
		edges[i] = Number(start + size*float64(i)/float64(n))
	}
	return edges
}

// rectangles are a heat map when their colours come from a field.
func (g *glyph) rectangles(b *bokeh) *Series {
	x, y := g.x(b, "x"), g.y(b, "y")
	colour := rawColumn(g.data[digText(g.o, "fill_color", "field")])
	if len(x) != len(y) || len(colour) != len(x) || colour.texts() || !x.texts() || !y.texts() {
		s := unknown("rectangles")
		if len(x) == len(y) {
			s.X, s.Y = x, y
		}
		return s
	}
	columns, rows := map[Value]int{}, map[Value]int{}
	s := &Series{Kind: KindHeatmap}
	for i := range x {
		if _, known := columns[x[i]]; !known {
			columns[x[i]] = len(columns)
			s.XCategories = append(s.XCategories, x[i].String())
		}
		if _, known := rows[y[i]]; !known {
			rows[y[i]] = len(rows)
			s.YCategories = append(s.YCategories, y[i].String())
		}
	}
	if len(columns)*len(rows) > maxPoints {
		return unknown("a grid of %d × %d cells", len(columns), len(rows))
	}
	s.Values = make([]Column, len(rows))
	for i := range s.Values {
		s.Values[i] = make(Column, len(columns))
	}
	for i := range x {
		s.Values[rows[y[i]]][columns[x[i]]] = colour[i]
	}
	s.Rows, s.Columns, s.Count = len(rows), len(columns), len(columns)*len(rows)
	return s
}
