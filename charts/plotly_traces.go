package charts

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// series reads one trace.
func (p *plotly) series(t object, a *Axes) *Series {
	kind := either(digText(t, "type"), "scatter")
	switch kind {
	case "scatter", "scattergl", "scattercarpet":
		return p.scatter(t, a)
	case "bar", "waterfall", "funnel":
		return p.bar(t)
	case "histogram":
		return plotlyHistogram(t)
	case "pie", "funnelarea":
		return plotlyPie(t)
	case "box":
		return plotlyBox(t, p.layoutCategories(t))
	case "violin":
		return plotlyViolin(t)
	case "heatmap", "heatmapgl", "image":
		s := &Series{Kind: KindHeatmap, ColorMap: digText(t, "colorscale")}
		if !s.grid(columnOf(t["x"]), columnOf(t["y"]), matrixOf(t["z"])) {
			return unknown("a %s whose values aren't here", kind)
		}
		return s
	case "contour", "surface":
		return plotlySheet(kind, t)
	case "scatter3d":
		s := &Series{Kind: markKind(t), X: columnOf(t["x"]), Y: columnOf(t["y"]), Z: columnOf(t["z"])}
		return s.sameLength()
	case "scatterpolar", "scatterpolargl", "barpolar":
		return plotlyPolar(kind, t)
	case "scattergeo", "scattermapbox", "scattermap":
		s := &Series{Kind: markKind(t), X: columnOf(t["lon"]), Y: columnOf(t["lat"])}
		return s.sameLength()
	}
	s := unknown("a %.40s of plotly", kind)
	switch kind {
	case "choropleth", "choroplethmapbox", "choroplethmap":
		s.Category, s.Value = columnOf(t["locations"]), columnOf(t["z"])
	case "sunburst", "treemap", "icicle":
		s.Category, s.Value = columnOf(t["labels"]), columnOf(t["values"])
	case "histogram2d", "histogram2dcontour", "mesh3d":
		s.X, s.Y, s.Z = columnOf(t["x"]), columnOf(t["y"]), columnOf(t["z"])
	}
	if s.fault() != "" {
		s.Category, s.Value, s.X, s.Y, s.Z = nil, nil, nil, nil, nil
	}
	return s
}

// sameLength cuts a series' points to those that have all coordinates.
func (s *Series) sameLength() *Series {
	n := math.MaxInt
	for _, c := range []Column{s.X, s.Y, s.Z} {
		if c != nil {
			n = min(n, len(c))
		}
	}
	for _, c := range []*Column{&s.X, &s.Y, &s.Z, &s.Category, &s.Value} {
		if len(*c) > n {
			*c = (*c)[:n]
		}
	}
	return s
}

// markKind is a line, or points alone.
func markKind(t object) string {
	if mode := digText(t, "mode"); mode != "" && !strings.Contains(mode, "lines") {
		return KindScatter
	}
	return KindLine
}

func (p *plotly) scatter(t object, a *Axes) *Series {
	s := &Series{Kind: markKind(t), X: columnOf(t["x"]), Y: columnOf(t["y"])}
	if s.X == nil {
		s.X = evenly(t, "x", len(s.Y))
	}
	if s.Y == nil {
		s.Y = evenly(t, "y", len(s.X))
	}
	s.sameLength()
	n := len(s.X)
	if steps := map[string]string{"hv": "post", "vh": "pre", "hvh": "mid", "vhv": "mid"}[digText(t, "line", "shape")]; steps != "" && s.Kind == KindLine {
		s.Kind, s.Where = KindStep, steps
	}
	if sizes := columnOf(dig(t, "marker", "size")); len(sizes) == n && n > 0 {
		s.Sizes = sizes
	}
	if colours := columnOf(dig(t, "marker", "color")); len(colours) == n && n > 0 && !colours.texts() {
		s.ColorValues = colours
	}
	for _, way := range []string{"x", "y"} {
		if b := plotlyErrors(digObject(t, "error_"+way), map[string]Column{"x": s.X, "y": s.Y}[way]); b != nil {
			if s.Errors == nil {
				s.Errors = &Errors{}
			}
			s.Connected = pointer(s.Kind != KindScatter)
			s.Kind = KindErrorbar
			if way == "x" {
				s.Errors.X = b
			} else {
				s.Errors.Y = b
			}
		}
	}
	p.fill(t, a, s)
	return s
}

// fill makes an area of a line that is filled down to something.
func (p *plotly) fill(t object, a *Axes, s *Series) {
	fill, group := digText(t, "fill"), digText(t, "stackgroup")
	switch {
	case group != "":
		s.Kind, s.Orientation = KindArea, Vertical
		before := []*Series{}
		for _, other := range a.Series {
			if other.Kind == KindArea && other.Arrangement == Stacked {
				before = append(before, other)
			}
		}
		base := map[string]float64{}
		if len(before) > 0 {
			last := before[len(before)-1]
			for i, v := range last.X {
				base[v.String()], _ = last.Y[i].Float()
			}
		}
		s.Base, s.Arrangement = make(Column, len(s.X)), Stacked
		for i, v := range s.X {
			s.Base[i] = Number(base[v.String()])
			if y, ok := s.Y[i].Float(); ok {
				s.Y[i] = Number(y + base[v.String()])
			}
		}
	case fill == "tozeroy" || fill == "tozerox":
		s.Kind, s.Orientation, s.Base = KindArea, Vertical, Numbers(make([]float64, len(s.X))...)
		if fill == "tozerox" {
			s.Orientation = Horizontal
		}
	case fill == "tonexty" && len(a.Series) > 0:
		if last := a.Series[len(a.Series)-1]; slices.Equal(last.X, s.X) {
			s.Kind, s.Orientation, s.Base = KindArea, Vertical, last.Y
		}
	}
}

// evenly are the coordinates of points that only have others: 0, 1, 2 …
func evenly(t object, way string, n int) Column {
	start, _ := digNumber(t, way+"0")
	step, ok := digNumber(t, "d"+way)
	if !ok {
		step = 1
	}
	c := make(Column, n)
	for i := range c {
		c[i] = Number(start + float64(i)*step)
	}
	return c
}

func plotlyErrors(o object, values Column) *Bounds {
	if o == nil || o["visible"] == false || len(values) == 0 {
		return nil
	}
	size, _ := digNumber(o, "value")
	b := &Bounds{High: columnOf(o["array"]), Low: columnOf(o["arrayminus"])}
	if b.High == nil && size > 0 {
		b.High = make(Column, len(values))
		for i, v := range values {
			length := size
			if x, ok := v.Float(); ok && digText(o, "type") != "constant" {
				length = math.Abs(x) * size / 100
			}
			b.High[i] = Number(length)
		}
	}
	if b.Low == nil && o["symmetric"] != false {
		b.Low = b.High
	}
	if len(b.High) != len(values) || len(b.Low) != len(values) {
		return nil
	}
	return b
}

func (p *plotly) bar(t object) *Series {
	s := &Series{Kind: KindBar, Orientation: Vertical, Category: columnOf(t["x"]), Value: columnOf(t["y"])}
	flat := digText(t, "orientation") == "h" || s.Value == nil && s.Category != nil && t["orientation"] == nil
	if flat {
		s.Orientation, s.Category, s.Value = Horizontal, s.Value, s.Category
	}
	if digText(t, "type") == "funnel" {
		s.Orientation, s.Category, s.Value = Horizontal, columnOf(t["y"]), columnOf(t["x"])
	}
	if s.Category == nil {
		s.Category = counting(len(s.Value))
	}
	if n := min(len(s.Category), len(s.Value)); n < max(len(s.Category), len(s.Value)) {
		s.Category, s.Value = s.Category[:n], s.Value[:n]
	}
	s.Base = columnOf(t["base"])
	if len(s.Base) != len(s.Value) {
		s.Base = Numbers(make([]float64, len(s.Value))...)
	}
	way, errors := "y", &Errors{}
	if s.Orientation == Horizontal {
		way = "x"
	}
	if b := plotlyErrors(digObject(t, "error_"+way), s.Value); b != nil {
		if way == "x" {
			errors.X = b
		} else {
			errors.Y = b
		}
		s.Errors = errors
	}
	return s
}

// arrangeBars says how the bars of an axes stand to each other, once all are there.
func (p *plotly) arrangeBars(a *Axes) {
	var all []*Series
	for _, s := range a.Series {
		if s.Kind == KindBar {
			s.Arrangement = Single
			all = append(all, s)
		}
	}
	mode := either(digText(p.layout, "barmode"), "group")
	switch {
	case len(all) < 2:
	case mode == "stack" || mode == "relative":
		stack(all, func(s *Series) *Column { return &s.Value }, func(s *Series) Column { return s.Category })
	case mode == "group":
		for _, s := range all {
			s.Arrangement = Grouped
		}
	}
}

// plotlyHistogram counts where the bins are known; otherwise plotly chooses them
// when it draws, and only the numbers are known.
func plotlyHistogram(t object) *Series {
	data, bins, orientation := columnOf(t["x"]), digObject(t, "xbins"), Vertical
	if data == nil {
		data, bins, orientation = columnOf(t["y"]), digObject(t, "ybins"), Horizontal
	}
	plain := digText(t, "histnorm") == "" && (digText(t, "histfunc") == "" || digText(t, "histfunc") == "count")
	if data.texts() && !data.dates() && plain {
		return countNames(data, orientation)
	}
	start, ok1 := digNumber(bins, "start")
	end, ok2 := digNumber(bins, "end")
	size, ok3 := digNumber(bins, "size")
	n := math.Round((end - start) / size)
	if ok1 && ok2 && ok3 && plain && size > 0 && n >= 1 && n <= maxPoints {
		counts, edges := make([]float64, int(n)), make([]float64, int(n)+1)
		for i := range edges {
			edges[i] = start + float64(i)*size
		}
		for _, v := range data {
			if x, ok := v.Float(); ok && x >= start && x < start+n*size {
				counts[min(int((x-start)/size), int(n)-1)]++
			}
		}
		return &Series{Kind: KindHistogram, Orientation: orientation, Arrangement: Single, Edges: Numbers(edges...), Counts: Numbers(counts...), Density: pointer(false), Count: int(n)}
	}
	s := unknown("a histogram whose bins are chosen when it is drawn; here are its numbers")
	if orientation == Vertical {
		s.X = data
	} else {
		s.Y = data
	}
	return s
}

func countNames(data Column, orientation string) *Series {
	s := &Series{Kind: KindBar, Orientation: orientation, Arrangement: Single}
	place := map[string]int{}
	var counts []float64
	for _, v := range data {
		name := v.String()
		i, known := place[name]
		if !known {
			i = len(counts)
			place[name] = i
			counts = append(counts, 0)
			s.Category = append(s.Category, Name(name))
		}
		counts[i]++
	}
	s.Value, s.Base = Numbers(counts...), Numbers(make([]float64, len(counts))...)
	return s
}

func plotlyPie(t object) *Series {
	s := &Series{Kind: KindPie}
	labels, values, pull := columnOf(t["labels"]), columnOf(t["values"]), columnOf(t["pull"])
	if labels == nil {
		labels = counting(len(values))
	}
	place, total := map[string]int{}, 0.0
	for i, v := range labels {
		x := 1.0
		if values != nil {
			if i >= len(values) {
				break
			}
			x, _ = values[i].Float()
		}
		name := v.String()
		j, known := place[name]
		if !known {
			j = len(s.Wedges)
			place[name] = j
			s.Wedges = append(s.Wedges, Wedge{Label: name, Value: pointer(0.0), Radius: 1})
		}
		if i < len(pull) {
			s.Wedges[j].Exploded, _ = pull[i].Float()
		}
		*s.Wedges[j].Value += x
		total += x
	}
	if total > 0 && !math.IsInf(total, 0) {
		for i := range s.Wedges {
			w := &s.Wedges[i]
			w.Fraction = pointer(*w.Value / total)
			w.Angle = *w.Fraction * 360
		}
	}
	s.Count = len(s.Wedges)
	if hole, ok := digNumber(t, "hole"); ok && hole > 0 {
		s.DonutWidth = pointer(1 - hole)
	}
	return s
}

// layoutCategories tells the orientation that plotly chooses for boxes.
func (p *plotly) layoutCategories(t object) string {
	if digText(t, "orientation") == "h" || t["y"] == nil && t["x"] != nil {
		return Horizontal
	}
	return Vertical
}

// groups are the numbers of a box or violin trace, by where they stand.
func groups(t object, orientation string) (names []string, sorted map[string][]float64) {
	values, places := columnOf(t["y"]), columnOf(t["x"])
	if orientation == Horizontal {
		values, places = places, values
	}
	sorted = map[string][]float64{}
	for i, v := range values {
		name := digText(t, "name")
		if i < len(places) {
			name = places[i].String()
		}
		if _, known := sorted[name]; !known {
			names = append(names, name)
		}
		if x, ok := v.Float(); ok {
			sorted[name] = append(sorted[name], x)
		} else if sorted[name] == nil {
			sorted[name] = []float64{}
		}
	}
	for _, xs := range sorted {
		slices.Sort(xs)
	}
	return names, sorted
}

func plotlyBox(t object, orientation string) *Series {
	s := &Series{Kind: KindBox, Orientation: orientation}
	if q1, median, q3 := columnOf(t["q1"]), columnOf(t["median"]), columnOf(t["q3"]); q1 != nil {
		low, high := columnOf(t["lowerfence"]), columnOf(t["upperfence"])
		at := func(c Column, i int) *float64 {
			if i < len(c) {
				if x, ok := c[i].Float(); ok {
					return &x
				}
			}
			return nil
		}
		places := columnOf(t["x"])
		for i := range q1 {
			b := Box{Label: strconv.Itoa(i), Min: at(low, i), FirstQuartile: at(q1, i), Median: at(median, i), ThirdQuartile: at(q3, i), Max: at(high, i), Outliers: Column{}}
			if i < len(places) {
				b.Label = places[i].String()
			}
			s.Boxes = append(s.Boxes, b)
		}
		s.Count = len(s.Boxes)
		return s
	}
	names, sorted := groups(t, orientation)
	for i, name := range names {
		xs := sorted[name]
		if len(xs) == 0 {
			continue
		}
		n := float64(len(xs))
		// Plotly's own definition of quartiles, unless another one is asked for.
		q := func(p float64) float64 { return quantile(xs, n*p-0.5) }
		if method := digText(t, "quartilemethod"); method != "" && method != "linear" {
			return unknown("a box plot with quartiles of the method %.40q", method)
		}
		b := boxOf(name, xs, q(0.25), q(0.5), q(0.75))
		b.Position = Number(float64(i))
		s.Boxes = append(s.Boxes, b)
	}
	s.Count = len(s.Boxes)
	return s
}

func plotlyViolin(t object) *Series {
	orientation := Vertical
	if digText(t, "orientation") == "h" || t["y"] == nil && t["x"] != nil {
		orientation = Horizontal
	}
	s := &Series{Kind: KindViolin, Orientation: orientation}
	names, sorted := groups(t, orientation)
	for i, name := range names {
		xs := sorted[name]
		if len(xs) == 0 {
			continue
		}
		n := float64(len(xs))
		s.Violins = append(s.Violins, Violin{
			Label: name, Position: Number(float64(i)), At: Column{}, Density: Column{}, Min: &xs[0], Max: &xs[len(xs)-1],
			Median:    pointer(quantile(xs, n*0.5-0.5)),
			Quartiles: Numbers(quantile(xs, n*0.25-0.5), quantile(xs, n*0.75-0.5)),
		})
	}
	s.Count = len(s.Violins)
	return s
}

// plotlySheet are the points of a grid, row after row.
func plotlySheet(kind string, t object) *Series {
	rows := matrixOf(t["z"])
	if len(rows) == 0 || len(rows[0]) == 0 || len(rows)*len(rows[0]) > maxColumn {
		return unknown("a %s whose values aren't here", kind)
	}
	s := &Series{Kind: kind, Rows: len(rows), Columns: len(rows[0])}
	x, y := columnOf(t["x"]), columnOf(t["y"])
	if len(x) != s.Columns {
		x = counting(s.Columns)
	}
	if len(y) != s.Rows {
		y = counting(s.Rows)
	}
	for i, row := range rows {
		for j, v := range row {
			s.X, s.Y, s.Z = append(s.X, x[j]), append(s.Y, y[i]), append(s.Z, v)
		}
	}
	return s
}

func plotlyPolar(kind string, t object) *Series {
	theta, r := columnOf(t["theta"]), columnOf(t["r"])
	if theta == nil {
		theta = counting(len(r))
	}
	if !theta.texts() && digText(t, "thetaunit") != "radians" {
		for i, v := range theta {
			if x, ok := v.Float(); ok {
				theta[i] = Number(x * math.Pi / 180)
			}
		}
	}
	if kind == "barpolar" {
		n := min(len(theta), len(r))
		return &Series{Kind: KindBar, Orientation: Vertical, Arrangement: Single, Category: theta[:n], Value: r[:n]}
	}
	s := &Series{Kind: markKind(t), X: theta, Y: r}
	return s.sameLength()
}
