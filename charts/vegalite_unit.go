package charts

import (
	"math"
	"slices"
	"strings"
	"time"
)

// unit is one mark with its data and encodings.
type unit struct {
	mark     string
	options  object
	axes     *Axes
	rows     []object
	encoding object
}

// channel is an encoding: a field, and what is done to it.
type channel struct {
	field, kind, aggregate, title string
	bin, stack, sort              any
	datum                         any
	there                         bool
	computed                      bool // by something that isn't computed here
}

func (u *unit) channel(name string) channel {
	e := digObject(u.encoding, name)
	c := channel{
		field: digText(e, "field"), kind: digText(e, "type"), aggregate: digText(e, "aggregate"), title: titleOf(e),
		bin: e["bin"], stack: e["stack"], sort: e["sort"], datum: e["datum"],
	}
	if c.datum == nil {
		c.datum = e["value"]
	}
	c.there = c.field != "" || c.aggregate != "" || c.datum != nil
	c.computed = e["timeUnit"] != nil || digObject(e, "aggregate") != nil || e["impute"] != nil
	// Names of fields may have escapes and paths; those aren't followed.
	c.computed = c.computed || strings.ContainsAny(c.field, `\[`) || strings.Contains(c.field, ".") && len(u.rows) > 0 && u.rows[0][c.field] == nil
	if t := digText(e, "axis", "title"); t != "" {
		c.title = t
	}
	if c.kind == "" {
		c.kind = u.guess(c)
	}
	return c
}

func (u *unit) guess(c channel) string {
	if c.aggregate != "" || c.bin != nil && c.bin != false {
		return "quantitative"
	}
	if c.field == "" {
		if _, ok := c.datum.(string); ok {
			return "nominal"
		}
		return "quantitative"
	}
	for _, row := range u.rows {
		switch row[c.field].(type) {
		case float64:
			return "quantitative"
		case string:
			return "nominal"
		}
	}
	return "nominal"
}

func (c channel) discrete() bool { return c.kind == "nominal" || c.kind == "ordinal" }

func (c channel) label() string {
	if c.title != "" || !c.there {
		return c.title
	}
	switch c.aggregate {
	case "":
		if c.bin != nil && c.bin != false && c.bin != "binned" {
			return c.field + " (binned)"
		}
		return c.field
	case "count":
		return "Count of Records"
	case "mean", "average":
		return "Average of " + c.field
	default:
		return strings.ToUpper(c.aggregate[:1]) + c.aggregate[1:] + " of " + c.field
	}
}

// label names the axes, once.
func (u *unit) label() {
	for name, axis := range map[string]**Axis{"x": &u.axes.X, "y": &u.axes.Y} {
		c := u.channel(name)
		if *axis == nil {
			*axis = &Axis{}
		}
		a := *axis
		if !c.there {
			continue
		}
		if a.Label == "" {
			a.Label = c.label()
			a.Unit = unitOf(a.Label)
		}
		switch kind := digText(u.encoding, name, "scale", "type"); {
		case c.kind == "temporal":
			a.Scale = Datetime
		case c.discrete():
			a.Scale = Categorical
			u.order(a, c)
		case kind != "":
			a.Scale = kind
		}
	}
}

// order are the categories as vega-lite sorts them.
func (u *unit) order(a *Axis, c channel) {
	values := distinct(u.rows, c.field)
	if c.sort == "descending" {
		slices.Reverse(values)
	}
	if l, ok := c.sort.([]any); ok {
		values = append(columnOf(l), values...)
	}
	known := map[string]bool{}
	for _, name := range a.Categories {
		known[name] = true
	}
	for _, v := range values {
		if name := v.String(); !v.IsZero() && !known[name] && len(a.Categories) < maxPoints {
			known[name] = true
			a.Categories = append(a.Categories, name)
		}
	}
}

// series reads the mark: one series, or one for each colour that a field has.
func (u *unit) series() []*Series {
	x, y := u.channel("x"), u.channel("y")
	for _, c := range []channel{x, y, u.channel("color"), u.channel("theta")} {
		if c.computed {
			return []*Series{unknown("a %.40s whose values are computed when it is drawn", u.mark)}
		}
	}
	if s := u.reference(x, y); s {
		return nil
	}
	switch u.mark {
	case "arc":
		return []*Series{u.pie()}
	case "boxplot":
		return []*Series{u.boxes(x, y)}
	case "rect":
		return []*Series{u.heatmap(x, y)}
	}
	if s := u.histogram(x, y); s != nil {
		return []*Series{s}
	}
	kind := map[string]string{
		"line": KindLine, "trail": KindLine, "area": KindArea, "bar": KindBar, "point": KindScatter, "circle": KindScatter, "square": KindScatter, "tick": KindEvent,
	}[u.mark]
	if kind == "" || !x.there && !y.there {
		return []*Series{unknown("a %.40s of vega-lite", u.mark)}
	}
	return u.marks(kind, x, y)
}

// reference takes a rule that stands at one value for a line of reference.
func (u *unit) reference(x, y channel) bool {
	if u.mark != "rule" || x.there == y.there {
		return false
	}
	c, orientation := x, Vertical
	if y.there {
		c, orientation = y, Horizontal
	}
	if c.datum != nil {
		u.axes.Lines = append(u.axes.Lines, Line{Orientation: orientation, Value: valueOf(c.datum)})
		return true
	}
	if c.aggregate != "" {
		value, ok := aggregate(c.aggregate, u.rows, c.field)
		if ok {
			u.axes.Lines = append(u.axes.Lines, Line{Orientation: orientation, Value: value})
		}
		return ok
	}
	for i, row := range u.rows {
		if i >= maxSeries {
			break
		}
		u.axes.Lines = append(u.axes.Lines, Line{Orientation: orientation, Value: valueOf(row[c.field])})
	}
	return true
}

// marks are those with a place in x and y.
func (u *unit) marks(kind string, x, y channel) []*Series {
	colour := u.channel("color")
	for _, name := range []string{"detail", "strokeDash", "shape"} {
		if c := u.channel(name); colour.field == "" && c.field != "" {
			colour = c
		}
	}
	split := colour.field != "" && colour.discrete()
	field := ""
	if split {
		field = colour.field
	}
	horizontal := kind == KindBar && (y.discrete() && !x.discrete() || x.aggregate != "" && y.aggregate == "" || y.there && !x.there)
	var found []*Series
	parts := map[Value][]object{{}: u.rows}
	if split {
		parts = map[Value][]object{}
		for _, row := range u.rows {
			parts[valueOf(row[field])] = append(parts[valueOf(row[field])], row)
		}
	}
	for _, value := range distinct(u.rows, field) {
		if len(found) == maxSeries {
			u.axes.Omitted++
			continue
		}
		rows := parts[value]
		xs, ys, ok := u.points(rows, x, y)
		if !ok {
			return []*Series{unknown("a %.40s whose values are computed when it is drawn", u.mark)}
		}
		s := &Series{Kind: kind, Label: value.String()}
		u.place(s, xs, ys, rows, horizontal)
		if colour.field != "" && !split && len(rows) == len(xs) && x.aggregate == "" && y.aggregate == "" {
			s.ColorValues = fieldOf(rows, colour.field)
		}
		if size := u.channel("size"); size.field != "" && len(rows) == len(xs) && kind == KindScatter && x.aggregate == "" && y.aggregate == "" {
			s.Sizes = fieldOf(rows, size.field)
		}
		found = append(found, s)
	}
	u.stack(kind, x, y, found, horizontal)
	return found
}

func (u *unit) place(s *Series, xs, ys Column, rows []object, horizontal bool) {
	switch s.Kind {
	case KindBar:
		s.Orientation, s.Arrangement, s.Category, s.Value = Vertical, Single, xs, ys
		end := u.channel("y2")
		if horizontal {
			s.Orientation, s.Category, s.Value = Horizontal, ys, xs
			end = u.channel("x2")
		}
		if end.field != "" && len(rows) == len(s.Value) {
			s.Base, s.Value = ranged(s.Value, fieldOf(rows, end.field))
		} else {
			s.Base = Numbers(make([]float64, len(s.Value))...)
		}
	case KindArea:
		s.Orientation, s.X, s.Y, s.Base = Vertical, xs, ys, Numbers(make([]float64, len(ys))...)
		if end := u.channel("y2"); end.field != "" && len(rows) == len(ys) {
			base := fieldOf(rows, end.field)
			sortBy(xs, &s.X, &s.Y, &base)
			s.Base = base
			return
		}
		sortBy(xs, &s.X, &s.Y)
	case KindLine:
		s.X, s.Y = xs, ys
		if digText(u.options, "interpolate") == "step-after" {
			s.Kind, s.Where = KindStep, "post"
		}
		if u.channel("order").field == "" {
			sortBy(xs, &s.X, &s.Y) // vega-lite joins points from left to right
		}
	case KindEvent:
		s.X, s.Y = xs, ys
		if xs != nil && ys != nil {
			s.Kind = KindScatter
		}
	default:
		s.X, s.Y = xs, ys
	}
}

// ranged are bars from one field to another.
func ranged(from, to Column) (base, length Column) {
	base, length = make(Column, len(from)), make(Column, len(from))
	for i := range from {
		a, ok := from[i].Float()
		b, also := to[i].Float()
		if ok && also {
			base[i], length[i] = Number(a), Number(difference(b, a))
		}
	}
	return base, length
}

// sortBy sorts columns by the first, where its values can be sorted.
func sortBy(by Column, columns ...*Column) {
	order := make([]int, len(by))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compare(by[i], by[j]) })
	for _, c := range columns {
		if len(*c) != len(by) {
			continue
		}
		sorted := make(Column, len(by))
		for i, j := range order {
			sorted[i] = (*c)[j]
		}
		*c = sorted
	}
}

// stack says how bars and areas of several colours stand to each other.
func (u *unit) stack(kind string, x, y channel, found []*Series, horizontal bool) {
	if len(found) < 2 {
		return
	}
	value := y
	if horizontal {
		value = x
	}
	switch offset := digObject(u.encoding, "xOffset") != nil || digObject(u.encoding, "yOffset") != nil; {
	case kind == KindBar && offset:
		for _, s := range found {
			s.Arrangement = Grouped
		}
	case value.stack == false || value.stack == "normalize" || value.stack == "center":
	case kind == KindBar:
		stack(found, func(s *Series) *Column { return &s.Value }, func(s *Series) Column { return s.Category })
	case kind == KindArea && u.channel("y2").field == "":
		stack(found, func(s *Series) *Column { return &s.Y }, func(s *Series) Column { return s.X })
	}
}

// points are the coordinates of rows, aggregated if that is asked for.
func (u *unit) points(rows []object, x, y channel) (xs, ys Column, ok bool) {
	switch {
	case x.bin != nil && x.bin != false && x.bin != "binned", y.bin != nil && y.bin != false && y.bin != "binned":
		return nil, nil, false
	case x.aggregate == "" && y.aggregate == "":
		return u.field(rows, x), u.field(rows, y), true
	case x.aggregate != "" && y.aggregate != "":
		return nil, nil, false
	case x.aggregate != "":
		ys, xs, ok = u.grouped(rows, y, x)
		return xs, ys, ok
	default:
		return u.grouped(rows, x, y)
	}
}

func (u *unit) field(rows []object, c channel) Column {
	switch {
	case c.field != "":
		values := fieldOf(rows, c.field)
		if c.kind == "temporal" {
			return moments(values)
		}
		if c.discrete() {
			return Names(stringsOf(values)...)
		}
		return values
	case c.datum != nil:
		values := make(Column, len(rows))
		for i := range values {
			values[i] = valueOf(c.datum)
		}
		return values
	}
	return nil
}

func (u *unit) grouped(rows []object, by, of channel) (keys, values Column, ok bool) {
	if !by.there {
		v, ok := aggregate(of.aggregate, rows, of.field)
		return Names(""), Column{v}, ok
	}
	groups := map[Value][]object{}
	var order []Value
	for i, v := range u.field(rows, by) {
		if _, known := groups[v]; !known {
			order = append(order, v)
		}
		groups[v] = append(groups[v], rows[i])
	}
	slices.SortStableFunc(order, compare)
	for _, key := range order {
		v, ok := aggregate(of.aggregate, groups[key], of.field)
		if !ok {
			return nil, nil, false
		}
		keys, values = append(keys, key), append(values, v)
	}
	return keys, values, true
}

func fieldOf(rows []object, field string) Column {
	c := make(Column, len(rows))
	for i, row := range rows {
		c[i] = valueOf(row[field])
	}
	return c
}

// moments are dates: ISO texts, or milliseconds since 1970.
func moments(c Column) Column {
	out := make(Column, len(c))
	for i, v := range c {
		out[i] = v
		if ms, ok := v.Float(); ok && math.Abs(ms) < 1e15 {
			out[i] = Name(strings.TrimSuffix(time.UnixMilli(int64(ms)).UTC().Format("2006-01-02T15:04:05.999"), "Z"))
		}
	}
	return out
}

// aggregate is what vega calls an operation; false for those that aren't known here.
func aggregate(operation string, rows []object, field string) (Value, bool) {
	if operation == "count" {
		return Number(float64(len(rows))), true
	}
	var xs []float64
	sum := 0.0
	for _, v := range fieldOf(rows, field) {
		if x, ok := v.Float(); ok {
			xs = append(xs, x)
			sum += x
		}
	}
	slices.Sort(xs)
	n := len(xs)
	switch operation {
	case "sum":
		return Number(sum), true
	case "mean", "average":
		return Number(sum / float64(n)), true
	case "min", "max", "median", "q1", "q3":
		if n == 0 {
			return Value{}, true
		}
		at := map[string]float64{"min": 0, "q1": 0.25, "median": 0.5, "q3": 0.75, "max": 1}[operation]
		return Number(quantile(xs, at*float64(n-1))), true
	case "distinct":
		return Number(float64(len(distinct(rows, field)))), true
	}
	return Value{}, false
}
