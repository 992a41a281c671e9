package charts

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// What the readers of other libraries' JSON have in common. That JSON is anybody's,
// so it is looked at without a schema: what isn't as expected counts as absent.

type object = map[string]any

// Bounds of foreign JSON: data may be a list of objects, one for each row.
const (
	maxForeign = 16 << 20
	maxRecords = 200_000
	maxWork    = 5_000_000 // values that are looked at, again and again if they are drawn several times
)

func parse(raw json.RawMessage) (any, error) {
	if s := textOf(raw); s != "" {
		raw = json.RawMessage(s) // some send JSON as a text
	}
	if len(raw) > maxForeign {
		return nil, &InvalidError{Reason: fmt.Sprintf("%d MiB of JSON; at most %d are read", len(raw)>>20, maxForeign>>20)}
	}
	if reason := tooMany(raw, maxRecords); reason != "" {
		return nil, &InvalidError{Reason: reason}
	}
	var v any
	err := json.Unmarshal(raw, &v)
	if err != nil {
		return nil, &InvalidError{Reason: err.Error()}
	}
	return v, nil
}

// dig follows keys into objects.
func dig(v any, keys ...string) any {
	for _, k := range keys {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[k]
	}
	return v
}

func digText(v any, keys ...string) string {
	s, _ := dig(v, keys...).(string)
	return s
}

func digNumber(v any, keys ...string) (float64, bool) {
	x, ok := dig(v, keys...).(float64)
	return x, ok
}

func digList(v any, keys ...string) []any {
	l, _ := dig(v, keys...).([]any)
	return l
}

func digObject(v any, keys ...string) object {
	o, _ := dig(v, keys...).(object)
	return o
}

// valueOf is a scalar.
func valueOf(v any) Value {
	switch v := v.(type) {
	case float64:
		return Number(v)
	case string:
		if len(v) > maxText {
			v = strings.ToValidUTF8(v[:maxText], "")
		}
		return Name(v)
	case bool:
		return Name(strconv.FormatBool(v))
	default:
		return Value{}
	}
}

// columnOf is a list of scalars, or a typed array as plotly and bokeh pack them.
func columnOf(v any) Column {
	switch v := v.(type) {
	case []any:
		c := make(Column, len(v))
		for i := range v {
			c[i] = valueOf(v[i])
		}
		return c
	case object:
		numbers, _ := typedArray(v)
		if numbers == nil {
			return nil
		}
		return Numbers(numbers...)
	default:
		return nil
	}
}

// matrixOf is a list of rows.
func matrixOf(v any) []Column {
	if o, ok := v.(object); ok {
		flat, shape := typedArray(o)
		if len(shape) != 2 || shape[0]*shape[1] != len(flat) || shape[1] == 0 {
			return nil
		}
		rows := make([]Column, 0, shape[0])
		for i := 0; i < len(flat); i += shape[1] {
			rows = append(rows, Numbers(flat[i:i+shape[1]]...))
		}
		return rows
	}
	l, _ := v.([]any)
	var rows []Column
	for _, row := range l {
		c := columnOf(row)
		if c == nil || len(rows) > 0 && len(c) != len(rows[0]) {
			return nil
		}
		rows = append(rows, c)
	}
	return rows
}

// typedArray unpacks {"dtype", "bdata", "shape"} of plotly and {"type": "ndarray", …} of bokeh.
func typedArray(o object) (numbers []float64, shape []int) {
	raw, ok := packed(o)
	if !ok {
		return nil, nil
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if digText(o, "order") == "big" {
		order = binary.BigEndian
	}
	size, read := elements(digText(o, "dtype"), order)
	if read == nil || len(raw)%size != 0 || len(raw)/size > maxFigure {
		return nil, nil
	}
	numbers = make([]float64, 0, len(raw)/size)
	for ; len(raw) > 0; raw = raw[size:] {
		numbers = append(numbers, read(raw))
	}
	return numbers, shapeOf(o["shape"])
}

// packed are the bytes of a typed array: base64, of bokeh compressed as well.
func packed(o object) ([]byte, bool) {
	text := digText(o, "bdata")
	if text == "" {
		text = digText(o, "array", "data")
	}
	if text == "" {
		return nil, false
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	if !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) || digText(o, "type") != "ndarray" {
		return raw, true
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, false
	}
	// A small text can unpack into a large one: no more is read than is taken.
	raw, err = io.ReadAll(io.LimitReader(z, 8*maxFigure+1))
	if err != nil || len(raw) > 8*maxFigure {
		return nil, false
	}
	return raw, true
}

func shapeOf(v any) []int {
	var shape []int
	switch v := v.(type) {
	case string:
		for part := range strings.SplitSeq(v, ",") {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || n < 0 || n > maxFigure {
				return nil
			}
			shape = append(shape, n)
		}
	case []any:
		for _, part := range v {
			n, ok := part.(float64)
			if !ok || n < 0 || n > maxFigure {
				return nil
			}
			shape = append(shape, int(n))
		}
	}
	return shape
}

// elements says how long the elements of a type are, and how to read one.
func elements(dtype string, order binary.ByteOrder) (int, func([]byte) float64) {
	switch dtype {
	case "i1", "int8":
		return 1, func(b []byte) float64 { return float64(int8(b[0])) }
	case "u1", "uint8", "u1c", "bool":
		return 1, func(b []byte) float64 { return float64(b[0]) }
	case "i2", "int16":
		return 2, func(b []byte) float64 { return float64(int16(order.Uint16(b))) }
	case "u2", "uint16":
		return 2, func(b []byte) float64 { return float64(order.Uint16(b)) }
	case "i4", "int32":
		return 4, func(b []byte) float64 { return float64(int32(order.Uint32(b))) }
	case "u4", "uint32":
		return 4, func(b []byte) float64 { return float64(order.Uint32(b)) }
	case "f4", "float32":
		return 4, func(b []byte) float64 { return float64(math.Float32frombits(order.Uint32(b))) }
	case "f8", "float64":
		return 8, func(b []byte) float64 { return math.Float64frombits(order.Uint64(b)) }
	case "int64":
		return 8, func(b []byte) float64 { return float64(int64(order.Uint64(b))) }
	}
	return 1, nil
}

// maxPoints is how many points of a series are kept, as in the drivers.
const maxPoints = 10_000

// thin thins a series out, and counts it.
func (s *Series) thin() {
	n := 0
	for _, c := range s.columns() {
		n = max(n, len(c))
	}
	if n == 0 {
		return
	}
	s.Count = n
	step := (n + maxPoints - 1) / maxPoints
	if step > 1 {
		s.DecimatedFrom = n
	}
	for _, c := range s.pointers() {
		if *c == nil {
			continue
		}
		if step > 1 && len(*c) == n {
			kept := make(Column, 0, maxPoints)
			for i := 0; i < n; i += step {
				kept = append(kept, (*c)[i])
			}
			*c = kept
		}
		for _, v := range *c {
			if v.IsZero() {
				s.Nulls++
			}
		}
	}
}

func (s *Series) pointers() []*Column {
	all := []*Column{
		&s.X, &s.Y, &s.Z, &s.XEnd, &s.YEnd, &s.ZEnd, &s.U, &s.V, &s.DX, &s.DY, &s.DZ, &s.Category, &s.Value,
		&s.Base, &s.Width, &s.Start, &s.End, &s.Sizes, &s.ColorValues,
	}
	if s.Errors != nil {
		for _, b := range []*Bounds{s.Errors.X, s.Errors.Y} {
			if b != nil {
				all = append(all, &b.Low, &b.High)
			}
		}
	}
	return all
}

var isoDate = regexp.MustCompile(`^\d{4}-\d\d(-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?)?$`)

// dates reports whether the texts of a column are dates, and there are some.
func (c Column) dates() bool {
	found := false
	for _, v := range c {
		if s, ok := v.Text(); ok {
			if !isoDate.MatchString(s) {
				return false
			}
			found = true
		} else if !v.IsZero() {
			return false
		}
	}
	return found
}

func (c Column) texts() bool {
	for _, v := range c {
		if _, ok := v.Text(); ok {
			return true
		}
	}
	return false
}

// isoDates writes dates in one way, no finer than they have to be.
func (c Column) isoDates() Column {
	out := make(Column, len(c))
	midnight := true
	for i, v := range c {
		s, ok := v.Text()
		if !ok {
			continue
		}
		s = strings.Replace(s, " ", "T", 1)
		if before, fraction, found := strings.Cut(s, "."); found && strings.Trim(fraction, "0") == "" {
			s = before
		}
		midnight = midnight && (len(s) == 10 || strings.HasSuffix(s, "T00:00:00") || strings.HasSuffix(s, "T00:00"))
		out[i] = Name(s)
	}
	if midnight {
		for i, v := range out {
			if s, ok := v.Text(); ok && len(s) > 10 {
				out[i] = Name(s[:10])
			}
		}
	}
	return out
}

// counting are the numbers from 0 to n - 1.
func counting(n int) Column {
	c := make(Column, n)
	for i := range c {
		c[i] = Number(float64(i))
	}
	return c
}

// edgesAround are the borders between centres, halfway.
func edgesAround(c Column) Column {
	xs := make([]float64, len(c))
	for i, v := range c {
		x, ok := v.Float()
		if !ok {
			return nil
		}
		xs[i] = x
	}
	if len(xs) == 1 {
		return Numbers(xs[0]-0.5, xs[0]+0.5)
	}
	if len(xs) == 0 {
		return nil
	}
	edges := make(Column, 0, len(xs)+1)
	edges = append(edges, Number(xs[0]-(xs[1]-xs[0])/2))
	for i := 1; i < len(xs); i++ {
		edges = append(edges, Number((xs[i-1]+xs[i])/2))
	}
	n := len(xs)
	return append(edges, Number(xs[n-1]+(xs[n-1]-xs[n-2])/2))
}

// stringsOf are the texts of a column.
func stringsOf(c Column) []string {
	out := make([]string, len(c))
	for i, v := range c {
		out[i] = v.String()
	}
	return out
}

// grid fills in values with the centres, edges or names of their columns and rows. It
// reports false where their numbers don't fit.
func (s *Series) grid(x, y Column, values []Column) bool {
	if len(values) == 0 || len(values)*len(values[0]) > maxColumn {
		return false
	}
	s.Rows, s.Columns = len(values), len(values[0])
	s.Count = s.Rows * s.Columns
	s.Values = values
	for _, row := range values {
		for _, v := range row {
			if v.IsZero() {
				s.Nulls++
			}
		}
	}
	var okX, okY bool
	s.XEdges, s.XCategories, okX = sides(x, s.Columns)
	s.YEdges, s.YCategories, okY = sides(y, s.Rows)
	return okX && okY
}

func sides(c Column, n int) (edges Column, names []string, ok bool) {
	switch {
	case c == nil:
		return edgesAround(counting(n)), nil, true
	case len(c) == n && c.texts():
		return nil, stringsOf(c), true
	case len(c) == n:
		return edgesAround(c), nil, true
	case len(c) == n+1:
		return c, nil, true
	}
	return nil, nil, false
}

// quantile is of sorted numbers; at is a place between their indices.
func quantile(sorted []float64, at float64) float64 {
	at = min(max(at, 0), float64(len(sorted)-1))
	low := math.Floor(at)
	part := at - low
	if part == 0 {
		return sorted[int(low)]
	}
	return (1-part)*sorted[int(low)] + part*sorted[int(low)+1]
}

// boxOf makes a box of sorted numbers and their quartiles, with whiskers to the last
// number within one and a half of its length.
func boxOf(label string, sorted []float64, q1, median, q3 float64) Box {
	low, high := q1, q3
	reach := 1.5 * (q3 - q1)
	box := Box{Label: label, Outliers: Column{}}
	for _, x := range sorted {
		if x >= q1-reach {
			low = min(low, x)
			break
		}
	}
	for _, x := range sorted {
		if x <= q3+reach {
			high = max(high, x)
		}
	}
	for _, x := range sorted {
		if (x < low || x > high) && len(box.Outliers) < maxPoints {
			box.Outliers = append(box.Outliers, Number(x))
		}
	}
	box.Min, box.FirstQuartile, box.Median, box.ThirdQuartile, box.Max = &low, &q1, &median, &q3, &high
	return box
}

func unknown(format string, args ...any) *Series {
	return &Series{Kind: KindUnknown, Reason: fmt.Sprintf(format, args...)}
}

func pointer[T any](v T) *T { return &v }
