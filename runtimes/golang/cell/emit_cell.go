package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// cell writes the declarations of the cell and returns the name of the
// function that runs it.
func (e *emitter) cell() string {
	d := e.c.draft
	var methods, funcs []*ast.FuncDecl
	for _, decl := range d.file.Decls {
		switch decl := decl.(type) {
		case *ast.GenDecl:
			e.declareGen(decl)
		case *ast.FuncDecl:
			switch {
			case decl == d.body, decl.Name.Name == "init" && decl.Recv == nil, decl.Name.Name == "_":
			case decl.Recv != nil:
				methods = append(methods, decl)
			case e.c.methods[decl] != nil:
				methods = append(methods, decl)
			default:
				funcs = append(funcs, decl)
				e.declareFunc(decl)
			}
		}
	}
	e.typeDecls()
	for _, fd := range methods {
		e.methodDecl(fd)
	}
	for _, fd := range funcs {
		e.funcDecl(fd)
	}
	return e.run()
}

// declareGen names what a declaration declares.
func (e *emitter) declareGen(decl *ast.GenDecl) {
	for _, spec := range decl.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			obj := e.info.Defs[spec.Name]
			e.names[spec.Name.Name] = obj
			if tn, ok := obj.(*types.TypeName); ok && !tn.IsAlias() && !generic(tn.Type()) {
				e.global[obj] = e.fresh(spec.Name.Name)
				e.addConcrete(tn.Type())
			}
		case *ast.ValueSpec:
			for _, id := range spec.Names {
				obj := e.info.Defs[id]
				if obj == nil || id.Name == "_" {
					continue
				}
				if decl.Tok == token.CONST {
					e.names[id.Name] = obj
				}
			}
		}
	}
}

func generic(t types.Type) bool {
	n, ok := t.(*types.Named)
	return ok && n.TypeParams().Len() > 0
}

func (e *emitter) declareFunc(fd *ast.FuncDecl) {
	obj, ok := e.info.Defs[fd.Name].(*types.Func)
	if !ok {
		return
	}
	e.names[fd.Name.Name] = obj
	if obj.Signature().TypeParams().Len() == 0 {
		e.global[obj] = e.fresh(fd.Name.Name)
	}
}

func (e *emitter) typeDecls() {
	var embedded []*types.Named
	defer func() {
		for _, n := range embedded {
			e.forwarders(e.global[n.Obj()], n)
		}
	}()
	for _, decl := range e.c.draft.file.Decls {
		gd, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range gd.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				obj := e.info.Defs[spec.Name]
				if name, ok := e.global[obj]; ok {
					if n, ok := obj.Type().(*types.Named); ok {
						e.typeDecl(name, n)
						embedded = append(embedded, n)
					}
				}
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					if v, ok := e.info.Defs[id].(*types.Var); ok && id.Name != "_" {
						e.declareGlobal(v)
					}
				}
			}
		}
	}
}

func (e *emitter) methodDecl(fd *ast.FuncDecl) {
	if e.c.methods[fd] != nil {
		e.adoptedMethod(fd)
		return
	}
	fn, ok := e.info.Defs[fd.Name].(*types.Func)
	if !ok || fd.Name.Name == "_" {
		return
	}
	n := receiver(fn)
	if n == nil || n.TypeParams().Len() > 0 {
		return // written with each instance
	}
	recv, _ := e.nameOf(n.Obj())
	if _, ptr := fn.Signature().Recv().Type().(*types.Pointer); ptr {
		recv = "*" + recv
	}
	e.method(fd, recv)
}

// method writes a method for a receiver type that is spelled already.
func (e *emitter) method(fd *ast.FuncDecl, recv string) {
	fn, _ := e.info.Defs[fd.Name].(*types.Func)
	name := "_"
	if len(fd.Recv.List[0].Names) == 1 {
		name = e.param(fd.Recv.List[0].Names[0])
	}
	head := fmt.Sprintf("func (%s %s) %s", name, recv, fd.Name.Name)
	e.decls.WriteString(e.function(head, fn.Signature(), fd.Type, fd.Body) + "\n")
}

// adoptedMethod writes a method of a type of an earlier cell. The method of
// the interpreter forwards to a variable, so that it can be replaced later.
func (e *emitter) adoptedMethod(fd *ast.FuncDecl) {
	fn, _ := e.info.Defs[fd.Name].(*types.Func)
	named := e.c.methods[fd]
	sig := fn.Signature()
	name := methodName(fd.Name.Name)
	key := "method " + e.typ(named) + "." + name
	target, known := e.instanceName(key)
	if !known {
		target = e.fresh(name)
		e.insts[key] = target
		fmt.Fprintf(&e.decls, "var %s func%s\n", target, e.signature(sig, nil))
		recv := e.typ(sig.Params().At(0).Type())
		var names, args []string
		args = append(args, "r")
		rest := make([]*types.Var, 0, sig.Params().Len())
		for i := 1; i < sig.Params().Len(); i++ {
			rest = append(rest, sig.Params().At(i))
			names = append(names, fmt.Sprintf("a%d", i))
			args = append(args, names[i-1])
		}
		if sig.Variadic() {
			args[len(args)-1] += "..."
		}
		forward := types.NewSignatureType(nil, nil, nil, types.NewTuple(rest...), sig.Results(), sig.Variadic())
		ret := ""
		if sig.Results().Len() > 0 {
			ret = "return "
		}
		fmt.Fprintf(&e.decls, "func (r %s) %s%s { %s%s(%s) }\n", recv, name, e.signature(forward, names), ret, target, strings.Join(args, ", "))
	}
	impl := e.fresh(name)
	e.decls.WriteString(e.function("func "+impl, sig, fd.Type, fd.Body) + "\n")
	e.c.assign = append(e.c.assign, target+" = "+impl)
}

func (e *emitter) funcDecl(fd *ast.FuncDecl) {
	obj, ok := e.info.Defs[fd.Name].(*types.Func)
	if !ok || obj.Signature().TypeParams().Len() > 0 {
		return
	}
	if fd.Body == nil {
		e.reject(fd.Pos(), "func %s has no body: assembly and linked functions are not supported", fd.Name.Name)
	}
	e.decls.WriteString(e.function("func "+e.global[obj], obj.Signature(), fd.Type, fd.Body) + "\n")
}

// run writes the function that runs the cell.
func (e *emitter) run() string {
	var b strings.Builder
	for _, a := range e.c.assign {
		b.WriteString(a + "\n")
	}
	if e.c.draft.program {
		e.packageVars(&b)
	}
	for _, fd := range e.c.draft.inits {
		name := e.fresh("init")
		e.decls.WriteString(e.function("func "+name, types.NewSignatureType(nil, nil, nil, nil, nil, false), fd.Type, fd.Body) + "\n")
		b.WriteString(name + "()\n")
	}
	e.fn = &function{again: e.c.draft.again()}
	for _, it := range e.c.draft.items {
		e.mark(&b, it.stmt.Pos())
		if it.spec != nil {
			e.hoisted(&b, it)
			continue
		}
		if es, ok := it.stmt.(*ast.ExprStmt); ok {
			e.topExpr(&b, es)
			continue
		}
		e.stmt(&b, it.stmt)
	}
	if e.c.draft.main {
		b.WriteString(e.global[e.names["main"]] + "()\n")
	}
	if b.Len() == 0 {
		return ""
	}
	// The interpreter runs a function of this name as soon as it has the file.
	const name = "init"
	fmt.Fprintf(&e.decls, "func %s() {\n%s%s}\n", name, e.deferredList(), b.String())
	return name
}

// mark tells the driver which statement of the cell runs: the interpreter
// itself knows no places when something panics, only functions.
func (e *emitter) mark(b *strings.Builder, pos token.Pos) {
	p := e.s.fset.Position(pos)
	fmt.Fprintf(b, "%s(%d)\n", e.call("At"), e.s.bases[p.Filename]+p.Line)
}

// packageVars initialises the variables of a whole program, in Go's order.
func (e *emitter) packageVars(b *strings.Builder) {
	e.fn = &function{}
	for _, init := range e.info.InitOrder {
		var lhs []string
		for _, v := range init.Lhs {
			if v.Name() == "_" {
				lhs = append(lhs, "_")
				continue
			}
			lhs = append(lhs, e.declareGlobal(v))
		}
		e.assignTo(b, init.Rhs.Pos(), lhs, []ast.Expr{init.Rhs}, func(i int) types.Type { return init.Lhs[i].Type() })
	}
}

// hoisted assigns the initial values of variables that were made global.
func (e *emitter) hoisted(b *strings.Builder, it item) {
	lhs := make([]string, len(it.names))
	for i, n := range it.names {
		lhs[i] = "_"
		if v, ok := e.c.pkg.Scope().Lookup(n).(*types.Var); ok && n != "_" {
			lhs[i] = e.declareGlobal(v)
		}
	}
	if len(it.spec.Values) > 0 {
		e.assignTo(b, it.stmt.Pos(), lhs, it.spec.Values, func(i int) types.Type {
			if v := e.c.pkg.Scope().Lookup(it.names[i]); v != nil && it.names[i] != "_" {
				return v.Type()
			}
			return nil
		})
		return
	}
	for i, n := range it.names {
		if v, ok := e.c.pkg.Scope().Lookup(n).(*types.Var); ok {
			fmt.Fprintf(b, "%s = %s\n", lhs[i], e.zero(v.Type()))
		}
	}
}

// assignTo writes an assignment to plain names of globals. Several values of
// one expression go through locals: the interpreter is at its best with those.
func (e *emitter) assignTo(b *strings.Builder, pos token.Pos, lhs []string, rhs []ast.Expr, at func(int) types.Type) {
	b.WriteString(e.line(pos))
	if len(lhs) == 1 || len(lhs) == len(rhs) {
		values := e.valuesAs(rhs, at)
		if len(lhs) == 1 {
			fmt.Fprintf(b, "%s = %s\n", lhs[0], values[0])
			e.guard(b, rhs...)
			return
		}
		tmps := make([]string, len(lhs))
		for i := range lhs {
			tmps[i] = e.fresh("t")
			fmt.Fprintf(b, "%s := %s\n", tmps[i], values[i])
		}
		for i := range lhs {
			if lhs[i] != "_" {
				fmt.Fprintf(b, "%s = %s\n", lhs[i], tmps[i])
			} else {
				fmt.Fprintf(b, "_ = %s\n", tmps[i])
			}
		}
		e.guard(b, rhs...)
		return
	}
	tmps := make([]string, len(lhs))
	any := false
	for i := range lhs {
		tmps[i] = "_"
		if lhs[i] != "_" {
			tmps[i], any = e.fresh("t"), true
		}
	}
	op := " := "
	if !any {
		op = " = "
	}
	b.WriteString(strings.Join(tmps, ", ") + op + e.tuple(rhs[0]) + "\n")
	for i := range lhs {
		if lhs[i] != "_" {
			fmt.Fprintf(b, "%s = %s\n", lhs[i], e.keptOf(rhs[0], i, tmps[i], at(i)))
		}
	}
	e.guard(b, rhs...)
}

// topExpr writes an expression statement of the cell itself. The last one is
// the cell's result.
func (e *emitter) topExpr(b *strings.Builder, es *ast.ExprStmt) {
	tv := e.info.Types[es.X]
	if tv.IsType() {
		e.reject(es.Pos(), "%s is a type, not a value", tv.Type)
	}
	_, isCall := ast.Unparen(es.X).(*ast.CallExpr)
	last := es.X == e.c.draft.last
	if !last || tv.IsVoid() || (isCall && e.silent(es.X)) {
		if isCall {
			e.stmt(b, es)
		} else if _, recv := ast.Unparen(es.X).(*ast.UnaryExpr); recv && tv.Value == nil {
			e.stmt(b, es)
		} else {
			fmt.Fprintf(b, "%s_ = %s\n", e.line(es.Pos()), e.expr(es.X))
		}
		return
	}
	b.WriteString(e.line(es.Pos()))
	if tuple, ok := tv.Type.(*types.Tuple); ok {
		tmps := make([]string, tuple.Len())
		labels := make([]string, tuple.Len())
		for i := range tmps {
			tmps[i], labels[i] = e.fresh("t"), label(tuple.At(i).Type())
		}
		fmt.Fprintf(b, "%s := %s\n", strings.Join(tmps, ", "), e.tuple(es.X))
		e.guard(b, es.X)
		fmt.Fprintf(b, "%s(%q, %s)\n", e.call("Result"), strings.Join(labels, "\x00"), strings.Join(tmps, ", "))
		return
	}
	if b, ok := tv.Type.(*types.Basic); ok && b.Kind() == types.UntypedNil {
		e.reject(es.Pos(), "use of untyped nil: it has no type to show")
	}
	t := e.fresh("t")
	fmt.Fprintf(b, "%s := %s\n", t, e.expr(es.X))
	e.guard(b, es.X)
	fmt.Fprintf(b, "%s(%q, %s)\n", e.call("Result"), label(tv.Type), e.show(types.Default(tv.Type), t))
}

// label is how a type is called in a result.
func label(t types.Type) string {
	return types.TypeString(types.Default(t), func(p *types.Package) string { return p.Name() })
}

// silent are the calls whose values nobody wants to see.
func (e *emitter) silent(x ast.Expr) bool {
	call, _ := ast.Unparen(x).(*ast.CallExpr)
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	fn, ok := e.info.Uses[sel.Sel].(*types.Func)
	if !ok || fn.Pkg() == nil {
		return false
	}
	name := fn.Name()
	switch {
	case fn.Pkg().Path() == "fmt":
		return strings.HasPrefix(name, "Print") || strings.HasPrefix(name, "Fprint") || strings.Contains(name, "Scan")
	case fn.Signature().Recv() != nil || fn.Pkg().Path() == "io":
		return strings.HasPrefix(name, "Write")
	}
	return false
}
