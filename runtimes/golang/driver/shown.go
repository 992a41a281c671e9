package driver

import (
	"errors"
	"fmt"
	"reflect"
	"sort"
	"strings"

	"github.com/traefik/yaegi/interp"
)

// shown stands for a value of a user type in a call of package fmt.
type shown struct {
	name  string
	value any
	words func() string // of its Error or String method; nil when it has none
	parts []speaker     // for values inside of it
}

// speaker gives the words of the values of one type.
type speaker struct {
	of    reflect.Type
	words func(any) string
}

func newSpeaker(zero any, words func(any) string) any { return speaker{reflect.TypeOf(zero), words} }

func newShown(name string, value any, words func() string, parts ...any) any {
	s := shown{name: name, value: value, words: words}
	for _, p := range parts {
		if sp, ok := p.(speaker); ok {
			s.parts = append(s.parts, sp)
		}
	}
	return s
}

// spoken gives a value's own words, if its type has a speaker.
func spoken(v reflect.Value, parts []speaker) (string, bool) {
	for _, p := range parts {
		if v.Type() != p.of || !v.CanInterface() {
			continue
		}
		if v.Kind() == reflect.Pointer && v.IsNil() {
			return "<nil>", true
		}
		return p.words(v.Interface()), true
	}
	return "", false
}

// Format implements [fmt.Formatter].
func (s shown) Format(f fmt.State, verb rune) {
	v := reflect.ValueOf(s.value)
	switch {
	case v.Kind() == reflect.Pointer && v.IsNil() && verb == 'v':
		fmt.Fprintf(f, strings.Replace(fmt.FormatString(f, verb), "+", "", 1), nil)
	case s.words != nil && strings.ContainsRune("vsqxX", verb) && !f.Flag('#'):
		fmt.Fprintf(f, strings.ReplaceAll(fmt.FormatString(f, verb), "+", ""), s.words())
	case verb == 'v' && f.Flag('#'):
		fmt.Fprint(f, prettyOne(s.name, s.value, nil))
	case verb == 'v':
		fmt.Fprint(f, plain(v, s.parts, f.Flag('+'), 0))
	default:
		fmt.Fprintf(f, fmt.FormatString(f, verb), s.value)
	}
}

// plain shows a value as %v does, with fields under their own names and
// without the interpreter's wrappers.
func plain(v reflect.Value, parts []speaker, plus bool, depth int) string {
	if !v.IsValid() {
		return "<nil>"
	}
	v = concrete(v)
	if text, ok := spoken(v, parts); ok && depth > 0 {
		return text
	}
	if v.CanInterface() && depth > 0 {
		switch x := v.Interface().(type) {
		case error, fmt.Stringer:
			return fmt.Sprint(x)
		}
	}
	var texts []string
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			text := plain(v.Field(i), parts, plus, depth+1)
			if plus {
				text = fieldName(v.Type().Field(i)) + ":" + text
			}
			texts = append(texts, text)
		}
		return "{" + strings.Join(texts, " ") + "}"
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			texts = append(texts, plain(v.Index(i), parts, plus, depth+1))
		}
		return "[" + strings.Join(texts, " ") + "]"
	case reflect.Map:
		keys := v.MapKeys()
		sort.Slice(keys, func(i, j int) bool { return less(keys[i], keys[j]) })
		for _, k := range keys {
			texts = append(texts, plain(k, parts, plus, depth+1)+":"+plain(v.MapIndex(k), parts, plus, depth+1))
		}
		return "map[" + strings.Join(texts, " ") + "]"
	case reflect.Interface:
		if v.IsNil() {
			return "<nil>"
		}
		return plain(v.Elem(), parts, plus, depth)
	case reflect.Pointer:
		if !v.IsNil() && depth == 0 {
			switch v.Elem().Kind() {
			case reflect.Struct, reflect.Slice, reflect.Array, reflect.Map:
				return "&" + plain(v.Elem(), parts, plus, depth+1)
			}
		}
	}
	return fmt.Sprint(v)
}

func less(a, b reflect.Value) bool {
	switch {
	case a.CanInt() && b.CanInt():
		return a.Int() < b.Int()
	case a.CanUint() && b.CanUint():
		return a.Uint() < b.Uint()
	case a.CanFloat() && b.CanFloat():
		return a.Float() < b.Float()
	}
	return fmt.Sprint(a) < fmt.Sprint(b)
}

// fieldName is a field's name in the user's code: the interpreter puts an X
// before an unexported one, and the rewriter tags it.
func fieldName(f reflect.StructField) string {
	if strings.Contains(string(f.Tag), `json:"-" xml:"-"`) {
		return strings.TrimPrefix(f.Name, "X")
	}
	return f.Name
}

// typeOf is what %T shows when the static type is known.
func typeOf(label string, _ any) string { return label }

// typeName is what %T shows for a value in an interface.
func typeName(v any) string {
	if v == nil {
		return "<nil>"
	}
	v = inside(v)
	t := reflect.TypeOf(v)
	stars := ""
	for t.Kind() == reflect.Pointer {
		t, stars = t.Elem(), stars+"*"
	}
	if name := taggedName(t); name != "" {
		return stars + "main." + name
	}
	return reflect.TypeOf(v).String()
}

// taggedName is the name that the rewriter gave to a struct type.
func taggedName(t reflect.Type) string {
	if t.Kind() != reflect.Struct || t.NumField() == 0 {
		return ""
	}
	return plainNames(t.Field(0).Tag.Get("hotcell"))
}

// inside takes a value of a user type out of the wrapper that the interpreter
// makes for an interface of compiled code.
func inside(v any) any {
	for {
		if s, ok := v.(shown); ok {
			v = s.value
			continue
		}
		rv := reflect.ValueOf(v)
		if rv.Kind() != reflect.Struct || rv.NumField() < 2 || rv.Type().Field(0).Name != "IValue" {
			return v
		}
		field := rv.Field(0)
		if !field.CanInterface() || field.IsNil() {
			return v
		}
		v = field.Interface()
	}
}

// as is errors.As.
func as(err error, target any) bool {
	if target == nil {
		panic("errors: target cannot be nil")
	}
	slot := reflect.ValueOf(target)
	if slot.Kind() != reflect.Pointer || slot.IsNil() {
		panic("errors: target must be a non-nil pointer")
	}
	slot = slot.Elem()
	if slot.Kind() == reflect.Interface && slot.Type().NumMethod() > 0 {
		return errors.As(err, target)
	}
	return walk(err, func(err error) bool {
		v := reflect.ValueOf(inside(err))
		if v.IsValid() && v.Type() == slot.Type() {
			slot.Set(v)
			return true
		}
		return false
	})
}

// is is errors.Is.
func is(err, target error) bool {
	if err == nil || target == nil {
		return errors.Is(err, target)
	}
	return walk(err, func(err error) bool {
		if equal(err, target) {
			return true
		}
		x, ok := err.(interface{ Is(error) bool })
		return ok && x.Is(target)
	})
}

// walk visits the tree of an error until visit says that it is found.
func walk(err error, visit func(error) bool) bool {
	for err != nil {
		if visit(err) {
			return true
		}
		{
			var x interface{ Unwrap() error }
			var x1 interface{ Unwrap() []error }
			switch {
			case errors.As(err, &x):
				err = x.Unwrap()
			case errors.As(err, &x1):
				for _, e := range x1.Unwrap() {
					if walk(e, visit) {
						return true
					}
				}
				return false
			default:
				return false
			}
		}
	}
	return false
}

// equal compares interfaces without the interpreter's wrappers around values.
func equal(a, b any) bool { return inside(a) == inside(b) }

// The wrappers of user errors. The interpreter's own has only Error, so an
// error that unwraps or compares would lose that in compiled code.
type (
	plainError struct {
		IValue any
		WError func() string
	}
	unwrapError struct {
		IValue  any
		WError  func() string
		WUnwrap func() error
	}
	isError struct {
		IValue any
		WError func() string
		WIs    func(error) bool
	}
	isUnwrapError struct {
		IValue  any
		WError  func() string
		WIs     func(error) bool
		WUnwrap func() error
	}
)

func (e plainError) Error() string           { return e.WError() }
func (e unwrapError) Error() string          { return e.WError() }
func (e unwrapError) Unwrap() error          { return e.WUnwrap() }
func (e isError) Error() string              { return e.WError() }
func (e isError) Is(target error) bool       { return e.WIs(target) }
func (e isUnwrapError) Error() string        { return e.WError() }
func (e isUnwrapError) Is(target error) bool { return e.WIs(target) }
func (e isUnwrapError) Unwrap() error        { return e.WUnwrap() }

// newError wraps a user's struct that becomes an error.
func newError(v any, words func() string, unwrap func() error, is func(error) bool) error {
	switch {
	case unwrap != nil && is != nil:
		return isUnwrapError{v, words, is, unwrap}
	case unwrap != nil:
		return unwrapError{v, words, unwrap}
	case is != nil:
		return isError{v, words, is}
	}
	return plainError{v, words}
}

// badAssert panics as a failed type assertion does.
func badAssert(v any, want string) {
	if v == nil {
		panic(runtimeError("interface conversion: interface is nil, not " + want))
	}
	panic(runtimeError("interface conversion: interface is " + typeName(v) + ", not " + want))
}

// useErrors gives the interpreter these wrappers.
func useErrors(bin interp.Exports, mapped map[reflect.Value][]reflect.Type) {
	w := reflect.ValueOf((*plainError)(nil))
	bin[""]["_error"] = w
	mapped[w] = []reflect.Type{
		reflect.TypeFor[isUnwrapError](), reflect.TypeFor[isError](), reflect.TypeFor[unwrapError](),
	}
}
