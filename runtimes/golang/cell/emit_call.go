package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

func (e *emitter) callExpr(x *ast.CallExpr) string {
	fun := ast.Unparen(x.Fun)
	tv := e.info.Types[fun]
	switch {
	case tv.IsType():
		return e.conversion(x, e.sub(tv.Type))
	case tv.IsBuiltin():
		return e.builtin(x, fun)
	}
	if id := calleeName(fun); id != nil {
		if fn, ok := e.info.Uses[id].(*types.Func); ok {
			if text, ok := e.fmtCall(x, fn); ok {
				return text
			}
			if text, ok := e.errorsAs(x, fn); ok {
				return text
			}
		}
	}
	sig, _ := e.typeOf(fun).Underlying().(*types.Signature)
	var callee string
	if sel, ok := fun.(*ast.SelectorExpr); ok {
		callee = e.method2(sel)
	} else if lit, ok := fun.(*ast.FuncLit); ok {
		callee = e.bareLit(lit)
	} else {
		callee = e.operand(fun)
	}
	return callee + "(" + e.args(x, sig) + ")"
}

// calleeName is the last identifier of a called name.
func calleeName(fun ast.Expr) *ast.Ident {
	switch f := fun.(type) {
	case *ast.Ident:
		return f
	case *ast.SelectorExpr:
		return f.Sel
	}
	return nil
}

func (e *emitter) args(x *ast.CallExpr, sig *types.Signature) string {
	parts := make([]string, len(x.Args))
	for i, a := range x.Args {
		parts[i] = e.exprAs(a, parameter(sig, i, x.Ellipsis.IsValid()))
	}
	s := strings.Join(parts, ", ")
	if x.Ellipsis.IsValid() {
		s += "..."
	}
	return s
}

// parameter is the type of the i-th argument's parameter, if it is known.
func parameter(sig *types.Signature, i int, spread bool) types.Type {
	if sig == nil {
		return nil
	}
	n := sig.Params().Len()
	if sig.Variadic() && i >= n-1 {
		t := sig.Params().At(n - 1).Type()
		if spread {
			return t
		}
		return elementOf(t)
	}
	if i >= n {
		return nil
	}
	return sig.Params().At(i).Type()
}

// method2 writes the function part of a call of a method or of something
// selected from a package.
func (e *emitter) method2(x *ast.SelectorExpr) string {
	sel, ok := e.info.Selections[x]
	if !ok || sel.Kind() != types.MethodVal {
		return e.operand(x)
	}
	return e.path(x, sel) + "." + x.Sel.Name
}

// path writes the receiver of a selection, with every embedded field on the
// way to it spelled out.
func (e *emitter) path(x *ast.SelectorExpr, sel *types.Selection) string {
	base := e.operand(x.X)
	t := e.typeOf(x.X)
	index := sel.Index()
	if len(index) == 1 {
		return base
	}
	for _, i := range index[:len(index)-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok || i >= st.NumFields() {
			return base
		}
		base += "." + st.Field(i).Name()
		t = st.Field(i).Type()
	}
	return base
}

// selector writes pkg.Name, a field, or a method as a value.
func (e *emitter) selector(x *ast.SelectorExpr) string {
	sel, ok := e.info.Selections[x]
	if !ok {
		return e.qualified(x)
	}
	switch sel.Kind() {
	case types.FieldVal:
		return e.path(x, sel) + "." + x.Sel.Name
	case types.MethodVal:
		return e.methodValue(x, sel)
	default:
		return e.methodExpr(x, sel)
	}
}

func (e *emitter) qualified(x *ast.SelectorExpr) string {
	switch obj := e.info.Uses[x.Sel].(type) {
	case *types.Func:
		return e.funcName(x.Sel, obj)
	case *types.Var:
		if n, ok := e.nameOf(obj); ok {
			return n
		}
		return e.pkg(obj.Pkg().Path()) + "." + obj.Name()
	}
	e.reject(x.Pos(), "%s can't be used here", x.Sel.Name)
	return ""
}

// methodValue binds a receiver: a function that calls the method on it.
func (e *emitter) methodValue(x *ast.SelectorExpr, sel *types.Selection) string {
	sig, _ := e.sub(sel.Type()).(*types.Signature)
	fn, _ := sel.Obj().(*types.Func)
	recv := e.path(x, sel)
	if named := receiver(fn); named == nil || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != "main" {
		if !types.IsInterface(e.typeOf(x.X)) {
			return recv + "." + x.Sel.Name
		}
	}
	ptrMethod := false
	if fn.Signature().Recv() != nil {
		_, ptrMethod = fn.Signature().Recv().Type().(*types.Pointer)
	}
	rt := e.receiverType(x, sel)
	if _, isPtr := rt.Underlying().(*types.Pointer); ptrMethod && !isPtr {
		recv, rt = "&"+recv, types.NewPointer(rt)
	}
	r := e.fresh("r")
	params, args := e.forward(sig)
	return fmt.Sprintf("func(%s %s) func%s { return func%s { %s%s.%s(%s) } }(%s)", r, e.typ(rt), e.signature(sig, nil),
		e.signature(sig, params), returns(sig), r, x.Sel.Name, args, recv)
}

// receiverType is the type of what path writes.
func (e *emitter) receiverType(x *ast.SelectorExpr, sel *types.Selection) types.Type {
	t := e.typeOf(x.X)
	index := sel.Index()
	for _, i := range index[:len(index)-1] {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok {
			return t
		}
		t = st.Field(i).Type()
	}
	return t
}

func (e *emitter) methodExpr(x *ast.SelectorExpr, sel *types.Selection) string {
	sig, _ := e.sub(sel.Type()).(*types.Signature)
	params, _ := e.forward(sig)
	rest := strings.Join(params[1:], ", ")
	if sig.Variadic() {
		rest += "..."
	}
	return e.closure(sig, fmt.Sprintf("func%s { %s%s.%s(%s) }", e.signature(sig, params), returns(sig), params[0], x.Sel.Name, rest))
}

// forward names the parameters of a signature, and lists them as arguments.
func (e *emitter) forward(sig *types.Signature) (params []string, args string) {
	params = []string{}
	for range sig.Params().Len() {
		params = append(params, e.fresh("a"))
	}
	args = strings.Join(params, ", ")
	if sig.Variadic() {
		args += "..."
	}
	return params, args
}

func returns(sig *types.Signature) string {
	if sig.Results().Len() > 0 {
		return "return "
	}
	return ""
}

func (e *emitter) conversion(x *ast.CallExpr, t types.Type) string {
	name := e.typ(t)
	switch t.Underlying().(type) {
	case *types.Pointer, *types.Chan, *types.Signature:
		name = "(" + name + ")"
	}
	return name + "(" + e.exprAs(x.Args[0], t) + ")"
}

func (e *emitter) builtin(x *ast.CallExpr, fun ast.Expr) string {
	name := ""
	switch f := fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		return e.pkg("unsafe") + "." + f.Sel.Name + "(" + e.args(x, nil) + ")"
	}
	switch name {
	case "min", "max":
		return e.extremum(x, name)
	case "clear":
		return e.call("Clear") + "(" + e.expr(x.Args[0]) + ")"
	case "print", "println":
		return e.call(strings.ToUpper(name[:1])+name[1:]) + "(" + e.args(x, nil) + ")"
	case "panic":
		if t := e.typeOf(x.Args[0]); e.isErrorStruct(t) {
			return "panic(" + e.errorWrapper(t) + "(" + e.expr(x.Args[0]) + "))"
		}
	case "recover":
		return e.call("Recovered") + "(recover())"
	case "new":
		if !e.info.Types[x.Args[0]].IsType() {
			t := e.typ(e.typeOf(x.Args[0]))
			v := e.fresh("v")
			return fmt.Sprintf("func(%s %s) *%s { return &%s }(%s)", v, t, t, v, e.expr(x.Args[0]))
		}
	case "append":
		if s, ok := e.typeOf(x.Args[0]).Underlying().(*types.Slice); ok && !x.Ellipsis.IsValid() {
			parts := []string{e.expr(x.Args[0])}
			for _, a := range x.Args[1:] {
				parts = append(parts, e.exprAs(a, s.Elem()))
			}
			return "append(" + strings.Join(parts, ", ") + ")"
		}
		if len(x.Args) == 2 && x.Ellipsis.IsValid() {
			if b, ok := e.typeOf(x.Args[1]).Underlying().(*types.Basic); ok && b.Info()&types.IsString != 0 {
				return "append(" + e.expr(x.Args[0]) + ", []byte(" + e.expr(x.Args[1]) + ")...)"
			}
		}
	case "len", "cap":
		if _, ok := e.typeOf(x.Args[0]).Underlying().(*types.Pointer); ok {
			return name + "(*" + e.operand(x.Args[0]) + ")"
		}
	}
	return name + "(" + e.args(x, nil) + ")"
}

// extremum writes min or max as a function of its own for the type and the
// number of arguments, for which the interpreter has no built-in.
func (e *emitter) extremum(x *ast.CallExpr, name string) string {
	t := e.typeOf(x)
	key := fmt.Sprintf("%s %d %s", name, len(x.Args), e.typ(t))
	fn, ok := e.instanceName(key)
	if !ok {
		fn = e.fresh(name)
		e.insts[key] = fn
		op := "<"
		if name == "max" {
			op = ">"
		}
		params := make([]string, len(x.Args))
		var body strings.Builder
		for i := range params {
			params[i] = fmt.Sprintf("a%d", i)
			if i > 0 {
				// Not a number wins, as the language says.
				fmt.Fprintf(&body, "if a0 == a0 && (a%d %s a0 || a%d != a%d) { a0 = a%d }\n", i, op, i, i, i)
			}
		}
		fmt.Fprintf(&e.decls, "func %s(%s %s) %s {\n%sreturn a0\n}\n", fn, strings.Join(params, ", "), e.typ(t), e.typ(t), body.String())
	}
	args := make([]string, len(x.Args))
	for i, a := range x.Args {
		args[i] = e.expr(a)
		if v := e.info.Types[a].Value; v != nil {
			args[i] = e.constant(v, t)
		}
	}
	return fn + "(" + strings.Join(args, ", ") + ")"
}
