package charts

import (
	"math"
	"slices"
)

// histogram reads bars over bins of a field.
func (u *unit) histogram(x, y channel) *Series {
	by, of, orientation := x, y, Vertical
	if y.bin != nil && y.bin != false {
		by, of, orientation = y, x, Horizontal
	}
	if u.mark != "bar" || by.bin == nil || by.bin == false || by.bin == "binned" || of.aggregate != "count" {
		return nil
	}
	if u.channel("color").field != "" {
		return unknown("a histogram in colours")
	}
	var xs []float64
	for _, v := range fieldOf(u.rows, by.field) {
		if n, ok := v.Float(); ok {
			xs = append(xs, n)
		}
	}
	if len(xs) == 0 {
		return unknown("a histogram of no numbers")
	}
	start, step, n := vegaBins(slices.Min(xs), slices.Max(xs), digObject(by.bin))
	if n < 1 || n > maxPoints {
		return unknown("a histogram of %d bins", n)
	}
	edges, counts := make([]float64, n+1), make([]float64, n)
	for i := range edges {
		edges[i] = difference(start+float64(i)*step, 0)
	}
	for _, v := range xs {
		i := int(math.Floor((v-start)/step + 1e-14))
		counts[min(max(i, 0), n-1)]++
	}
	return &Series{
		Kind: KindHistogram, Orientation: orientation, Arrangement: Single, Count: n, Density: pointer(false),
		Edges: Numbers(edges...), Counts: Numbers(counts...),
	}
}

// vegaBins are the bins that vega chooses: at most so many of a round width.
func vegaBins(low, high float64, options object) (start, step float64, n int) {
	most, ok := digNumber(options, "maxbins")
	if !ok || most < 1 {
		most = 10
	}
	spread := high - low
	if spread == 0 {
		spread = math.Abs(low)
	}
	if spread == 0 {
		spread = 1
	}
	if step, ok = digNumber(options, "step"); !ok || step <= 0 {
		level := math.Ceil(math.Log(most) / math.Ln10)
		step = math.Pow(10, math.Round(math.Log(spread)/math.Ln10)-level)
		for math.Ceil(spread/step) > most {
			step *= 10
		}
		for _, d := range []float64{5, 2} {
			if finer := step / d; spread/finer <= most {
				step = finer
			}
		}
	}
	precision := 0.0
	if v := math.Log(step); v < 0 {
		precision = math.Trunc(-v/math.Ln10) + 1
	}
	tiny := math.Pow(10, -precision-1)
	start = math.Floor(low/step+tiny) * step
	if low < start {
		start -= step
	}
	count := math.Ceil(high/step) - math.Round(start/step)
	if math.IsNaN(count) || count > 1e6 {
		return 0, 1, 0
	}
	return start, step, max(int(count), 1)
}

func (u *unit) pie() *Series {
	theta, colour := u.channel("theta"), u.channel("color")
	if theta.field == "" && theta.aggregate == "" {
		theta = u.channel("angle")
	}
	if !theta.there || theta.datum != nil {
		return unknown("arcs without an angle")
	}
	s := &Series{Kind: KindPie}
	keys, values := fieldOf(u.rows, colour.field), fieldOf(u.rows, theta.field)
	if theta.aggregate != "" {
		var ok bool
		if keys, values, ok = u.grouped(u.rows, colour, theta); !ok {
			return unknown("a pie whose values are computed when it is drawn")
		}
	}
	total := 0.0
	for _, v := range values {
		x, _ := v.Float()
		total += x
	}
	for i, v := range values {
		x, _ := v.Float()
		w := Wedge{Label: keys[i].String(), Value: pointer(x), Radius: 1}
		if total > 0 && !math.IsInf(total, 0) {
			w.Fraction = pointer(x / total)
			w.Angle = x / total * 360
		}
		s.Wedges = append(s.Wedges, w)
	}
	s.Count = len(s.Wedges)
	if inner, ok := digNumber(u.options, "innerRadius"); ok && inner > 0 {
		s.DonutWidth = pointer(1.0)
		if outer, ok := digNumber(u.options, "outerRadius"); ok && outer > inner {
			s.DonutWidth = pointer(1 - inner/outer)
		}
	}
	return s
}

func (u *unit) boxes(x, y channel) *Series {
	if digText(u.options, "extent") != "" || u.options["extent"] != nil && u.options["extent"] != 1.5 {
		return unknown("a box plot with whiskers of its own")
	}
	s := &Series{Kind: KindBox, Orientation: Vertical}
	value, by := y, x
	if !y.there || y.discrete() {
		s.Orientation, value, by = Horizontal, x, y
	}
	numbers := map[Value][]float64{}
	for _, row := range u.rows {
		var key Value
		if by.field != "" {
			key = valueOf(row[by.field])
		}
		if v, ok := row[value.field].(float64); ok {
			numbers[key] = append(numbers[key], v)
		}
	}
	for i, key := range distinct(u.rows, by.field) {
		xs := numbers[key]
		if len(xs) == 0 {
			continue
		}
		slices.Sort(xs)
		n := float64(len(xs) - 1)
		box := boxOf(key.String(), xs, quantile(xs, n/4), quantile(xs, n/2), quantile(xs, 3*n/4))
		box.Position = Number(float64(i))
		s.Boxes = append(s.Boxes, box)
	}
	s.Count = len(s.Boxes)
	return s
}

// heatmap reads rectangles at the crossings of two discrete fields.
func (u *unit) heatmap(x, y channel) *Series {
	colour := u.channel("color")
	if !x.discrete() || !y.discrete() || !colour.there || colour.datum != nil {
		return unknown("rectangles that are no grid")
	}
	columns, rows := distinct(u.rows, x.field), distinct(u.rows, y.field)
	if len(columns)*len(rows) > maxPoints || len(columns) == 0 {
		return unknown("a grid of %d × %d cells", len(columns), len(rows))
	}
	s := &Series{Kind: KindHeatmap, Rows: len(rows), Columns: len(columns), Count: len(columns) * len(rows)}
	cells := map[[2]Value][]object{}
	for _, row := range u.rows {
		at := [2]Value{valueOf(row[x.field]), valueOf(row[y.field])}
		cells[at] = append(cells[at], row)
	}
	for _, r := range rows {
		line := make(Column, len(columns))
		for i, c := range columns {
			group := cells[[2]Value{c, r}]
			if len(group) == 0 {
				continue
			}
			line[i] = valueOf(group[0][colour.field])
			if colour.aggregate != "" {
				v, ok := aggregate(colour.aggregate, group, colour.field)
				if !ok {
					return unknown("a grid whose values are computed when it is drawn")
				}
				line[i] = v
			}
		}
		s.Values = append(s.Values, line)
		s.YCategories = append(s.YCategories, r.String())
	}
	for _, c := range columns {
		s.XCategories = append(s.XCategories, c.String())
	}
	return s
}
