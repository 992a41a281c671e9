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
	t := e.typeOf(a)
	s := e.expr(a)
	if !e.needsShowing(t, 0) {
		return s
	}
	kind := e.speaks(t)
	if kind == "Error" && wrapErrors {
		return e.converter("error "+e.typ(t), "func %s(v %s) error {\nreturn v\n}\n", t) + "(" + s + ")"
	}
	if kind == "Format" {
		return s
	}
	words := "nil"
	if kind != "" {
		words = "func() string { return v." + kind + "() }"
	}
	return e.converter("show "+e.typ(t), "func %s(v %s) interface{} {\nreturn "+e.call("Shown")+"("+strconv.Quote(typeLabel(t))+", v, "+words+")\n}\n", t) + "(" + s + ")"
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
		for i := range u.NumFields() {
			f := u.Field(i)
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
