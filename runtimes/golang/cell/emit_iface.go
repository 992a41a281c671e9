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
	if from == nil || !e.isErrorStruct(from) || !isErrorInterface(e.sub(to)) {
		return s
	}
	return e.errorWrapper(from) + "(" + s + ")"
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
	if types.IsInterface(to) || userNamed(from) && types.IsInterface(from) {
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
