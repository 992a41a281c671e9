package charts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Value is a number, a text (a date or a category's name), or nothing. The
// zero Value is nothing, null in JSON.
type Value struct {
	text string
	num  float64
	kind byte // 0, 'n' or 't'
}

// Number makes a Value; of what isn't finite nothing.
func Number(x float64) Value {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return Value{}
	}
	return Value{num: x, kind: 'n'}
}

// Name makes a Value of a category or a date.
func Name(s string) Value { return Value{text: s, kind: 't'} }

// Float returns the number, if it is one.
func (v Value) Float() (float64, bool) { return v.num, v.kind == 'n' }

// Text returns the text, if it is one.
func (v Value) Text() (string, bool) { return v.text, v.kind == 't' }

// IsZero reports whether there is nothing.
func (v Value) IsZero() bool { return v.kind == 0 }

// Equal compares values; it is what go-cmp asks for.
func (v Value) Equal(w Value) bool { return v == w }

// String is the value as people read it.
func (v Value) String() string {
	switch v.kind {
	case 'n':
		return strconv.FormatFloat(v.num, 'f', -1, 64)
	case 't':
		return v.text
	default:
		return ""
	}
}

// MarshalJSON implements [json.Marshaler].
func (v Value) MarshalJSON() ([]byte, error) { return v.appendJSON(nil) }

func (v Value) appendJSON(b []byte) ([]byte, error) {
	switch v.kind {
	case 'n':
		return appendNumber(b, v.num), nil
	case 't':
		quoted, err := json.Marshal(v.text)
		return append(b, quoted...), err
	default:
		return append(b, "null"...), nil
	}
}

// appendNumber writes numbers as encoding/json does.
func appendNumber(b []byte, x float64) []byte {
	format := byte('f')
	if size := math.Abs(x); size != 0 && (size < 1e-6 || size >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, x, format, -1, 64)
}

// UnmarshalJSON implements [json.Unmarshaler].
func (v *Value) UnmarshalJSON(raw []byte) error {
	parsed, err := parseValue(raw)
	*v = parsed
	return err
}

var errNotAValue = errors.New("a number, a text or null was expected")

func parseValue(raw []byte) (Value, error) {
	switch {
	case len(raw) == 0:
		return Value{}, errNotAValue
	case raw[0] == 'n':
		return Value{}, nil
	case raw[0] == '"':
		var s string
		if err := json.Unmarshal(raw, &s); err != nil {
			return Value{}, err
		}
		if len(s) > maxText {
			return Value{}, fmt.Errorf("a text of %d bytes; at most %d are taken", len(s), maxText)
		}
		return Name(s), nil
	case raw[0] == '-' || raw[0] >= '0' && raw[0] <= '9':
		x, err := strconv.ParseFloat(string(raw), 64)
		if err != nil {
			return Value{}, fmt.Errorf("%.40s is no number that fits: %w", raw, err)
		}
		return Number(x), nil
	default:
		return Value{}, errNotAValue
	}
}

// Column is a list of values: numbers, ISO 8601 dates or categories' names, and
// null where there was none.
type Column []Value

// Numbers makes a Column.
func Numbers(xs ...float64) Column {
	c := make(Column, len(xs))
	for i, x := range xs {
		c[i] = Number(x)
	}
	return c
}

// Names makes a Column.
func Names(names ...string) Column {
	c := make(Column, len(names))
	for i, s := range names {
		c[i] = Name(s)
	}
	return c
}

// MarshalJSON implements [json.Marshaler].
func (c Column) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, 2+12*len(c))
	b = append(b, '[')
	var err error
	for i, v := range c {
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = v.appendJSON(b); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

// UnmarshalJSON implements [json.Unmarshaler]. It reads the elements itself:
// one call for each of ten thousand points would take ten times as long.
func (c *Column) UnmarshalJSON(raw []byte) error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		*c = nil
		return nil
	}
	if len(raw) < 2 || raw[0] != '[' {
		return errors.New("a list of values was expected")
	}
	values := make(Column, 0, min(bytes.Count(raw, []byte{','})+1, maxColumn))
	for i := 1; i < len(raw)-1; {
		if b := raw[i]; b == ',' || b == ' ' || b == '\n' || b == '\t' || b == '\r' {
			i++
			continue
		}
		end := elementEnd(raw, i)
		v, err := parseValue(raw[i:end])
		if err != nil {
			return fmt.Errorf("value %d: %w", len(values)+1, err)
		}
		if len(values) == maxColumn {
			return fmt.Errorf("more than %d values in one list", maxColumn)
		}
		values = append(values, v)
		i = end
	}
	*c = values
	return nil
}

// elementEnd finds where the element that begins at i ends. raw is valid JSON.
func elementEnd(raw []byte, i int) int {
	if raw[i] == '"' {
		for i++; i < len(raw)-1 && raw[i] != '"'; i++ {
			if raw[i] == '\\' {
				i++
			}
		}
		return min(i+1, len(raw))
	}
	start := i
	for ; i < len(raw)-1; i++ {
		if b := raw[i]; b == ',' || b == ' ' || b == '\n' || b == '\t' || b == '\r' {
			break
		}
	}
	return max(i, start+1)
}
