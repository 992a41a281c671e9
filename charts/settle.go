package charts

import (
	"regexp"
	"slices"
	"strings"
)

var unitAtEnd = regexp.MustCompile(`[(\[]([^()\[\]]+)[)\]]\s*$`)

// unitOf is what stands in brackets at the end of a label.
func unitOf(label string) string {
	if m := unitAtEnd.FindStringSubmatch(label); m != nil {
		return strings.TrimSpace(m[1])
	}
	return ""
}

// settle decides the scales of axes that don't say them, by what is drawn along them.
func (a *Axes) settle() {
	if a.Kind == Geo {
		return
	}
	for i, axis := range []*Axis{a.X, a.Y, a.Z} {
		if axis == nil {
			continue
		}
		var all []*Column
		for _, s := range a.Series {
			all = append(all, s.along(i)...)
		}
		axis.settle(all)
	}
	if a.stacked() {
		for _, s := range a.Series {
			if s.Kind == KindArea || s.Kind == KindBar {
				s.Arrangement = Stacked
			}
		}
	}
}

func (a *Axes) stacked() bool {
	for _, s := range a.Series {
		if s.Arrangement == Stacked {
			return true
		}
	}
	return false
}

// along are a series' columns along x (0), y (1) or z (2).
func (s *Series) along(i int) []*Column {
	switch {
	case s.Kind == KindBar && i < 2:
		if (s.Orientation == Horizontal) == (i == 1) {
			return []*Column{&s.Category}
		}
		return []*Column{&s.Start, &s.End}
	case i == 0:
		return []*Column{&s.X, &s.XEnd, &s.XEdges}
	case i == 1:
		return []*Column{&s.Y, &s.YEnd, &s.YEdges}
	default:
		return []*Column{&s.Z}
	}
}

func (axis *Axis) settle(all []*Column) {
	texts, dates := false, true
	for _, c := range all {
		if len(*c) == 0 {
			continue
		}
		texts = texts || c.texts()
		dates = dates && c.dates()
	}
	switch {
	case axis.Scale == Categorical || texts && !dates && axis.Scale != Datetime:
		axis.Scale = Categorical
		known := map[string]bool{}
		for _, name := range axis.Categories {
			known[name] = true
		}
		for _, c := range all {
			for i, v := range *c {
				if v.IsZero() {
					continue
				}
				// On such an axis a number is a name as well.
				name := v.String()
				(*c)[i] = Name(name)
				if !known[name] && len(axis.Categories) < maxPoints {
					known[name] = true
					axis.Categories = append(axis.Categories, name)
				}
			}
		}
	case texts:
		axis.Scale = Datetime
		for _, c := range all {
			if len(*c) > 0 {
				*c = c.isoDates()
			}
		}
	case axis.Scale == "":
		axis.Scale = Linear
	}
	if axis.Scale == Datetime && len(axis.Limits) == 2 && axis.Limits.dates() {
		axis.Limits = axis.Limits.isoDates()
	}
	if len(axis.TickLabels) == 0 && axis.Ticks != nil {
		axis.TickLabels = stringsOf(axis.Ticks)
	}
}

// stack puts series on each other, in their order: each begins where those before it end,
// negative values downwards.
func stack(all []*Series, value func(*Series) *Column, key func(*Series) Column) {
	up, down := map[string]float64{}, map[string]float64{}
	for _, s := range all {
		values, keys := *value(s), key(s)
		base := make(Column, len(values))
		for i, v := range values {
			x, ok := v.Float()
			if !ok || i >= len(keys) {
				base[i] = Number(0)
				continue
			}
			side := up
			if x < 0 {
				side = down
			}
			name := keys[i].String()
			base[i] = Number(side[name])
			side[name] += x
		}
		s.Base, s.Arrangement = base, Stacked
		if s.Kind == KindArea {
			tops := slices.Clone(values)
			for i := range tops {
				x, ok := values[i].Float()
				b, _ := base[i].Float()
				if ok {
					tops[i] = Number(x + b)
				}
			}
			*value(s) = tops
		}
	}
}
