package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

func (e *emitter) stmts(b *strings.Builder, list []ast.Stmt) {
	for _, s := range list {
		e.stmt(b, s)
	}
}

func (e *emitter) block(s *ast.BlockStmt) string {
	var b strings.Builder
	b.WriteString("{\n")
	e.stmts(&b, s.List)
	b.WriteString("}")
	return b.String()
}

// stmt writes one statement and its line end.
func (e *emitter) stmt(b *strings.Builder, s ast.Stmt) {
	e.labelled(b, s, "")
}

func (e *emitter) labelled(b *strings.Builder, s ast.Stmt, label string) {
	switch s := s.(type) {
	case *ast.EmptyStmt:
		return
	case *ast.BlockStmt:
		b.WriteString(e.block(s) + "\n")
		return
	case *ast.LabeledStmt:
		e.label(b, s)
		return
	case *ast.IfStmt:
		b.WriteString(e.line(s.Pos()) + e.ifStmt(s) + "\n")
		return
	case *ast.ForStmt:
		e.forStmt(b, s, label)
		return
	case *ast.RangeStmt:
		e.rangeStmt(b, s, label)
		return
	case *ast.SwitchStmt:
		e.switchStmt(b, s, label)
		return
	case *ast.TypeSwitchStmt:
		e.typeSwitch(b, s, label)
		return
	case *ast.SelectStmt:
		e.selectStmt(b, s, label)
		return
	case *ast.DeclStmt:
		e.declStmt(b, s)
		return
	}
	b.WriteString(e.line(s.Pos()))
	e.simple(b, s)
}

func (e *emitter) simple(b *strings.Builder, s ast.Stmt) {
	switch s := s.(type) {
	case *ast.ExprStmt:
		b.WriteString(e.expr(s.X) + "\n")
		e.guard(b, s.X)
	case *ast.AssignStmt:
		e.assign(b, s)
	case *ast.IncDecStmt:
		b.WriteString(e.expr(s.X) + s.Tok.String() + "\n")
	case *ast.SendStmt:
		b.WriteString(e.operand(s.Chan) + " <- " + e.exprAs(s.Value, elementOf(e.typeOf(s.Chan))) + "\n")
	case *ast.ReturnStmt:
		e.returnStmt(b, s)
	case *ast.BranchStmt:
		e.branch(b, s)
	case *ast.GoStmt:
		e.goStmt(b, s)
	case *ast.DeferStmt:
		e.deferStmt(b, s)
	default:
		e.reject(s.Pos(), "%T is not supported", s)
	}
}

// initStmt is the simple statement in front of a condition, without a line end.
func (e *emitter) initStmt(s ast.Stmt) string {
	if s == nil {
		return ""
	}
	var b strings.Builder
	e.simple(&b, s)
	return strings.TrimSuffix(b.String(), "\n")
}

func (e *emitter) label(b *strings.Builder, s *ast.LabeledStmt) {
	switch s.Stmt.(type) {
	case *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		e.labelled(b, s.Stmt, s.Label.Name)
	default:
		b.WriteString(s.Label.Name + ":\n")
		e.stmt(b, s.Stmt)
	}
}

func (e *emitter) ifStmt(s *ast.IfStmt) string {
	cond := e.expr
	head := ""
	if s.Init != nil {
		// A block of its own: what follows the condition may use the names.
		head = e.initStmt(s.Init) + "\n"
	}
	out := "if " + cond(s.Cond) + " " + e.block(s.Body)
	switch el := s.Else.(type) {
	case *ast.BlockStmt:
		out += " else " + e.block(el)
	case *ast.IfStmt:
		if el.Init != nil {
			out += " else {\n" + e.ifStmt(el) + "\n}"
		} else {
			out += " else " + e.ifStmt(el)
		}
	}
	if head != "" {
		return "{\n" + head + out + "\n}"
	}
	return out
}

// enter opens something that break and continue can mean.
func (e *emitter) enter(s scope) func() {
	e.fn.scopes = append(e.fn.scopes, s)
	return func() { e.fn.scopes = e.fn.scopes[:len(e.fn.scopes)-1] }
}

func labelLine(label string) string {
	if label == "" {
		return ""
	}
	return label + ":\n"
}

func (e *emitter) returnStmt(b *strings.Builder, s *ast.ReturnStmt) {
	if e.fn.inRanger() {
		e.returnFromRanger(b, s)
		return
	}
	switch {
	case len(s.Results) == 0:
		b.WriteString("return\n")
	case len(s.Results) == 1 && e.fn.results.Len() > 1:
		tmps := make([]string, e.fn.results.Len())
		for i := range tmps {
			tmps[i] = e.fresh("t")
		}
		list := strings.Join(tmps, ", ")
		b.WriteString(list + " := " + e.tuple(s.Results[0]) + "\n")
		e.guard(b, s.Results...)
		b.WriteString("return " + list + "\n")
	default:
		parts := e.valuesAs(s.Results, func(i int) types.Type { return e.fn.results.At(i).Type() })
		b.WriteString("return " + strings.Join(parts, ", ") + "\n")
	}
}

// goStmt starts a goroutine whose panic ends the kernel as Go's would, and
// which an interrupt can end. Function and arguments are evaluated first.
func (e *emitter) goStmt(b *strings.Builder, s *ast.GoStmt) {
	call := e.frozen(b, s.Call)
	body := fmt.Sprintf("func() {\ndefer func() { %s(recover()) }()\n%s()\n%s\n}", e.call("GoEnd"), e.call("GoStart"), call)
	f := e.fresh("go")
	fmt.Fprintf(b, "%s := %s\ngo %s()\n", f, e.closure(types.NewSignatureType(nil, nil, nil, nil, nil, false), body), f)
}

// deferStmt defers a call. One of a built-in goes through a closure.
func (e *emitter) deferStmt(b *strings.Builder, s *ast.DeferStmt) {
	if e.fn.inRanger() {
		e.reject(s.Pos(), "defer in the body of a loop over a function is not supported: move it into a function that the body calls")
	}
	fun := ast.Unparen(s.Call.Fun)
	_, lit := fun.(*ast.FuncLit)
	if e.fn.inLoop() {
		e.deferInLoop(b, s)
		return
	}
	if lit && len(s.Call.Args) == 0 {
		b.WriteString("defer " + e.expr(s.Call) + "\n")
		return
	}
	call := e.frozen(b, s.Call)
	if id := calleeName(fun); id != nil && !strings.HasPrefix(call, "(") {
		// Called directly, such a function can recover.
		if fn, ok := e.info.Uses[id].(*types.Func); ok && (fn.Signature().Recv() == nil || fn.Pkg() != nil && fn.Pkg().Path() != "main") {
			b.WriteString("defer " + call + "\n")
			return
		}
	}
	b.WriteString("defer func() { " + call + " }()\n")
}

// deferInLoop keeps the calls that a loop defers in a list of the function's:
// the interpreter would give all of them the variables of the last round.
func (e *emitter) deferInLoop(b *strings.Builder, s *ast.DeferStmt) {
	if e.fn.deferred == "" {
		e.fn.deferred = e.fresh("deferred")
	}
	call := e.frozen(b, s.Call)
	fmt.Fprintf(b, "%s = append(%s, func() func() { return func() { %s } }())\n", e.fn.deferred, e.fn.deferred, call)
}

// deferredList is what a function with such a list begins with.
func (e *emitter) deferredList() string {
	if e.fn.deferred == "" {
		return ""
	}
	l := e.fn.deferred
	return fmt.Sprintf("var %[1]s []func()\ndefer func() {\nfor i := len(%[1]s) - 1; i >= 0; i-- {\n%[1]s[i]()\n}\n}()\n", l)
}

func (f *function) inLoop() bool {
	for _, s := range f.scopes {
		if s.loop {
			return true
		}
	}
	return false
}

// frozen evaluates the function and the arguments of a call into locals and
// gives the call of those.
func (e *emitter) frozen(b *strings.Builder, x *ast.CallExpr) string {
	fun := ast.Unparen(x.Fun)
	tv := e.info.Types[fun]
	keep := func(s string) string {
		t := e.fresh("t")
		b.WriteString(t + " := " + s + "\n")
		return t
	}
	if tv.IsBuiltin() {
		if id, ok := fun.(*ast.Ident); ok && len(x.Args) > 0 {
			args := make([]string, len(x.Args))
			for i, a := range x.Args {
				args[i] = keep(e.expr(a))
			}
			return e.builtinName(id.Name) + "(" + strings.Join(args, ", ") + ")"
		}
		return e.expr(x)
	}
	var callee string
	switch f := fun.(type) {
	case *ast.FuncLit:
		if len(x.Args) == 0 {
			return e.bareLit(f) + "()"
		}
		callee = keep(e.expr(f))
	case *ast.SelectorExpr:
		if sel, ok := e.info.Selections[f]; ok && sel.Kind() == types.MethodVal {
			callee = e.frozenMethod(keep, f, sel)
			break
		}
		callee = e.selector(f)
		if _, isVar := e.info.Uses[f.Sel].(*types.Var); isVar {
			callee = keep(callee)
		}
	case *ast.Ident:
		callee = e.expr(f)
		if _, isVar := e.info.Uses[f].(*types.Var); isVar {
			callee = keep(callee)
		}
	default:
		callee = e.operand(fun)
		if e.instance(fun) == "" {
			callee = keep(callee)
		}
	}
	args := make([]string, len(x.Args))
	for i, a := range x.Args {
		if v := e.info.Types[a]; v.Value != nil || v.IsNil() {
			args[i] = e.expr(a)
			continue
		}
		args[i] = keep(e.expr(a))
	}
	out := callee + "(" + strings.Join(args, ", ")
	if x.Ellipsis.IsValid() {
		out += "..."
	}
	return out + ")"
}

func (e *emitter) frozenMethod(keep func(string) string, f *ast.SelectorExpr, sel *types.Selection) string {
	fn, _ := sel.Obj().(*types.Func)
	recv := e.path(f, sel)
	rt := e.receiverType(f, sel)
	if _, isPtr := rt.Underlying().(*types.Pointer); !isPtr && !types.IsInterface(rt) && fn.Signature().Recv() != nil {
		if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
			return "(&" + recv + ")." + f.Sel.Name
		}
	}
	return keep(recv) + "." + f.Sel.Name
}

func (e *emitter) builtinName(name string) string {
	switch name {
	case "print", "println", "clear":
		return e.call(strings.ToUpper(name[:1]) + name[1:])
	}
	return name
}

func (e *emitter) declStmt(b *strings.Builder, s *ast.DeclStmt) {
	gd, ok := s.Decl.(*ast.GenDecl)
	if !ok {
		return
	}
	for _, spec := range gd.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			e.localType(spec)
		case *ast.ValueSpec:
			if gd.Tok == token.VAR {
				e.varSpec(b, spec)
			}
		}
	}
}

// localType moves a type that a function declares to the top, under a name of
// its own for each instance.
func (e *emitter) localType(spec *ast.TypeSpec) {
	obj := e.info.Defs[spec.Name]
	if tn, ok := obj.(*types.TypeName); !ok || tn.IsAlias() {
		return
	}
	name := e.fresh(spec.Name.Name)
	e.locals[obj] = name
	if n, ok := obj.Type().(*types.Named); ok {
		e.typeDecl(name, n)
		e.forwarders(name, n)
	}
}

func (e *emitter) varSpec(b *strings.Builder, spec *ast.ValueSpec) {
	b.WriteString(e.line(spec.Pos()))
	top := false
	for _, id := range spec.Names {
		if obj := e.info.Defs[id]; obj != nil && e.isTop(obj) {
			top = true
		}
	}
	lhs := make([]string, len(spec.Names))
	for i, id := range spec.Names {
		lhs[i] = "_"
		if obj, ok := e.info.Defs[id].(*types.Var); ok && id.Name != "_" && top {
			lhs[i] = e.declareGlobal(obj)
		}
	}
	switch {
	case top && len(spec.Values) > 0:
		e.assignTo(b, spec.Pos(), lhs, spec.Values, func(i int) types.Type { return e.info.TypeOf(spec.Names[i]) })
	case top:
		for i, id := range spec.Names {
			if obj := e.info.Defs[id]; obj != nil && id.Name != "_" {
				fmt.Fprintf(b, "%s = %s\n", lhs[i], e.zero(obj.Type()))
			}
		}
	default:
		e.localVars(b, spec)
	}
}

func (e *emitter) localVars(b *strings.Builder, spec *ast.ValueSpec) {
	if len(spec.Values) == 1 && len(spec.Names) > 1 {
		tmps := make([]string, len(spec.Names))
		for i := range tmps {
			tmps[i] = e.fresh("t")
		}
		b.WriteString(strings.Join(tmps, ", ") + " := " + e.tuple(spec.Values[0]) + "\n")
		for i, id := range spec.Names {
			e.localVar(b, id, e.keptOf(spec.Values[0], i, tmps[i], e.info.TypeOf(id)))
		}
		return
	}
	for i, id := range spec.Names {
		value := ""
		if i < len(spec.Values) {
			value = e.exprAs(spec.Values[i], e.info.TypeOf(id))
		}
		e.localVar(b, id, value)
	}
	e.guard(b, spec.Values...)
}

func (e *emitter) localVar(b *strings.Builder, id *ast.Ident, value string) {
	if id.Name == "_" {
		fmt.Fprintf(b, "_ = %s\n", value)
		return
	}
	obj := e.info.Defs[id]
	name := e.local(obj)
	if value == "" {
		fmt.Fprintf(b, "var %s %s\n_ = %s\n", name, e.typ(obj.Type()), name)
		return
	}
	fmt.Fprintf(b, "var %s %s = %s\n_ = %s\n", name, e.typ(obj.Type()), value, name)
}
