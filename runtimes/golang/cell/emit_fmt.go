package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/types"
	"strconv"
	"strings"
)

// Values of user types reach compiled code without their names and methods,
// so package fmt would show them wrongly. Where the static type of an argument
// is known to be one of the user's, it is handed over with what fmt needs.

// fmtCall writes the arguments of a call of package fmt, or gives up.
func (e *emitter) fmtCall(x *ast.CallExpr, fn *types.Func) (string, bool) {
	if fn.Pkg() == nil || fn.Pkg().Path() != "fmt" || x.Ellipsis.IsValid() || fn.Signature().Recv() != nil {
		return "", false
	}
	first, ok := map[string]int{
		"Print": 0, "Println": 0, "Sprint": 0, "Sprintln": 0, "Fprint": 1, "Fprintln": 1,
		"Append": 1, "Appendln": 1, "Printf": 1, "Sprintf": 1, "Errorf": 1, "Fprintf": 2, "Appendf": 2,
	}[fn.Name()]
	if !ok || len(x.Args) < first || len(x.Args) == 1 && e.isTuple(x.Args[0]) {
		return "", false
	}
	parts := make([]string, len(x.Args))
	for i, a := range x.Args {
		if i < first {
			parts[i] = e.expr(a)
			continue
		}
		parts[i] = e.shown(a, fn.Name() == "Errorf")
	}
	if strings.HasSuffix(fn.Name(), "f") {
		e.typeVerbs(x, first, parts)
	}
	return e.pkg("fmt") + "." + fn.Name() + "(" + strings.Join(parts, ", ") + ")", true
}

func (e *emitter) isTuple(x ast.Expr) bool {
	_, ok := e.info.TypeOf(x).(*types.Tuple)
	return ok
}

// shown writes one argument.
func (e *emitter) shown(a ast.Expr, wrapErrors bool) string {
	t, s := e.typeOf(a), e.expr(a)
	if wrapErrors && e.speaks(t) == "Error" && e.needsShowing(t, 0) {
		if e.isErrorStruct(t) {
			return e.errorWrapper(t) + "(" + s + ")"
		}
		return e.converter("error "+e.typ(t), "func %s(v %s) error {\nreturn v\n}\n", t) + "(" + s + ")"
	}
	return e.show(t, s)
}

// show writes a value of a type as something that shows itself.
func (e *emitter) show(t types.Type, s string) string {
	kind := e.speaks(t)
	if kind == "Format" || !e.needsShowing(t, 0) {
		return s
	}
	words := "nil"
	if kind != "" {
		words = "func() string { return v." + kind + "() }"
	}
	speakers := e.speakers(t)
	var list strings.Builder
	for _, sp := range speakers {
		fmt.Fprintf(&list, ", %s(%s, func(v interface{}) string { return v.(%s).%s() })", e.call("Speaker"), e.zeroOf(sp), e.typ(sp), e.speaks(sp))
	}
	return e.converter("show "+e.typ(t), "func %s(v %s) interface{} {\nreturn "+e.call("Shown")+"("+strconv.Quote(typeLabel(t))+", v, "+words+list.String()+")\n}\n", t) + "(" + s + ")"
}

// zeroOf is an expression with a type's zero value.
func (e *emitter) zeroOf(t types.Type) string {
	if _, ok := t.Underlying().(*types.Pointer); ok {
		return "(" + e.typ(t) + ")(nil)"
	}
	z := e.zero(t)
	if z == "nil" {
		return e.typ(t) + "(nil)"
	}
	return z
}

// speakers are the user's types inside of t whose values speak for themselves.
// The interpreter's values have no type names, so a type is left out when
// something else in t looks just like it.
func (e *emitter) speakers(t types.Type) []types.Type {
	var out []types.Type
	looks := map[string]int{} // how many types look like this
	seen := map[string]bool{}
	var visit func(t types.Type, depth int)
	visit = func(t types.Type, depth int) {
		key := e.typ(t)
		if seen[key] || depth > 6 {
			return
		}
		seen[key] = true
		n, named := types.Unalias(t).(*types.Named)
		if _, isStruct := t.Underlying().(*types.Struct); !isStruct && !types.IsInterface(t) {
			looks[e.typ(t.Underlying())]++
		}
		if kind := e.speaks(t); kind != "" && kind != "Format" && depth > 0 && !types.IsInterface(t) {
			base := t
			if p, ok := types.Unalias(t).(*types.Pointer); ok {
				base = p.Elem()
			}
			if userNamed(base) {
				out = append(out, t)
				return
			}
		}
		if named && (n.Obj().Pkg() == nil || n.Obj().Pkg().Path() != "main") {
			return
		}
		switch u := t.Underlying().(type) {
		case *types.Pointer:
			visit(u.Elem(), depth+1)
		case *types.Slice:
			visit(u.Elem(), depth+1)
		case *types.Array:
			visit(u.Elem(), depth+1)
		case *types.Map:
			visit(u.Key(), depth+1)
			visit(u.Elem(), depth+1)
		case *types.Struct:
			for f := range u.Fields() {
				if f.Exported() { // fmt doesn't call methods of unexported fields
					visit(f.Type(), depth+1)
				}
			}
		}
	}
	visit(t, 0)
	keep := out[:0]
	for _, sp := range out {
		if _, isStruct := sp.Underlying().(*types.Struct); isStruct || looks[e.typ(sp.Underlying())] == 1 {
			keep = append(keep, sp)
		}
	}
	return keep
}

// converter writes a function of one argument once for each key.
func (e *emitter) converter(key, text string, t types.Type) string {
	fn, ok := e.instanceName(key)
	if !ok {
		fn = e.fresh("show")
		e.insts[key] = fn
		fmt.Fprintf(&e.decls, text, fn, e.typ(t))
	}
	return fn
}

// needsShowing tells whether fmt would show a value of a type wrongly.
func (e *emitter) needsShowing(t types.Type, depth int) bool {
	if depth > 6 {
		return false
	}
	switch u := types.Unalias(t).(type) {
	case *types.Named:
		if u.Obj().Pkg() == nil || u.Obj().Pkg().Path() != "main" {
			return false
		}
		if types.IsInterface(u) {
			return depth > 0
		}
		if e.speaks(u) != "" {
			return true
		}
		return e.needsShowing(u.Underlying(), depth+1)
	case *types.Pointer:
		return e.speaks(u) != "" && userNamed(u.Elem()) || e.needsShowing(u.Elem(), depth+1)
	case *types.Slice:
		return e.needsShowing(u.Elem(), depth+1)
	case *types.Array:
		return e.needsShowing(u.Elem(), depth+1)
	case *types.Map:
		return e.needsShowing(u.Key(), depth+1) || e.needsShowing(u.Elem(), depth+1)
	case *types.Struct:
		for f := range u.Fields() {
			if !f.Exported() || e.needsShowing(f.Type(), depth+1) {
				return true
			}
		}
	}
	return false
}

func userNamed(t types.Type) bool {
	n, ok := types.Unalias(t).(*types.Named)
	return ok && n.Obj().Pkg() != nil && n.Obj().Pkg().Path() == "main"
}

// speaks is the method by which fmt lets a value of a type speak for itself.
func (e *emitter) speaks(t types.Type) string {
	set := types.NewMethodSet(t)
	for _, name := range []string{"Format", "Error", "String"} {
		sel := set.Lookup(nil, name)
		if sel == nil {
			continue
		}
		sig, ok := sel.Type().(*types.Signature)
		if !ok {
			continue
		}
		if name == "Format" && sig.Params().Len() == 2 {
			return name
		}
		if sig.Params().Len() == 0 && sig.Results().Len() == 1 && types.Identical(sig.Results().At(0).Type(), types.Typ[types.String]) {
			return name
		}
	}
	return ""
}

// typeLabel is how %T calls a type.
func typeLabel(t types.Type) string {
	s := types.TypeString(types.Default(t), func(p *types.Package) string { return p.Name() })
	s = strings.ReplaceAll(s, "interface{}", "interface {}")
	if s == "any" {
		s = "interface {}"
	}
	return strings.ReplaceAll(s, "[]any", "[]interface {}")
}

// typeVerbs replaces %T in a constant format by the name of the type.
func (e *emitter) typeVerbs(x *ast.CallExpr, first int, parts []string) {
	v := e.info.Types[x.Args[first-1]].Value
	if v == nil || v.Kind() != constant.String {
		return
	}
	format := constant.StringVal(v)
	if !strings.Contains(format, "T") || strings.ContainsAny(format, "*[") {
		return
	}
	var out strings.Builder
	arg := first
	for i := 0; i < len(format); i++ {
		c := format[i]
		out.WriteByte(c)
		if c != '%' {
			continue
		}
		i++
		for ; i < len(format) && strings.IndexByte("+-# 0123456789.", format[i]) >= 0; i++ {
			out.WriteByte(format[i])
		}
		if i >= len(format) {
			break
		}
		verb := format[i]
		if verb == 'T' && arg < len(parts) {
			verb = 's'
			a := x.Args[arg]
			if t := e.typeOf(a); types.IsInterface(t) || isNil(t) {
				parts[arg] = e.call("TypeName") + "(" + e.expr(a) + ")"
			} else {
				parts[arg] = e.call("TypeOf") + "(" + strconv.Quote(typeLabel(t)) + ", " + e.expr(a) + ")"
			}
		}
		out.WriteByte(verb)
		if verb != '%' {
			arg++
		}
	}
	parts[first-1] = strconv.Quote(out.String())
}

// errorsAs writes errors.As with a target of a user type: such an error is
// wrapped, and compiled code can't look into the wrapper.
func (e *emitter) errorsAs(x *ast.CallExpr, fn *types.Func) (string, bool) {
	if fn.Pkg() == nil || fn.Pkg().Path() != "errors" || len(x.Args) == 0 || e.isTuple(x.Args[0]) {
		return "", false
	}
	switch fn.Name() {
	case "As":
		return e.call("As") + "(" + e.expr(x.Args[0]) + ", " + e.expr(x.Args[1]) + ")", true
	case "Is":
		return e.call("Is") + "(" + e.expr(x.Args[0]) + ", " + e.expr(x.Args[1]) + ")", true
	}
	return "", false
}
