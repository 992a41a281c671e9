package cell

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strconv"
	"strings"
)

// expr writes an expression that has one value.
func (e *emitter) expr(x ast.Expr) string {
	tv, ok := e.info.Types[x]
	if ok && tv.Value != nil {
		return e.constant(tv.Value, e.sub(tv.Type))
	}
	if ok && tv.IsType() {
		return e.typ(tv.Type)
	}
	switch x := x.(type) {
	case *ast.Ident:
		return e.ident(x)
	case *ast.ParenExpr:
		return "(" + e.expr(x.X) + ")"
	case *ast.FuncLit:
		return e.funcLit(x)
	case *ast.CompositeLit:
		return e.composite(x)
	case *ast.SelectorExpr:
		return e.selector(x)
	case *ast.IndexExpr:
		if inst := e.instance(x.X); inst != "" {
			return inst
		}
		return e.indexed(x.X) + "[" + e.expr(x.Index) + "]"
	case *ast.IndexListExpr:
		if inst := e.instance(x.X); inst != "" {
			return inst
		}
	case *ast.SliceExpr:
		return e.slice(x)
	case *ast.StarExpr:
		return "*" + e.operand(x.X)
	case *ast.TypeAssertExpr:
		return e.assertion(x, false)
	case *ast.CallExpr:
		return e.callExpr(x)
	case *ast.UnaryExpr:
		return e.unary(x)
	case *ast.BinaryExpr:
		return e.binary(x)
	case *ast.KeyValueExpr:
		return e.expr(x.Key) + ": " + e.expr(x.Value)
	}
	e.reject(x.Pos(), "%T is not supported", x)
	return ""
}

// tuple writes an expression that has several values: a call, or a map
// index, type assertion or receive with its "ok".
func (e *emitter) tuple(x ast.Expr) string {
	x = ast.Unparen(x)
	switch x := x.(type) {
	case *ast.UnaryExpr:
		if x.Op == token.ARROW {
			return "<-" + e.operand(x.X)
		}
	case *ast.TypeAssertExpr:
		return e.assertion(x, true)
	}
	return e.expr(x)
}

// operand is an expression that something is applied to.
func (e *emitter) operand(x ast.Expr) string {
	// A function literal stays bare: in parentheses, the interpreter deadlocks
	// when it is deferred.
	switch x.(type) {
	case *ast.BinaryExpr, *ast.UnaryExpr, *ast.StarExpr, *ast.CompositeLit:
		return "(" + e.expr(x) + ")"
	}
	return e.expr(x)
}

// indexed is an operand of an index or slice expression; a pointer to an array
// is followed by hand.
func (e *emitter) indexed(x ast.Expr) string {
	if _, ok := e.typeOf(x).Underlying().(*types.Pointer); ok {
		return "(*" + e.operand(x) + ")"
	}
	return e.operand(x)
}

func (e *emitter) ident(x *ast.Ident) string {
	if x.Name == "_" {
		return "_"
	}
	obj := e.info.Uses[x]
	if obj == nil {
		obj = e.info.Defs[x]
	}
	switch obj := obj.(type) {
	case *types.Nil:
		return "nil"
	case *types.Builtin:
		return obj.Name()
	case *types.Func:
		return e.funcName(x, obj)
	case *types.Var:
		return e.variable(obj)
	}
	e.reject(x.Pos(), "%s can't be used here", x.Name)
	return ""
}

func (e *emitter) variable(obj *types.Var) string {
	if n, ok := e.locals[obj]; ok {
		return n
	}
	if n, ok := e.nameOf(obj); ok {
		return n
	}
	if e.isTop(obj) {
		return e.declareGlobal(obj)
	}
	if obj.Pkg() != nil && obj.Pkg().Path() != "main" && obj.Parent() == obj.Pkg().Scope() {
		return e.pkg(obj.Pkg().Path()) + "." + obj.Name()
	}
	return e.local(obj)
}

// isTop tells the variables of the cell's top level from those of its functions.
func (e *emitter) isTop(obj types.Object) bool {
	if obj.Parent() == e.c.pkg.Scope() {
		return true
	}
	return e.c.draft.body != nil && obj.Parent() == e.c.info.Scopes[e.c.draft.body.Type]
}

// local is the emitted name of a local variable. One that hides a predeclared
// name gets another, since emitted code uses those names itself.
func (e *emitter) local(obj types.Object) string {
	if n, ok := e.locals[obj]; ok {
		return n
	}
	name := obj.Name()
	if name != "_" && (types.Universe.Lookup(name) != nil || name == "main" || name == "init") {
		name = e.fresh(name)
	}
	e.locals[obj] = name
	return name
}

func (e *emitter) param(id *ast.Ident) string {
	if id.Name == "_" {
		return "_"
	}
	if obj := e.info.Defs[id]; obj != nil {
		return e.local(obj)
	}
	return id.Name
}

// funcName names a function, of this or of an earlier cell or of a package.
func (e *emitter) funcName(id *ast.Ident, obj *types.Func) string {
	if inst, ok := e.info.Instances[id]; ok {
		return e.funcInstance(id.Pos(), obj, inst)
	}
	if n, ok := e.nameOf(obj); ok {
		return n
	}
	if o := e.s.origins[obj]; o != nil && o.fn != nil {
		return e.funcInstance(id.Pos(), obj, types.Instance{}) // plain, of a package supplied as source
	}
	if obj.Pkg() != nil && obj.Pkg().Path() != "main" {
		return e.pkg(obj.Pkg().Path()) + "." + obj.Name()
	}
	e.reject(id.Pos(), "function %s is not available", obj.Name())
	return ""
}

// instance writes a function that is instantiated with explicit arguments, or
// nothing if x is something else.
func (e *emitter) instance(x ast.Expr) string {
	id, _ := x.(*ast.Ident)
	if sel, ok := x.(*ast.SelectorExpr); ok {
		id = sel.Sel
	}
	if id == nil {
		return ""
	}
	if inst, ok := e.info.Instances[id]; ok {
		if fn, ok := e.info.Uses[id].(*types.Func); ok {
			return e.funcInstance(id.Pos(), fn, inst)
		}
	}
	return ""
}

func (e *emitter) funcInstance(pos token.Pos, obj *types.Func, inst types.Instance) string {
	var args []types.Type
	for t := range inst.TypeArgs.Types() {
		args = append(args, e.sub(t))
	}
	key := e.instanceKey(obj, args)
	if n, ok := e.instanceName(key); ok {
		return n
	}
	o := e.s.origins[obj]
	if o == nil {
		o = e.ownOrigin(obj)
	}
	if o == nil || o.fn == nil {
		e.reject(pos, "generic function %s.%s is not available here", obj.Pkg().Name(), obj.Name())
	}
	name := e.fresh(obj.Name())
	e.insts[key] = name
	e.queue = append(e.queue, func() {
		inner := env{}
		params := obj.Signature().TypeParams()
		for i := range params.Len() {
			inner[params.At(i)] = args[i]
		}
		e.within(o.info, inner, func() {
			e.decls.WriteString(e.function("func "+name, obj.Signature(), o.fn.Type, o.fn.Body) + "\n")
		})
	})
	return name
}

func (e *emitter) constant(v constant.Value, t types.Type) string {
	t = types.Default(types.Unalias(t))
	basic, _ := t.Underlying().(*types.Basic)
	if basic == nil {
		return e.constant(v, defaultType(v)) // an interface takes the default type
	}
	var lit string
	bare := false
	switch info := basic.Info(); {
	case info&types.IsBoolean != 0:
		lit, bare = strconv.FormatBool(constant.BoolVal(v)), t == types.Typ[types.Bool]
	case info&types.IsString != 0:
		lit, bare = strconv.Quote(constant.StringVal(v)), t == types.Typ[types.String]
	case info&types.IsInteger != 0:
		lit, bare = constant.ToInt(v).ExactString(), t == types.Typ[types.Int]
		if basic.Kind() == types.Int && lit == "-9223372036854775808" {
			lit, bare = "-9223372036854775807 - 1", true
		}
	case info&types.IsFloat != 0:
		lit, bare = floatLit(v), t == types.Typ[types.Float64]
	case info&types.IsComplex != 0:
		c := constant.ToComplex(v)
		lit, bare = "complex("+floatLit(constant.Real(c))+", "+floatLit(constant.Imag(c))+")", t == types.Typ[types.Complex128]
	case basic.Kind() == types.UnsafePointer:
		return "nil"
	}
	if bare {
		if strings.HasPrefix(lit, "-") {
			return "(" + lit + ")"
		}
		return lit
	}
	name := e.typ(t)
	if strings.HasPrefix(name, "(") || strings.HasPrefix(name, "*") {
		name = "(" + name + ")"
	}
	return name + "(" + lit + ")"
}

func defaultType(v constant.Value) types.Type {
	switch v.Kind() {
	case constant.Bool:
		return types.Typ[types.Bool]
	case constant.String:
		return types.Typ[types.String]
	case constant.Float:
		return types.Typ[types.Float64]
	case constant.Complex:
		return types.Typ[types.Complex128]
	}
	return types.Typ[types.Int]
}

func floatLit(v constant.Value) string {
	f, _ := constant.Float64Val(constant.ToFloat(v))
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if !strings.ContainsAny(s, ".eIN") {
		s += ".0"
	}
	return s
}

func (e *emitter) slice(x *ast.SliceExpr) string {
	part := func(x ast.Expr) string {
		if x == nil {
			return ""
		}
		return e.expr(x)
	}
	s := e.indexed(x.X) + "[" + part(x.Low) + ":" + part(x.High)
	if x.Slice3 {
		s += ":" + part(x.Max)
	}
	return s + "]"
}

func (e *emitter) unary(x *ast.UnaryExpr) string {
	if x.Op == token.AND {
		if lit, ok := ast.Unparen(x.X).(*ast.CompositeLit); ok {
			return "&" + e.composite(lit)
		}
	}
	if x.Op == token.ARROW {
		return e.receive(x)
	}
	return x.Op.String() + e.operand(x.X)
}

// receive writes a receive inside of an expression as a call: what the
// interpreter receives there can't be assigned to, and it assigns to it.
func (e *emitter) receive(x *ast.UnaryExpr) string {
	ch, ok := e.typeOf(x.X).Underlying().(*types.Chan)
	if !ok {
		return "<-" + e.operand(x.X)
	}
	elem := e.typ(ch.Elem())
	fn, known := e.instanceName("recv " + elem)
	if !known {
		fn = e.fresh("recv")
		e.insts["recv "+elem] = fn
		fmt.Fprintf(&e.decls, "func %s(c <-chan (%s)) %s {\nv, _ := <-c\nreturn v\n}\n", fn, elem, elem)
	}
	return fn + "(" + e.expr(x.X) + ")"
}

func (e *emitter) binary(x *ast.BinaryExpr) string {
	l, r := e.wrapped(x.X), e.wrapped(x.Y)
	if x.Op == token.EQL || x.Op == token.NEQ {
		lt, rt := e.typeOf(x.X), e.typeOf(x.Y)
		if s, ok := e.compare(x, l, r, lt, rt); ok {
			return s
		}
	}
	return l + " " + x.Op.String() + " " + r
}

// compare compares interfaces, with each other or with a concrete value: the
// interpreter's own wrappers around values must not take part.
func (e *emitter) compare(x *ast.BinaryExpr, l, r string, lt, rt types.Type) (string, bool) {
	if isNil(lt) || isNil(rt) || !types.IsInterface(lt) && !types.IsInterface(rt) {
		return "", false
	}
	eq := e.call("Equal") + "(" + l + ", " + r + ")"
	if x.Op == token.NEQ {
		eq = "!" + eq
	}
	return eq, true
}

func isNil(t types.Type) bool {
	b, ok := t.(*types.Basic)
	return ok && b.Kind() == types.UntypedNil
}

// wrapped keeps the grouping of nested operators.
func (e *emitter) wrapped(x ast.Expr) string {
	if _, ok := x.(*ast.BinaryExpr); ok {
		return "(" + e.expr(x) + ")"
	}
	return e.expr(x)
}

func (e *emitter) composite(x *ast.CompositeLit) string {
	t := e.typeOf(x)
	amp := ""
	if p, ok := t.Underlying().(*types.Pointer); ok && x.Type == nil {
		t, amp = p.Elem(), "&" // an elided &T
	}
	var parts []string
	st, isStruct := t.Underlying().(*types.Struct)
	for i, el := range x.Elts {
		kv, keyed := el.(*ast.KeyValueExpr)
		switch {
		case isStruct && keyed:
			if field, ok := kv.Key.(*ast.Ident); ok {
				parts = append(parts, field.Name+": "+e.exprAs(kv.Value, e.typeOfField(st, field.Name)))
			}
		case isStruct:
			parts = append(parts, st.Field(i).Name()+": "+e.exprAs(el, st.Field(i).Type()))
		case keyed:
			parts = append(parts, e.expr(kv.Key)+": "+e.exprAs(kv.Value, elementOf(t)))
		default:
			parts = append(parts, e.exprAs(el, elementOf(t)))
		}
	}
	return amp + e.typ(t) + "{" + strings.Join(parts, ", ") + "}"
}

func (e *emitter) typeOfField(st *types.Struct, name string) types.Type {
	for field := range st.Fields() {
		if field.Name() == name {
			return field.Type()
		}
	}
	return nil
}

func elementOf(t types.Type) types.Type {
	if u, ok := t.Underlying().(interface{ Elem() types.Type }); ok {
		return u.Elem()
	}
	return nil
}

func (e *emitter) zero(t types.Type) string {
	t = e.sub(t)
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsBoolean != 0:
			return e.constant(constant.MakeBool(false), t)
		case u.Info()&types.IsString != 0:
			return e.constant(constant.MakeString(""), t)
		case u.Info()&types.IsNumeric != 0:
			return e.constant(constant.MakeInt64(0), t)
		}
		return "nil"
	case *types.Struct, *types.Array:
		return e.typ(t) + "{}"
	}
	return "nil"
}
