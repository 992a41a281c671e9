package charts

import (
	"fmt"
	"slices"
	"strconv"
)

// The chart types that both the Daytona and the E2B clients know. A figure is cut into
// them here; the two dialects differ in how they write the values down.
const (
	typeLine      = "line"
	typeScatter   = "scatter"
	typeBar       = "bar"
	typePie       = "pie"
	typeBox       = "box_and_whisker"
	typeComposite = "composite_chart" // Daytona
	typeSuper     = "superchart"      // E2B
	typeUnknown   = "unknown"
)

// part is one chart of such a type: some of the series of one axes.
type part struct {
	kind   string
	title  string
	axes   *Axes
	series []*Series
	number []int // of each series among those of its type, from 1
}

// parts cuts a figure. Axes in which nothing is drawn have none.
func parts(f *Figure) []part {
	var all []part
	for _, a := range f.Axes {
		all = append(all, a.parts()...)
	}
	if len(all) == 1 && all[0].title == "" {
		all[0].title = f.Title
	}
	return all
}

// parts are the types in the order in which they were drawn. What none of them fits
// is a part of its own only where nothing else is.
func (a *Axes) parts() []part {
	var found []part
	for _, s := range a.Series {
		kind := a.simpleType(s)
		if kind == typeUnknown || a.twice(s) {
			continue
		}
		i := slices.IndexFunc(found, func(p part) bool { return p.kind == kind })
		if i < 0 {
			found = append(found, part{kind: kind, title: a.Title, axes: a})
			i = len(found) - 1
		}
		p := &found[i]
		p.series = append(p.series, s)
		p.number = append(p.number, len(p.series))
	}
	if len(found) == 0 && a.drawn() {
		found = append(found, part{kind: typeUnknown, title: a.Title, axes: a})
	}
	return found
}

// drawn reports whether there is anything to see in the axes.
func (a *Axes) drawn() bool {
	return len(a.Series)+len(a.Lines)+len(a.Spans)+len(a.Texts)+len(a.Tables) > 0
}

// simpleType is the type whose shape a series truly fits.
func (a *Axes) simpleType(s *Series) string {
	if a.Kind == Spatial || a.Kind == Geo || s.Z != nil {
		return typeUnknown
	}
	switch s.Kind {
	case KindLine, KindStep:
		return typeLine
	case KindScatter, KindStem:
		return typeScatter
	case KindErrorbar:
		if s.Connected != nil && *s.Connected {
			return typeLine
		}
		return typeScatter
	case KindArea:
		// An area above a level, or one of a stack, is a line of values; a band between two lines isn't.
		if s.Arrangement == Stacked || constant(s.Base) {
			return typeLine
		}
	case KindBar:
		if s.Value != nil {
			return typeBar
		}
	case KindHistogram:
		return typeBar
	case KindPie:
		return typePie
	case KindBox:
		return typeBox
	}
	return typeUnknown
}

// twice reports whether a line and an area show the same: an area's upper rim is often
// drawn as a line too. Of a stack the area counts, whose values aren't the sums.
func (a *Axes) twice(s *Series) bool {
	for _, other := range a.Series {
		summed := s.Kind == KindLine && other.Kind == KindArea && other.Arrangement == Stacked
		rim := s.Kind == KindArea && s.Arrangement != Stacked && other.Kind == KindLine
		if (summed || rim) && a.simpleType(other) != typeUnknown && slices.Equal(s.X, other.X) && slices.Equal(s.Y, other.Y) {
			return true
		}
	}
	return false
}

func constant(c Column) bool {
	for _, v := range c {
		if v != c[0] {
			return false
		}
	}
	return true
}

// points are the coordinates of a line or a scatter. Of a stacked area they are
// its own values, not where it ends.
func (s *Series) points() (x, y Column) {
	if s.Kind != KindArea || s.Arrangement != Stacked || len(s.Base) != len(s.X) {
		return s.X, s.Y
	}
	x, y = s.X, s.Y
	own := &y
	if s.Orientation == Horizontal {
		own = &x
	}
	values := slices.Clone(*own)
	for i := range values {
		top, ok := values[i].Float()
		base, also := s.Base[i].Float()
		if ok && also {
			values[i] = Number(difference(top, base))
		}
	}
	*own = values
	return x, y
}

// difference is a - b without what the subtraction leaves in the last digits:
// 0.3 - 0.1 is 0.2.
func difference(a, b float64) float64 {
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(a-b, 'g', 12, 64), 64)
	if err != nil {
		return a - b
	}
	return rounded
}

// bar is one bar of a bar chart or bin of a histogram.
type bar struct {
	label, group string
	value        float64
}

// bars are those that have a height.
func (p part) bars(i int) []bar {
	s := p.series[i]
	group := s.Label
	if group == "" && len(p.series) > 1 {
		group = strconv.Itoa(p.number[i])
	}
	var found []bar
	if s.Kind == KindHistogram {
		for j, v := range s.Counts {
			if n, ok := v.Float(); ok {
				label := fmt.Sprintf("%s – %s", short(s.Edges[j]), short(s.Edges[j+1]))
				found = append(found, bar{label, group, n})
			}
		}
		return found
	}
	for j, v := range s.Value {
		n, ok := v.Float()
		if !ok {
			continue
		}
		label := ""
		if j < len(s.Category) {
			label = s.Category[j].String()
		}
		found = append(found, bar{label, group, n})
	}
	return found
}

// short is a value for a label: numbers with six digits at most.
func short(v Value) string {
	if x, ok := v.Float(); ok {
		return strconv.FormatFloat(x, 'g', 6, 64)
	}
	return v.String()
}

// whole reports whether a box has its five numbers.
func (b Box) whole() bool {
	for _, x := range []*float64{b.Min, b.FirstQuartile, b.Median, b.ThirdQuartile, b.Max} {
		if x == nil {
			return false
		}
	}
	return true
}

// boxLabel names a box: its place, and its series when there are several.
func (p part) boxLabel(i int, b Box) string {
	group := p.series[i].Label
	switch {
	case len(p.series) < 2 || group == "":
		return b.Label
	case b.Label == "":
		return group
	default:
		return b.Label + " (" + group + ")"
	}
}
