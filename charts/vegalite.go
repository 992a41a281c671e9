package charts

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// readVegaLite reads a specification of vega-lite, https://vega.github.io/vega-lite/docs/.
// What the library computes when it draws is computed here where that is certain
// (aggregates, bins, stacks); where it isn't, the series is unknown and says why.
func readVegaLite(raw json.RawMessage) (*Figure, error) {
	v, err := parse(raw)
	if err != nil {
		return nil, err
	}
	spec, _ := v.(object)
	r := vegaLite{figure: &Figure{Source: "vega-lite", Title: titleOf(spec), Axes: []*Axes{}}, datasets: digObject(spec, "datasets")}
	r.view(spec, view{}, 0)
	if len(r.figure.Axes) == 1 && r.figure.Axes[0].Title == "" {
		r.figure.Axes[0].Title, r.figure.Title = r.figure.Title, ""
	}
	return r.figure, nil
}

type vegaLite struct {
	figure   *Figure
	datasets object
	work     int // rows read so far
}

// view is what a part of a specification inherits from the parts around it.
type view struct {
	rows     []object
	found    bool // whether there are data at all
	encoding object
	computed string // what is done to the data before they are drawn
	axes     *Axes
	row, col int
}

// maxNesting of views in views: specifications may be written by anybody.
const maxNesting = 20

func (r *vegaLite) view(spec object, v view, depth int) {
	if depth > maxNesting || len(r.figure.Axes) >= maxAxes {
		r.figure.Omitted++
		return
	}
	v = r.inherit(spec, v)
	parts, across, down := concatenated(spec)
	switch {
	case parts != nil:
		for i, part := range parts {
			inner := v
			if across > 0 {
				inner.col, inner.row = v.col+i%across, v.row+i/across
			} else {
				inner.row, inner.col = v.row+i*down, v.col+i*(1-down)
			}
			if o, ok := part.(object); ok {
				r.view(o, inner, depth+1)
			}
		}
	case spec["repeat"] != nil:
		v.axes = r.newAxes(spec, v)
		v.axes.Series = append(v.axes.Series, unknown("views that are repeated for fields"))
	case spec["facet"] != nil && digObject(spec, "spec") != nil:
		inner := maps.Clone(digObject(spec, "spec"))
		facet := digObject(spec, "facet")
		if facet["field"] != nil {
			facet = object{"facet": facet}
		}
		r.facets(inner, facet, v, depth)
	case spec["layer"] != nil:
		if v.axes == nil {
			v.axes = r.newAxes(spec, v)
		}
		for _, layer := range digList(spec, "layer") {
			if o, ok := layer.(object); ok {
				r.view(o, v, depth+1)
			}
		}
		if depth == 0 || v.axes != nil {
			v.axes.settle()
		}
	case spec["mark"] != nil:
		facet := object{}
		for _, channel := range []string{"row", "column", "facet"} {
			if e := digObject(v.encoding, channel); e != nil {
				facet[channel] = e
			}
		}
		if len(facet) > 0 && v.axes == nil {
			r.facets(spec, facet, v, depth)
			return
		}
		own := v.axes == nil
		if own {
			v.axes = r.newAxes(spec, v)
		}
		r.unit(spec, v)
		if own {
			v.axes.settle()
		}
	}
}

// concatenated are the views of a specification that has several beside each other.
func concatenated(spec object) (parts []any, across, down int) {
	if l := digList(spec, "hconcat"); l != nil {
		return l, 0, 0
	}
	if l := digList(spec, "vconcat"); l != nil {
		return l, 0, 1
	}
	if l := digList(spec, "concat"); l != nil {
		columns, ok := digNumber(spec, "columns")
		if !ok || columns < 1 || columns > maxAxes {
			return l, 0, 0
		}
		return l, int(columns), 0
	}
	return nil, 0, 0
}

func (r *vegaLite) inherit(spec object, v view) view {
	if data := digObject(spec, "data"); data != nil {
		v.rows, v.found = r.rows(data)
	}
	for _, t := range digList(spec, "transform") {
		for _, key := range sortedKeys(digObject(t)) {
			v.computed = either(v.computed, key)
		}
		v.computed = either(v.computed, "something")
	}
	if own := digObject(spec, "encoding"); own != nil {
		all := maps.Clone(v.encoding)
		if all == nil {
			all = object{}
		}
		maps.Copy(all, own)
		v.encoding = all
	}
	return v
}

// rows are the data that a specification carries itself.
func (r *vegaLite) rows(data object) ([]object, bool) {
	values := data["values"]
	if name := digText(data, "name"); values == nil && name != "" {
		values = r.datasets[name]
	}
	l, ok := values.([]any)
	if !ok {
		return nil, false
	}
	rows := make([]object, 0, len(l))
	for _, v := range l {
		if o, ok := v.(object); ok {
			rows = append(rows, o)
		} else {
			rows = append(rows, object{"data": v})
		}
	}
	return rows, true
}

func (r *vegaLite) newAxes(spec object, v view) *Axes {
	a := &Axes{Kind: Cartesian, Series: []*Series{}, Title: ""}
	if len(r.figure.Axes) > 0 || v.row+v.col > 0 || titleOf(spec) != r.figure.Title {
		a.Title = titleOf(spec)
	}
	a.Row, a.Column = pointer(v.row), pointer(v.col)
	r.figure.Axes = append(r.figure.Axes, a)
	if n := len(r.figure.Axes); n > 1 {
		if r.figure.Layout == nil {
			r.figure.Layout = &Layout{}
		}
		for _, one := range r.figure.Axes {
			r.figure.Layout.Rows = max(r.figure.Layout.Rows, *one.Row+1)
			r.figure.Layout.Columns = max(r.figure.Layout.Columns, *one.Column+1)
		}
	}
	return a
}

// facets draws a view once for each value of the fields that divide the data.
func (r *vegaLite) facets(spec, facet object, v view, depth int) {
	inner := maps.Clone(spec)
	encoding := maps.Clone(digObject(spec, "encoding"))
	for _, channel := range []string{"row", "column", "facet"} {
		delete(encoding, channel)
	}
	inner["encoding"] = encoding
	v.encoding = maps.Clone(v.encoding)
	for _, channel := range []string{"row", "column", "facet"} {
		delete(v.encoding, channel)
	}
	rowField := digText(facet, "row", "field")
	columnField := either(digText(facet, "column", "field"), digText(facet, "facet", "field"))
	rows, columns := distinct(v.rows, rowField), distinct(v.rows, columnField)
	delete(inner, "data")
	cells := map[[2]Value][]object{}
	for _, row := range v.rows {
		at := [2]Value{}
		if rowField != "" {
			at[0] = valueOf(row[rowField])
		}
		if columnField != "" {
			at[1] = valueOf(row[columnField])
		}
		cells[at] = append(cells[at], row)
	}
	for i, one := range rows {
		for j, other := range columns {
			if len(r.figure.Axes) >= maxAxes {
				r.figure.Omitted++
				return
			}
			part := v
			part.rows = cells[[2]Value{one, other}]
			part.row, part.col = v.row+i, v.col+j
			inner["title"] = strings.Trim(one.String()+" / "+other.String(), " /")
			r.view(maps.Clone(inner), part, depth+1)
		}
	}
}

// distinct are the values of a field, sorted as vega-lite sorts them; of none, one.
func distinct(rows []object, field string) []Value {
	if field == "" {
		return []Value{{}}
	}
	var found []Value
	seen := map[Value]bool{}
	for _, row := range rows {
		if v := valueOf(row[field]); !seen[v] {
			seen[v] = true
			found = append(found, v)
		}
	}
	slices.SortStableFunc(found, compare)
	return found
}

// compare sorts numbers before texts.
func compare(a, b Value) int {
	x, ok := a.Float()
	y, also := b.Float()
	switch {
	case ok && also:
		return int(min(max((x-y)*1e300, -1), 1))
	case ok != also:
		if ok {
			return -1
		}
		return 1
	default:
		return strings.Compare(a.text, b.text)
	}
}

// unit reads one mark.
func (r *vegaLite) unit(spec object, v view) {
	mark := digText(spec, "mark")
	options := digObject(spec, "mark")
	mark = either(mark, digText(options, "type"))
	u := unit{mark: mark, options: options, axes: v.axes, rows: v.rows, encoding: v.encoding}
	r.work += 10 * len(v.rows)
	if r.work <= maxWork {
		u.label()
	}
	var found []*Series
	switch {
	case v.computed != "":
		found = []*Series{unknown("its data are computed when it is drawn (%.60s)", v.computed)}
	case !v.found:
		found = []*Series{unknown("its data are elsewhere")}
	case r.work > maxWork:
		found = []*Series{unknown("there are more data than are read")}
	default:
		found = u.series()
	}
	for _, s := range found {
		if len(v.axes.Series) >= maxSeries {
			v.axes.Omitted++
			continue
		}
		if s.Values == nil && s.Kind != KindHistogram {
			s.thin()
		}
		if s.fault() != "" {
			s = unknown("%s", fmt.Sprintf("a %.40s that couldn't be read", mark))
		}
		v.axes.Series = append(v.axes.Series, s)
	}
}
