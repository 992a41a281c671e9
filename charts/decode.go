package charts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bounds of a figure that is decoded. The drivers stay below them: they thin
// series out to 10,000 points, and figures to about 100,000.
const (
	maxJSON    = 32 << 20
	maxObjects = 50_000    // a small text can ask for a lot of memory: {},{},{} …
	maxItems   = 3_000_000 // values and members
	maxAxes    = 200
	maxSeries  = 510 // of one axes
	maxColumn  = 250_000
	maxFigure  = 1_000_000 // values
	maxText    = 64 << 10
	maxPicture = 64 << 20
)

// An InvalidError says what is wrong with a figure that was to be decoded.
type InvalidError struct {
	Place  string // "axes 1, series 2"; empty for the whole
	Reason string
}

func (e *InvalidError) Error() string {
	if e.Place == "" {
		return "chart: " + e.Reason
	}
	return "chart: " + e.Place + ": " + e.Reason
}

// Decode reads the JSON of a figure and checks it. Every error is an [*InvalidError].
func Decode(raw json.RawMessage) (*Figure, error) {
	if len(raw) > maxJSON {
		return nil, &InvalidError{Reason: fmt.Sprintf("%d MiB of JSON; at most %d are taken", len(raw)>>20, maxJSON>>20)}
	}
	if reason := tooMany(raw, maxObjects); reason != "" {
		return nil, &InvalidError{Reason: reason}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	var f *Figure
	if err := d.Decode(&f); err != nil {
		return nil, &InvalidError{Reason: err.Error()}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, &InvalidError{Reason: "something follows the figure"}
	}
	if f == nil {
		return nil, &InvalidError{Reason: "it is null"}
	}
	if err := f.check(); err != nil {
		return nil, err
	}
	f.describe()
	return f, nil
}

// tooMany says what there is too much of in a text of JSON, before it is decoded.
func tooMany(raw []byte, most int) string {
	objects, lists, items := 0, 0, 0
	for i := 0; i < len(raw); i++ {
		switch raw[i] {
		case '"':
			for i++; i < len(raw) && raw[i] != '"'; i++ {
				if raw[i] == '\\' {
					i++
				}
			}
		case '{':
			objects++
		case '[':
			lists++
		case ',':
			items++
		}
	}
	switch {
	case objects > most:
		return fmt.Sprintf("%d objects; at most %d are taken", objects, most)
	case lists > 10*most:
		return fmt.Sprintf("%d lists; at most %d are taken", lists, 10*most)
	case items > maxItems:
		return fmt.Sprintf("more than %d values", maxItems)
	}
	return ""
}

func (f *Figure) check() error {
	if len(f.Axes) > maxAxes {
		return &InvalidError{Reason: fmt.Sprintf("%d axes; at most %d are taken", len(f.Axes), maxAxes)}
	}
	if len(f.PNG) > maxPicture || len(f.SVG) > maxPicture {
		return &InvalidError{Reason: "the picture is too large"}
	}
	total := 0
	for i, a := range f.Axes {
		place := fmt.Sprintf("axes %d", i+1)
		if a == nil {
			return &InvalidError{Place: place, Reason: "it is null"}
		}
		if reason := a.fault(); reason != "" {
			return &InvalidError{Place: place, Reason: reason}
		}
		for j, s := range a.Series {
			place := fmt.Sprintf("axes %d, series %d", i+1, j+1)
			if s == nil {
				return &InvalidError{Place: place, Reason: "it is null"}
			}
			if reason := s.fault(); reason != "" {
				return &InvalidError{Place: place, Reason: reason}
			}
			total += s.size()
		}
	}
	if total > maxFigure {
		return &InvalidError{Reason: fmt.Sprintf("%d values; at most %d are taken", total, maxFigure)}
	}
	if f.Layout != nil {
		for _, groups := range [][][]int{f.Layout.SharedX, f.Layout.SharedY, f.Layout.Twins} {
			for _, group := range groups {
				for _, i := range group {
					if i < 0 || i >= len(f.Axes) {
						return &InvalidError{Place: "layout", Reason: fmt.Sprintf("there are no axes %d", i)}
					}
				}
			}
		}
	}
	return nil
}

func (a *Axes) fault() string {
	switch {
	case !slices.Contains([]string{Cartesian, Polar, Spatial, Geo}, a.Kind):
		return fmt.Sprintf("kind %.40q; cartesian, polar, 3d and geo are known", a.Kind)
	case len(a.Series) > maxSeries:
		return fmt.Sprintf("%d series; at most %d are taken", len(a.Series), maxSeries)
	}
	for _, axis := range []*Axis{a.X, a.Y, a.Z} {
		if axis == nil {
			continue
		}
		if len(axis.Limits) != 0 && len(axis.Limits) != 2 {
			return "limits are two: the lower and the upper"
		}
		if len(axis.TickLabels) != 0 && len(axis.TickLabels) != len(axis.Ticks) {
			return fmt.Sprintf("%d ticks and %d tick labels", len(axis.Ticks), len(axis.TickLabels))
		}
	}
	return ""
}

// columns are all of a series' columns that have one value for each thing.
func (s *Series) columns() map[string]Column {
	all := map[string]Column{
		"x": s.X, "y": s.Y, "z": s.Z, "x_end": s.XEnd, "y_end": s.YEnd, "z_end": s.ZEnd, "u": s.U, "v": s.V,
		"dx": s.DX, "dy": s.DY, "dz": s.DZ, "category": s.Category, "value": s.Value, "width": s.Width,
		"start": s.Start, "end": s.End, "counts": s.Counts, "sizes": s.Sizes, "color_values": s.ColorValues,
	}
	if len(s.Base) != 1 {
		all["base"] = s.Base
	}
	if s.Errors != nil {
		for name, b := range map[string]*Bounds{"x": s.Errors.X, "y": s.Errors.Y} {
			if b != nil {
				all["errors."+name+".low"], all["errors."+name+".high"] = b.Low, b.High
			}
		}
	}
	return all
}

func (s *Series) fault() string {
	if !slices.Contains(kinds(), s.Kind) {
		return fmt.Sprintf("kind %.40q isn't known", s.Kind)
	}
	if e := s.Errors; e != nil {
		for name, b := range map[string]*Bounds{"x": e.X, "y": e.Y} {
			if b != nil && (b.Low == nil || b.High == nil) {
				return "errors." + name + " needs both low and high"
			}
		}
	}
	n, first := -1, ""
	all := s.columns()
	for _, name := range sortedKeys(all) {
		c := all[name]
		if c == nil {
			continue
		}
		if n >= 0 && len(c) != n {
			return fmt.Sprintf("%d values in %s and %d in %s", n, first, len(c), name)
		}
		n, first = len(c), name
	}
	if s.Kind == KindHistogram && len(s.Edges) != len(s.Counts)+1 {
		return fmt.Sprintf("%d edges of %d bins", len(s.Edges), len(s.Counts))
	}
	for i, p := range s.Paths {
		if len(p.X) != len(p.Y) {
			return fmt.Sprintf("path %d has %d x and %d y", i+1, len(p.X), len(p.Y))
		}
	}
	for i, v := range s.Violins {
		if len(v.At) != len(v.Density) {
			return fmt.Sprintf("violin %d has %d values and %d densities", i+1, len(v.At), len(v.Density))
		}
	}
	for i, row := range s.Values {
		if len(row) != len(s.Values[0]) {
			return fmt.Sprintf("row %d of the values has %d, the first %d", i+1, len(row), len(s.Values[0]))
		}
	}
	return ""
}

// size counts a series' values.
func (s *Series) size() int {
	n := len(s.Edges) + len(s.Levels) + len(s.XEdges) + len(s.YEdges) + len(s.Wedges) + 8*len(s.Boxes)
	for _, c := range s.columns() {
		n += len(c)
	}
	for _, row := range s.Values {
		n += len(row) + 1
	}
	for _, p := range s.Paths {
		n += 1 + 2*len(p.X)
	}
	for _, b := range s.Boxes {
		n += len(b.Outliers)
	}
	for _, v := range s.Violins {
		n += 1 + 2*len(v.At)
	}
	return n
}

func kinds() []string {
	return []string{
		KindLine, KindStep, KindArea, KindScatter, KindBar, KindHistogram, KindErrorbar, KindPie, KindBox, KindViolin,
		KindHeatmap, KindHexbin, KindImage, KindContour, KindQuiver, KindStem, KindEvent, KindSegments, KindSurface,
		KindWireframe, KindBar3D, KindUnknown,
	}
}

func sortedKeys[T any](m map[string]T) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
