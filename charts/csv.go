package charts

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// record is one row of the table: values by the names of their columns.
type record map[string]string

// csvColumns are all columns that there can be, in their order. A table has those that
// some row uses.
func csvColumns() []string {
	return []string{
		"axes", "title", "series", "kind", "label",
		"category", "x", "y", "z", "value", "base", "width", "start", "end",
		"x_low", "x_high", "y_low", "y_high", "x_end", "y_end", "z_end", "u", "v", "dx", "dy", "dz",
		"x_error_low", "x_error_high", "y_error_low", "y_error_high",
		"size", "color_value", "count", "fraction", "angle", "start_angle", "radius",
		"min", "first_quartile", "median", "third_quartile", "max", "mean", "outlier",
		"density", "level", "path",
	}
}

// CSV writes the data of a figure as one tidy table: a row for each point, bar, bin,
// wedge, box, outlier, cell or corner of a path, with the number of its axes and
// series, from 1. What there isn't is empty.
func CSV(w io.Writer, f *Figure) error {
	var rows []record
	used := map[string]bool{"axes": true, "series": true, "kind": true}
	for i, a := range f.Axes {
		for j, s := range a.Series {
			for _, r := range s.records() {
				r["axes"], r["series"], r["kind"] = strconv.Itoa(i+1), strconv.Itoa(j+1), s.Kind
				r["title"], r["label"] = a.Title, s.Label
				for name, v := range r {
					used[name] = used[name] || v != ""
				}
				rows = append(rows, r)
			}
		}
	}
	columns := slices.DeleteFunc(csvColumns(), func(name string) bool { return !used[name] })
	out := csv.NewWriter(w)
	line := slices.Clone(columns)
	_ = out.Write(line) // Flush says what went wrong
	for _, r := range rows {
		for i, name := range columns {
			line[i] = r[name]
		}
		_ = out.Write(line)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

func (s *Series) records() []record {
	switch {
	case s.Kind == KindHistogram:
		return s.bins()
	case s.Wedges != nil:
		return s.wedgeRecords()
	case s.Boxes != nil:
		return s.boxRecords()
	case s.Violins != nil:
		return s.violinRecords()
	case s.Values != nil:
		return s.cells()
	case s.Paths != nil:
		return s.corners()
	}
	return s.pointRecords()
}

// pointRecords are a row for each value of the columns.
func (s *Series) pointRecords() []record {
	names := map[string]Column{
		"x": s.X, "y": s.Y, "z": s.Z, "x_end": s.XEnd, "y_end": s.YEnd, "z_end": s.ZEnd, "u": s.U, "v": s.V,
		"dx": s.DX, "dy": s.DY, "dz": s.DZ, "category": s.Category, "value": s.Value, "base": s.Base, "width": s.Width,
		"start": s.Start, "end": s.End, "size": s.Sizes, "color_value": s.ColorValues,
	}
	if s.Errors != nil {
		for way, b := range map[string]*Bounds{"x": s.Errors.X, "y": s.Errors.Y} {
			if b != nil {
				names[way+"_error_low"], names[way+"_error_high"] = b.Low, b.High
			}
		}
	}
	n := 0
	for _, c := range names {
		n = max(n, len(c))
	}
	rows := make([]record, n)
	for i := range rows {
		rows[i] = record{}
		for name, c := range names {
			switch {
			case i < len(c):
				rows[i][name] = c[i].String()
			case len(c) == 1: // one for all
				rows[i][name] = c[0].String()
			}
		}
	}
	return rows
}

func (s *Series) bins() []record {
	var rows []record
	for i, v := range s.Counts {
		r := record{"x_low": s.Edges[i].String(), "x_high": s.Edges[i+1].String(), "count": v.String()}
		if i < len(s.Base) {
			r["base"] = s.Base[i].String()
		}
		rows = append(rows, r)
	}
	return rows
}

func (s *Series) wedgeRecords() []record {
	var rows []record
	for _, w := range s.Wedges {
		rows = append(rows, record{
			"category": w.Label, "value": optional(w.Value), "fraction": optional(w.Fraction),
			"angle": Number(w.Angle).String(), "start_angle": Number(w.Start).String(), "radius": Number(w.Radius).String(),
		})
	}
	return rows
}

func (s *Series) boxRecords() []record {
	var rows []record
	for _, b := range s.Boxes {
		rows = append(rows, record{
			"category": b.Label, "min": optional(b.Min), "first_quartile": optional(b.FirstQuartile), "median": optional(b.Median),
			"third_quartile": optional(b.ThirdQuartile), "max": optional(b.Max), "mean": optional(b.Mean),
		})
		for _, v := range b.Outliers {
			rows = append(rows, record{"category": b.Label, "outlier": v.String()})
		}
	}
	return rows
}

func (s *Series) violinRecords() []record {
	var rows []record
	for _, v := range s.Violins {
		rows = append(rows, record{
			"category": v.Label, "min": optional(v.Min), "median": optional(v.Median), "max": optional(v.Max), "mean": optional(v.Mean),
		})
		for i := range v.At {
			rows = append(rows, record{"category": v.Label, "value": v.At[i].String(), "density": v.Density[i].String()})
		}
	}
	return rows
}

func (s *Series) cells() []record {
	var rows []record
	for i, line := range s.Values {
		for j, v := range line {
			r := record{"value": v.String()}
			side(r, "x", s.XCategories, s.XEdges, j)
			side(r, "y", s.YCategories, s.YEdges, i)
			rows = append(rows, r)
		}
	}
	return rows
}

func side(r record, way string, names []string, edges Column, i int) {
	switch {
	case i < len(names):
		r[way] = names[i]
	case i+1 < len(edges):
		r[way+"_low"], r[way+"_high"] = edges[i].String(), edges[i+1].String()
	}
}

func (s *Series) corners() []record {
	var rows []record
	for i, p := range s.Paths {
		for j := range p.X {
			rows = append(rows, record{"path": strconv.Itoa(i + 1), "level": optional(p.Level), "x": p.X[j].String(), "y": p.Y[j].String()})
		}
	}
	return rows
}

func optional(x *float64) string {
	if x == nil {
		return ""
	}
	return Number(*x).String()
}
