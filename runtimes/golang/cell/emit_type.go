package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

// typ spells a type in emitted source.
func (e *emitter) typ(t types.Type) string {
	if e.depth++; e.depth > 200 {
		panic(unsupported{msg: "a type in this cell is nested without an end"})
	}
	defer func() { e.depth-- }()
	t = types.Unalias(e.sub(t))
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return e.pkg("unsafe") + ".Pointer"
		}
		if t.Kind() == types.UntypedNil {
			return "interface{}"
		}
		return types.Default(t).String()
	case *types.Named:
		return e.namedType(t)
	case *types.Pointer:
		return "*" + e.typ(t.Elem())
	case *types.Slice:
		return "[]" + e.typ(t.Elem())
	case *types.Array:
		return "[" + strconv.FormatInt(t.Len(), 10) + "]" + e.typ(t.Elem())
	case *types.Map:
		return "map[" + e.typ(t.Key()) + "]" + e.typ(t.Elem())
	case *types.Chan:
		return [...]string{types.SendRecv: "chan ", types.SendOnly: "chan<- ", types.RecvOnly: "<-chan "}[t.Dir()] + "(" + e.typ(t.Elem()) + ")"
	case *types.Signature:
		return "func" + e.signature(t, nil)
	case *types.Struct:
		return e.structType(t)
	case *types.Interface:
		return e.interfaceType(t)
	case *types.TypeParam:
		panic(unsupported{msg: "type parameter " + t.Obj().Name() + " is not known here"})
	}
	panic(unsupported{msg: "type " + t.String() + " is not supported"})
}

// signature spells parameters and results. With names (parameters first, then
// results) they are named.
func (e *emitter) signature(t *types.Signature, names []string) string {
	var b strings.Builder
	b.WriteByte('(')
	n := t.Params().Len()
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		if names != nil {
			b.WriteString(names[i] + " ")
		}
		pt := t.Params().At(i).Type()
		if t.Variadic() && i == n-1 {
			b.WriteString("...")
			pt = e.sub(pt)
			if s, ok := pt.Underlying().(*types.Slice); ok {
				pt = s.Elem()
			}
		}
		b.WriteString(e.typ(pt))
	}
	b.WriteByte(')')
	r := t.Results().Len()
	if r == 0 {
		return b.String()
	}
	withNames := names != nil && len(names) > n
	b.WriteString(" (")
	for i := range r {
		if i > 0 {
			b.WriteString(", ")
		}
		if withNames {
			b.WriteString(names[n+i] + " ")
		}
		b.WriteString(e.typ(t.Results().At(i).Type()))
	}
	b.WriteByte(')')
	return b.String()
}

func (e *emitter) structType(t *types.Struct) string { return e.taggedStruct(t, "") }

// taggedStruct spells a struct type. The interpreter's types have no names, so
// two types of the same structure would be the same; a tag that only we read
// keeps a named one apart. An unexported field is exported there, and has to
// stay out of what encoders write.
func (e *emitter) taggedStruct(t *types.Struct, name string) string {
	var b strings.Builder
	b.WriteString("struct {")
	for i := range t.NumFields() {
		f := t.Field(i)
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(e.fieldName(f))
		b.WriteByte(' ')
		b.WriteString(e.typ(f.Type()))
		tag := t.Tag(i)
		if !f.Exported() && tag == "" && !f.Embedded() {
			tag = `json:"-" xml:"-"`
		}
		if name != "" && i == 0 {
			tag = strings.TrimSpace(tag + " " + nameTag + ":" + strconv.Quote(name))
		}
		if tag != "" {
			b.WriteString(" " + strconv.Quote(tag))
		}
	}
	b.WriteString("}")
	return b.String()
}

// nameTag is the key under which a struct type carries its name.
const nameTag = "hotcell"

// typeDecl writes the declaration of a named type, and a method for each one
// that it gets from an embedded field: the interpreter finds those only now
// and then.
func (e *emitter) typeDecl(name string, named *types.Named) {
	e.checkRecursion(named)
	var text string
	if st, ok := named.Underlying().(*types.Struct); ok {
		sub, _ := e.sub(st).(*types.Struct)
		text = e.taggedStruct(sub, name)
	} else {
		text = e.typ(named.Underlying())
	}
	fmt.Fprintf(&e.decls, "type %s %s\n", name, text)
}

// checkRecursion refuses a type that contains itself by anything but the field
// of a struct or the method of an interface.
func (e *emitter) checkRecursion(named *types.Named) {
	var in func(t types.Type, depth int) bool
	in = func(t types.Type, depth int) bool {
		if depth > 20 {
			return false
		}
		switch t := types.Unalias(t).(type) {
		case *types.Named:
			return t.Obj() == named.Obj()
		case *types.Pointer:
			return in(t.Elem(), depth+1)
		case *types.Slice:
			return in(t.Elem(), depth+1)
		case *types.Array:
			return in(t.Elem(), depth+1)
		case *types.Map:
			return in(t.Key(), depth+1) || in(t.Elem(), depth+1)
		case *types.Chan:
			return in(t.Elem(), depth+1)
		case *types.Signature:
			for _, tuple := range []*types.Tuple{t.Params(), t.Results()} {
				for v := range tuple.Variables() {
					if in(v.Type(), depth+1) {
						return true
					}
				}
			}
		}
		return false
	}
	if _, ok := named.Underlying().(*types.Signature); ok && in(named.Underlying(), 0) {
		e.reject(named.Obj().Pos(), "type %[1]s is a function type that contains itself, which the interpreter can't represent: wrap the function in a struct, as in type %[1]s struct{ f func() %[1]s }", named.Obj().Name())
	}
}

// forwarders writes the promoted methods of a struct type as its own.
func (e *emitter) forwarders(name string, t types.Type) {
	t = e.sub(t)
	st, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	onValue := types.NewMethodSet(t)
	set := types.NewMethodSet(types.NewPointer(t))
	for sel := range set.Methods() {
		fn, ok := sel.Obj().(*types.Func)
		if !ok || len(sel.Index()) < 2 || !fn.Exported() && (fn.Pkg() == nil || fn.Pkg().Path() != "main") {
			continue
		}
		sig, ok := e.sub(sel.Type()).(*types.Signature)
		if !ok {
			continue
		}
		recv := "*" + name
		if onValue.Lookup(fn.Pkg(), fn.Name()) != nil {
			recv = name
		}
		path := "r"
		at := types.Type(st)
		for _, j := range sel.Index()[:len(sel.Index())-1] {
			if p, ok := at.Underlying().(*types.Pointer); ok {
				at = p.Elem()
			}
			if in, ok := at.Underlying().(*types.Struct); ok {
				path, at = path+"."+in.Field(j).Name(), in.Field(j).Type()
			}
		}
		params, args := e.forward(sig)
		fmt.Fprintf(&e.decls, "func (r %s) %s%s { %s%s.%s(%s) }\n", recv, fn.Name(), e.signature(sig, params), returns(sig), path, fn.Name(), args)
	}
}

func (e *emitter) fieldName(f *types.Var) string { return f.Name() }

func (e *emitter) interfaceType(t *types.Interface) string {
	if t.NumMethods() == 0 {
		return "interface{}"
	}
	var b strings.Builder
	b.WriteString("interface {")
	for i := range t.NumMethods() {
		m := t.Method(i)
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(m.Name() + e.signature(m.Signature(), nil))
	}
	b.WriteString("}")
	return b.String()
}

func (e *emitter) namedType(t *types.Named) string {
	obj := t.Obj()
	if obj.Pkg() == nil {
		return obj.Name() // error, comparable
	}
	if t.TypeArgs().Len() > 0 {
		return e.instanceType(t)
	}
	if n, ok := e.locals[obj]; ok {
		return n
	}
	if n, ok := e.nameOf(obj); ok {
		return n
	}
	if o := e.s.origins[obj]; o != nil && o.spec != nil && obj.Pkg().Path() != "main" {
		return e.instanceType(t) // a plain type of a package that is supplied as source
	}
	if obj.Pkg().Path() == "main" {
		return e.fallbackName(obj)
	}
	if !obj.Exported() {
		if b, ok := t.Underlying().(*types.Interface); ok {
			return e.interfaceType(b)
		}
		e.reject(0, "a variable of the unexported type %s.%s can't be kept: use it inside one expression, or convert it to an interface", obj.Pkg().Path(), obj.Name())
	}
	return e.pkg(obj.Pkg().Path()) + "." + obj.Name()
}

// fallbackName is for a type declared inside a function whose declaration has
// not been passed yet, which a checked program doesn't have.
func (e *emitter) fallbackName(obj *types.TypeName) string {
	panic(unsupported{pos: obj.Pos(), msg: "type " + obj.Name() + " is used outside of the function that declares it"})
}

// instanceType gives the name of an instance of a generic type, and has it
// written, with its methods, if no cell did so before.
func (e *emitter) instanceType(t *types.Named) string {
	key := e.instanceKey(t.Origin().Obj(), typeList(t.TypeArgs()))
	if n, ok := e.instanceName(key); ok {
		return n
	}
	o := e.s.origins[t.Origin().Obj()]
	if o == nil {
		o = e.ownOrigin(t.Origin().Obj())
	}
	if o == nil || o.spec == nil {
		return e.typ(t.Underlying())
	}
	name := e.fresh(t.Obj().Name())
	e.insts[key] = name
	if t.Origin().Obj().Pkg().Path() == "main" {
		e.addConcrete(t)
	}
	args := typeList(t.TypeArgs())
	params := t.Origin().TypeParams()
	e.queue = append(e.queue, func() {
		inner := env{}
		for i := range params.Len() {
			inner[params.At(i)] = args[i]
		}
		e.within(o.info, inner, func() {
			e.typeDecl(name, t.Origin())
			e.forwarders(name, t)
		})
		for _, m := range o.methods {
			e.instanceMethod(o, m, name, args)
		}
	})
	return name
}

func (e *emitter) instanceMethod(o *origin, fd *ast.FuncDecl, typeName string, args []types.Type) {
	fn, ok := o.info.Defs[fd.Name].(*types.Func)
	if !ok {
		return
	}
	sig := fn.Signature()
	inner := env{}
	for i := range sig.RecvTypeParams().Len() {
		inner[sig.RecvTypeParams().At(i)] = args[i]
	}
	e.within(o.info, inner, func() {
		recv := typeName
		if _, ptr := sig.Recv().Type().(*types.Pointer); ptr {
			recv = "*" + typeName
		}
		e.method(fd, recv)
	})
}

// within writes with another package's types and another instance's arguments.
func (e *emitter) within(info *types.Info, inner env, f func()) {
	oi, oe, of, ol := e.info, e.env, e.fn, e.locals
	e.info, e.env, e.fn, e.locals = info, inner, nil, map[types.Object]string{}
	defer func() { e.info, e.env, e.fn, e.locals = oi, oe, of, ol }()
	f()
}

func typeList(l *types.TypeList) []types.Type {
	out := make([]types.Type, l.Len())
	for i := range out {
		out[i] = l.At(i)
	}
	return out
}

// instanceKey is the same for the same declaration and identical arguments:
// arguments are spelled with emitted names, which are unique.
func (e *emitter) instanceKey(obj types.Object, args []types.Type) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%p", obj)
	for _, a := range args {
		b.WriteString("," + e.typ(a))
	}
	return b.String()
}

func (e *emitter) instanceName(key string) (string, bool) {
	if n, ok := e.insts[key]; ok {
		return n, true
	}
	n, ok := e.s.insts[key]
	return n, ok
}

// ownOrigin finds a generic declaration of the cell itself.
func (e *emitter) ownOrigin(obj types.Object) *origin {
	for _, decl := range e.c.draft.file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil && e.c.info.Defs[decl.Name] == obj {
				return &origin{info: e.c.info, fn: decl}
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				if ts, ok := spec.(*ast.TypeSpec); ok && e.c.info.Defs[ts.Name] == obj {
					return &origin{info: e.c.info, spec: ts, methods: e.ownMethods(obj)}
				}
			}
		}
	}
	return nil
}

func (e *emitter) ownMethods(obj types.Object) []*ast.FuncDecl {
	var out []*ast.FuncDecl
	for _, decl := range e.c.draft.file.Decls {
		fd, ok := decl.(*ast.FuncDecl)
		if !ok || fd.Recv == nil {
			continue
		}
		if fn, ok := e.c.info.Defs[fd.Name].(*types.Func); ok {
			if n := receiver(fn); n != nil && n.Origin().Obj() == obj {
				out = append(out, fd)
			}
		}
	}
	return out
}
