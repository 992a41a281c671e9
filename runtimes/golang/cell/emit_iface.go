package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// The interpreter keeps a struct in an interface of compiled code by wrapping
// it, and loses the struct in doing so. Errors are where that matters most, so
// a user's struct that becomes an error is wrapped by the driver, and type
// assertions and type switches look into that wrapper.

// exprAs writes an expression that is assigned to something of type to.
func (e *emitter) exprAs(x ast.Expr, to types.Type) string {
	s := e.expr(x)
	if to == nil {
		return s
	}
	from := e.typeOf(x)
	if from != nil && e.isErrorStruct(from) && isErrorInterface(e.sub(to)) {
		return e.errorWrapper(from) + "(" + s + ")"
	}
	return e.kept(s, from, to)
}

// kept writes a value that is put into an interface. The interpreter would keep
// the variable instead of its value, or the place where it computes such values:
// what is in the interface would change with it. A call's parameter has a place
// of its own.
func (e *emitter) kept(text string, from, to types.Type) string {
	if from == nil || to == nil {
		return text
	}
	to = e.sub(to)
	if !keepsPlace(from, to) {
		return text
	}
	t := e.typ(to)
	return e.converter("keep "+e.typ(from)+" as "+t, "func %s(v %s) "+t+" {\nreturn v\n}\n", from) + "(" + text + ")"
}

// keptOf is kept for the i-th of several values that an expression has.
func (e *emitter) keptOf(x ast.Expr, i int, text string, to types.Type) string {
	if list, ok := e.info.TypeOf(x).(*types.Tuple); ok {
		return e.kept(text, e.sub(list.At(i).Type()), to)
	}
	return text
}

// keepsPlace tells whether the interpreter keeps a value's place in an interface.
func keepsPlace(from, to types.Type) bool {
	iface, ok := to.Underlying().(*types.Interface)
	if !ok || from == types.Typ[types.UntypedNil] {
		return false
	}
	user := userNamed(from)
	if p, ok := types.Unalias(from).(*types.Pointer); ok {
		user = userNamed(p.Elem())
	}
	switch own := userNamed(to) || isUnnamedInterface(to); {
	case iface.Empty():
		return userNamed(from) && !types.IsInterface(from) && types.NewMethodSet(types.NewPointer(from)).Len() > 0
	case own:
		return !types.IsInterface(from) || !userNamed(from) && !isUnnamedInterface(from)
	default: // an interface of compiled code, around a wrapper that calls interpreted methods
		return user || types.IsInterface(from) && isUnnamedInterface(from)
	}
}

func isErrorInterface(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() == nil && n.Obj().Name() == "error"
}

// isErrorStruct tells whether a type is one of the user's structs, by value,
// with an Error method.
func (e *emitter) isErrorStruct(t types.Type) bool {
	if !userNamed(t) || e.speaks(t) != "Error" {
		return false
	}
	_, ok := t.Underlying().(*types.Struct)
	return ok
}

func (e *emitter) errorWrapper(t types.Type) string {
	method := func(name, like string) string {
		sel := types.NewMethodSet(t).Lookup(nil, name)
		if sel == nil || strings.TrimPrefix(types.TypeString(sel.Type(), nil), "func") != like {
			return "nil"
		}
		sig, _ := sel.Type().(*types.Signature)
		params, args := e.forward(sig)
		return "func" + e.signature(sig, params) + " { return v." + name + "(" + args + ") }"
	}
	unwrap := method("Unwrap", "() error")
	is := "nil"
	if sel := types.NewMethodSet(t).Lookup(nil, "Is"); sel != nil {
		if sig, ok := sel.Type().(*types.Signature); ok && sig.Params().Len() == 1 && sig.Results().Len() == 1 {
			params, args := e.forward(sig)
			is = "func" + e.signature(sig, params) + " { return v.Is(" + args + ") }"
		}
	}
	return e.converter("error of "+e.typ(t), "func %s(v %s) error {\nreturn "+e.call("NewError")+
		"(v, func() string { return v.Error() }, "+unwrap+", "+is+")\n}\n", t)
}

// values writes expressions that are assigned to things of the types at(i).
func (e *emitter) valuesAs(list []ast.Expr, at func(int) types.Type) []string {
	out := make([]string, len(list))
	for i, x := range list {
		out[i] = e.exprAs(x, at(i))
	}
	return out
}

// looksInside tells whether an assertion from one type to another has to go
// through the driver's wrapper.
func (e *emitter) looksInside(from, to types.Type) bool {
	if types.IsInterface(to) || userNamed(from) {
		return false
	}
	if p, ok := types.Unalias(to).(*types.Pointer); ok {
		to = p.Elem()
	}
	return userNamed(to)
}

// assertion writes x.(T), or with two, the values of v, ok := x.(T). It goes
// through a function: on a nil interface the interpreter's own panics.
func (e *emitter) assertion(x *ast.TypeAssertExpr, two bool) string {
	return e.asserter(e.typeOf(x.X), e.typeOf(x.Type), two) + "(" + e.expr(x.X) + ")"
}

// asserter is a function that asserts a type.
func (e *emitter) asserter(from, to types.Type, two bool) string {
	if iface, ok := to.Underlying().(*types.Interface); ok && iface.NumMethods() > 0 {
		return e.interfaceAsserter(from, to, iface, two)
	}
	ft, t := e.typ(from), e.typ(to)
	value := "x"
	if e.looksInside(from, to) {
		ft, value = "interface{}", e.call("Inside")+"(x)"
	}
	key := fmt.Sprintf("assert %t %s to %s", two, ft, t)
	fn, ok := e.instanceName(key)
	if ok {
		return fn
	}
	fn = e.fresh("assert")
	e.insts[key] = fn
	head := "if x == nil {\n%s}\n"
	if value != "x" {
		head, value = "if x == nil {\n%s}\nvar v interface{} = "+value+"\n", "v"
	}
	if two {
		fmt.Fprintf(&e.decls, "func %s(x %s) (%s, bool) {\n%sr, ok := %s.(%s)\nreturn r, ok\n}\n",
			fn, ft, t, fmt.Sprintf(head, "var r "+t+"\nreturn r, false\n"), value, t)
		return fn
	}
	bad := fmt.Sprintf("%s(x, %q)\n", e.call("BadAssert"), typeLabel(to))
	fmt.Fprintf(&e.decls, "func %s(x %s) %s {\n%sr, ok := %s.(%s)\nif !ok {\n%s}\nreturn r\n}\n",
		fn, ft, t, fmt.Sprintf(head, bad), value, t, bad)
	return fn
}

// candidates bounds how many of the user's types an assertion to an interface
// looks at, the newest first.
const candidates = 200

// interfaceAsserter asserts an interface type. The interpreter can't tell what
// methods a value in an interface has, but the types that could be in there
// are known: each of the user's types that has the methods is tried by name.
func (e *emitter) interfaceAsserter(from, to types.Type, iface *types.Interface, two bool) string {
	known := e.concretes()
	ft, t := e.typ(from), e.typ(to)
	key := fmt.Sprintf("assert %t %s to %s among %d", two, ft, t, len(known))
	if fn, ok := e.instanceName(key); ok {
		return fn
	}
	fn := e.fresh("assert")
	e.insts[key] = fn
	user := userNamed(from)
	var b strings.Builder
	fmt.Fprintf(&b, "func %s(x %s) (%s, bool) {\nvar none %s\nif x == nil {\nreturn none, false\n}\n", fn, ft, t, t)
	value := "x"
	if !user {
		b.WriteString("var v interface{} = " + e.call("Inside") + "(x)\n")
		value = "v"
	}
	for i := len(known) - 1; i >= 0 && i >= len(known)-candidates; i-- {
		for _, c := range []types.Type{types.NewPointer(known[i]), known[i]} {
			fits := types.Implements(c, iface)
			if src, ok := from.Underlying().(*types.Interface); ok && user {
				fits = fits && types.Implements(c, src)
			}
			if !fits {
				continue
			}
			r := e.fresh("r")
			result := r
			if isErrorInterface(to) && e.isErrorStruct(c) {
				result = e.errorWrapper(c) + "(" + r + ")"
			}
			fmt.Fprintf(&b, "%s, ok%s := %s.(%s)\nif ok%s {\nreturn %s, true\n}\n", r, r, value, e.typ(c), r, result)
		}
	}
	switch {
	case !userNamed(to) && !isUnnamedInterface(to) && !user:
		fmt.Fprintf(&b, "r, ok := x.(%s)\nreturn r, ok\n}\n", t)
	case !userNamed(to) && !isUnnamedInterface(to):
		fmt.Fprintf(&b, "r, ok := %s(x).(%s)\nreturn r, ok\n}\n", e.call("Any"), t)
	default:
		b.WriteString("return none, false\n}\n")
	}
	e.decls.WriteString(b.String())
	if two {
		return fn
	}
	one := e.fresh("assert")
	e.insts[key] = one
	fmt.Fprintf(&e.decls, "func %s(x %s) %s {\nr, ok := %s(x)\nif !ok {\n%s(x, %q)\n}\nreturn r\n}\n", one, ft, t, fn, e.call("BadAssert"), typeLabel(to))
	return one
}

func isUnnamedInterface(t types.Type) bool {
	_, ok := types.Unalias(t).(*types.Interface)
	return ok
}

// concretes are the user's types that have methods, oldest first.
func (e *emitter) concretes() []types.Type {
	return append(e.s.concretes[:len(e.s.concretes):len(e.s.concretes)], e.methods...)
}

// addConcrete takes note of a type that has methods.
func (e *emitter) addConcrete(t types.Type) {
	if !types.IsInterface(t) && types.NewMethodSet(types.NewPointer(t)).Len() > 0 {
		e.methods = append(e.methods, t)
	}
}
