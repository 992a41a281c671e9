package driver

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"
)

// What a result shows at most: enough to see what a value is.
const (
	maxDepth = 8
	maxItems = 1000
	maxText  = 1 << 20
	// A string that is a result by itself is wanted whole, if a frame holds it.
	maxString = 8 << 20
)

// pretty writes values in Go's own syntax. labels are the static types, which
// the interpreter's values have lost. Several values stand in parentheses.
func pretty(labels []string, values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		label := ""
		if i < len(labels) {
			label = labels[i]
		}
		parts[i] = prettyOne(label, v, nil)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

func prettyOne(label string, v any, parts []speaker) (text string) {
	if s, ok := v.(shown); ok {
		if s.words != nil && !isNilPointer(s.value) {
			return s.words()
		}
		v, parts = s.value, s.parts
	}
	p := &printer{parts: parts}
	defer func() {
		if r := recover(); r != nil {
			text = fmt.Sprintf("(a value of type %s that can't be shown: %v)", label, r)
		}
	}()
	if v == nil {
		return "nil"
	}
	p.value(reflect.ValueOf(v), label, 0)
	return p.b.String()
}

func isNilPointer(v any) bool {
	rv := reflect.ValueOf(v)
	return rv.Kind() == reflect.Pointer && rv.IsNil()
}

type printer struct {
	b     strings.Builder
	parts []speaker
}

func (p *printer) value(v reflect.Value, label string, depth int) {
	if p.b.Len() > maxText || depth > maxDepth {
		p.b.WriteString("…")
		return
	}
	if !v.IsValid() {
		p.b.WriteString("nil")
		return
	}
	if text, ok := spoken(v, p.parts); ok {
		p.b.WriteString(text)
		return
	}
	if v.CanInterface() && p.spoken(v) {
		return
	}
	switch v.Kind() {
	case reflect.String:
		p.text(v.String())
	case reflect.Bool:
		fmt.Fprint(&p.b, v.Bool())
	case reflect.Interface:
		if v.IsNil() {
			p.b.WriteString("nil")
			return
		}
		p.value(concrete(v.Elem()), "", depth)
	case reflect.Pointer:
		p.pointer(v, label, depth)
	case reflect.Struct:
		p.structure(concrete(v), label, depth)
	case reflect.Slice, reflect.Array:
		p.list(v, label, depth)
	case reflect.Map:
		p.mapping(v, label, depth)
	case reflect.Func, reflect.Chan, reflect.UnsafePointer:
		if label == "" {
			label = plainNames(v.Type().String())
		}
		if v.Kind() != reflect.UnsafePointer && v.IsNil() {
			p.b.WriteString("nil")
			return
		}
		fmt.Fprintf(&p.b, "(%s)(%#x)", label, v.Pointer())
	default:
		fmt.Fprint(&p.b, v)
	}
}

// text writes a string; of a very long one, how it begins.
func (p *printer) text(s string) {
	if len(s) <= maxString {
		p.b.WriteString(strconv.Quote(s))
		return
	}
	p.b.WriteString(strconv.Quote(strings.ToValidUTF8(s[:maxString], "")))
	fmt.Fprintf(&p.b, "… %d bytes", len(s))
}

// spoken lets a value speak for itself.
func (p *printer) spoken(v reflect.Value) bool {
	switch x := v.Interface().(type) {
	case reflect.Value:
		return false
	case error:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return false
		}
		p.b.WriteString(x.Error())
	case fmt.Stringer:
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return false
		}
		p.b.WriteString(x.String())
	default:
		return false
	}
	return true
}

func (p *printer) pointer(v reflect.Value, label string, depth int) {
	if v.IsNil() {
		p.b.WriteString("nil")
		return
	}
	if k := v.Elem().Kind(); k == reflect.Struct || k == reflect.Slice || k == reflect.Array || k == reflect.Map {
		p.b.WriteString("&")
		p.value(v.Elem(), strings.TrimPrefix(label, "*"), depth+1)
		return
	}
	if label == "" {
		label = v.Type().String()
	}
	fmt.Fprintf(&p.b, "(%s)(%#x)", label, v.Pointer())
}

func (p *printer) structure(v reflect.Value, label string, depth int) {
	if v.Kind() != reflect.Struct {
		p.value(v, label, depth)
		return
	}
	t := v.Type()
	if label == "" && t.Name() != "" {
		label = t.String()
	}
	p.b.WriteString(label + "{")
	for i := range v.NumField() {
		if i > 0 {
			p.b.WriteString(", ")
		}
		p.b.WriteString(fieldName(t.Field(i)) + ": ")
		p.value(v.Field(i), "", depth+1)
	}
	p.b.WriteString("}")
}

func (p *printer) list(v reflect.Value, label string, depth int) {
	if v.Kind() == reflect.Slice && v.IsNil() {
		p.b.WriteString("nil")
		return
	}
	if label == "" && depth == 0 {
		label = v.Type().String()
	}
	p.b.WriteString(label + "{")
	for i := range v.Len() {
		if i > 0 {
			p.b.WriteString(", ")
		}
		if i == maxItems || p.b.Len() > maxText {
			fmt.Fprintf(&p.b, "… %d more", v.Len()-i)
			break
		}
		p.value(v.Index(i), "", depth+1)
	}
	p.b.WriteString("}")
}

func (p *printer) mapping(v reflect.Value, label string, depth int) {
	if v.IsNil() {
		p.b.WriteString("nil")
		return
	}
	if label == "" && depth == 0 {
		label = v.Type().String()
	}
	type entry struct {
		text  string
		value reflect.Value
		key   reflect.Value
	}
	entries := make([]entry, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		kp := &printer{parts: p.parts}
		kp.value(it.Key(), "", depth+1)
		entries = append(entries, entry{kp.b.String(), it.Value(), it.Key()})
	}
	sort.Slice(entries, func(i, j int) bool {
		a, b := entries[i].key, entries[j].key
		switch {
		case a.CanInt() && b.CanInt():
			return a.Int() < b.Int()
		case a.CanUint() && b.CanUint():
			return a.Uint() < b.Uint()
		case a.CanFloat() && b.CanFloat():
			return a.Float() < b.Float()
		}
		return entries[i].text < entries[j].text
	})
	p.b.WriteString(label + "{")
	for i, e := range entries {
		if i > 0 {
			p.b.WriteString(", ")
		}
		if i == maxItems || p.b.Len() > maxText {
			fmt.Fprintf(&p.b, "… %d more", len(entries)-i)
			break
		}
		p.b.WriteString(e.text + ": ")
		p.value(e.value, "", depth+1)
	}
	p.b.WriteString("}")
}

// concrete looks through the wrapper that the interpreter puts around values
// in interfaces that user code declares.
func concrete(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Struct && v.Type().Name() == "valueInterface" && v.NumField() == 2 {
		open := reflect.New(v.Type()).Elem()
		open.Set(v)
		inner := reflect.NewAt(open.Field(1).Type(), open.Field(1).Addr().UnsafePointer()).Elem()
		rv, ok := inner.Interface().(reflect.Value)
		if !ok || !rv.IsValid() {
			return v
		}
		v = rv
	}
	return v
}
