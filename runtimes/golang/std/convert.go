package std

import (
	"go/constant"
	"go/token"
	"go/types"
	"path"
	"reflect"
	"strings"
)

// converter makes go/types objects out of reflect ones. Each reflect type has
// one go/types twin, so identity is kept across packages.
type converter struct {
	lib   *Library
	pkgs  map[string]*types.Package
	done  map[string]bool // packages whose scope is filled
	types map[reflect.Type]types.Type
	late  []func() // methods, added once the types around them exist
}

func newConverter(l *Library) *converter {
	return &converter{
		lib:   l,
		pkgs:  map[string]*types.Package{},
		done:  map[string]bool{},
		types: map[reflect.Type]types.Type{},
	}
}

// bare returns the package with a path, whose scope may still be empty.
func (c *converter) bare(importPath string) *types.Package {
	p, ok := c.pkgs[importPath]
	if !ok {
		name := c.lib.names[importPath]
		if name == "" {
			name = path.Base(importPath)
		}
		p = types.NewPackage(importPath, name)
		c.pkgs[importPath] = p
	}
	return p
}

func (c *converter) pkg(importPath string) *types.Package {
	p := c.bare(importPath)
	if c.done[importPath] {
		return p
	}
	c.done[importPath] = true
	for name, sym := range c.lib.exports[importPath] {
		if strings.HasPrefix(name, "_") || !sym.IsValid() {
			continue
		}
		p.Scope().Insert(c.object(p, name, sym))
	}
	c.settle()
	p.MarkComplete()
	return p
}

// settle runs what was put off, and what that puts off.
func (c *converter) settle() {
	for len(c.late) > 0 {
		f := c.late[len(c.late)-1]
		c.late = c.late[:len(c.late)-1]
		f()
	}
}

func (c *converter) object(p *types.Package, name string, sym reflect.Value) types.Object {
	switch {
	case sym.CanAddr(): // &Variable, then Elem
		return types.NewVar(token.NoPos, p, name, c.typ(sym.Type()))
	case sym.Kind() == reflect.Func && !sym.IsNil():
		if sig, ok := c.typ(sym.Type()).(*types.Signature); ok {
			return types.NewFunc(token.NoPos, p, name, sig)
		}
	case sym.Kind() == reflect.Pointer && sym.IsNil(): // (*Type)(nil)
		return c.typeName(p, name, sym.Type().Elem())
	}
	return c.constant(p, name, sym)
}

// typeName declares a type, or an alias when the type's own name is another.
func (c *converter) typeName(p *types.Package, name string, t reflect.Type) types.Object {
	tt := c.typ(t)
	if n, ok := tt.(*types.Named); ok && n.Obj().Pkg() == p && n.Obj().Name() == name {
		return n.Obj()
	}
	obj := types.NewTypeName(token.NoPos, p, name, nil)
	types.NewAlias(obj, tt)
	return obj
}

func (c *converter) constant(p *types.Package, name string, sym reflect.Value) types.Object {
	if v, ok := sym.Interface().(constant.Value); ok {
		kind := map[constant.Kind]types.BasicKind{
			constant.Bool: types.UntypedBool, constant.String: types.UntypedString, constant.Int: types.UntypedInt,
			constant.Float: types.UntypedFloat, constant.Complex: types.UntypedComplex,
		}[v.Kind()]
		return types.NewConst(token.NoPos, p, name, types.Typ[kind], v)
	}
	var v constant.Value
	switch sym.Kind() {
	case reflect.Bool:
		v = constant.MakeBool(sym.Bool())
	case reflect.String:
		v = constant.MakeString(sym.String())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v = constant.MakeInt64(sym.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		v = constant.MakeUint64(sym.Uint())
	case reflect.Float32, reflect.Float64:
		v = constant.MakeFloat64(sym.Float())
	default:
		return types.NewVar(token.NoPos, p, name, c.typ(sym.Type()))
	}
	return types.NewConst(token.NoPos, p, name, c.typ(sym.Type()), v)
}

// typ is the twin of a reflect type.
func (c *converter) typ(t reflect.Type) types.Type {
	if tt, ok := c.types[t]; ok {
		return tt
	}
	// An instance ("Seq[string]") has no name that code could spell; its
	// underlying type is assignable to it.
	instance := strings.Contains(t.Name(), "[") && t.Kind() == reflect.Func
	if t.Name() != "" && t.PkgPath() != "" && !instance {
		return c.named(t)
	}
	if t == reflect.TypeFor[error]() {
		return types.Universe.Lookup("error").Type()
	}
	tt := c.unnamed(t)
	c.types[t] = tt
	return tt
}

func (c *converter) named(t reflect.Type) types.Type {
	p := c.bare(t.PkgPath())
	obj := types.NewTypeName(token.NoPos, p, t.Name(), nil)
	n := types.NewNamed(obj, nil, nil)
	c.types[t] = n
	n.SetUnderlying(c.unnamed(t).Underlying())
	if t.Kind() == reflect.Interface {
		return n
	}
	c.late = append(c.late, func() {
		pt := reflect.PointerTo(t)
		for i := range pt.NumMethod() {
			m := pt.Method(i)
			recv := types.Type(n)
			if _, onValue := t.MethodByName(m.Name); !onValue {
				recv = types.NewPointer(n)
			}
			sig := c.signature(m.Type, 1, types.NewVar(token.NoPos, p, "", recv))
			n.AddMethod(types.NewFunc(token.NoPos, p, m.Name, sig))
		}
	})
	return n
}

func (c *converter) unnamed(t reflect.Type) types.Type {
	switch t.Kind() {
	case reflect.Pointer:
		return types.NewPointer(c.typ(t.Elem()))
	case reflect.Slice:
		return types.NewSlice(c.typ(t.Elem()))
	case reflect.Array:
		return types.NewArray(c.typ(t.Elem()), int64(t.Len()))
	case reflect.Map:
		return types.NewMap(c.typ(t.Key()), c.typ(t.Elem()))
	case reflect.Chan:
		dir := map[reflect.ChanDir]types.ChanDir{reflect.BothDir: types.SendRecv, reflect.SendDir: types.SendOnly, reflect.RecvDir: types.RecvOnly}
		return types.NewChan(dir[t.ChanDir()], c.typ(t.Elem()))
	case reflect.Func:
		return c.signature(t, 0, nil)
	case reflect.Struct:
		return c.structure(t)
	case reflect.Interface:
		return c.iface(t)
	case reflect.UnsafePointer:
		return types.Typ[types.UnsafePointer]
	default:
		return types.Typ[basicKinds()[t.Kind()]]
	}
}

func (c *converter) signature(t reflect.Type, skip int, recv *types.Var) *types.Signature {
	var in, out []*types.Var
	for i := skip; i < t.NumIn(); i++ {
		in = append(in, types.NewParam(token.NoPos, nil, "", c.typ(t.In(i))))
	}
	for i := range t.NumOut() {
		out = append(out, types.NewParam(token.NoPos, nil, "", c.typ(t.Out(i))))
	}
	return types.NewSignatureType(recv, nil, nil, types.NewTuple(in...), types.NewTuple(out...), t.IsVariadic())
}

func (c *converter) structure(t reflect.Type) types.Type {
	var fields []*types.Var
	var tags []string
	for i := range t.NumField() {
		f := t.Field(i)
		p := c.bare(t.PkgPath())
		if f.PkgPath != "" {
			p = c.bare(f.PkgPath)
		}
		if f.PkgPath != "" && !f.Anonymous {
			// Unexported: its type can't be reached from outside, and following
			// it would pull in half of the runtime.
			fields = append(fields, types.NewField(token.NoPos, p, f.Name, types.Typ[types.UnsafePointer], false))
		} else {
			fields = append(fields, types.NewField(token.NoPos, p, f.Name, c.typ(f.Type), f.Anonymous))
		}
		tags = append(tags, string(f.Tag))
	}
	return types.NewStruct(fields, tags)
}

func (c *converter) iface(t reflect.Type) types.Type {
	var methods []*types.Func
	for i := range t.NumMethod() {
		m := t.Method(i)
		p := c.bare(t.PkgPath())
		if m.PkgPath != "" {
			p = c.bare(m.PkgPath)
		}
		methods = append(methods, types.NewFunc(token.NoPos, p, m.Name, c.signature(m.Type, 0, nil)))
	}
	return types.NewInterfaceType(methods, nil).Complete()
}

func basicKinds() map[reflect.Kind]types.BasicKind {
	return map[reflect.Kind]types.BasicKind{
		reflect.Bool: types.Bool, reflect.String: types.String,
		reflect.Int: types.Int, reflect.Int8: types.Int8, reflect.Int16: types.Int16, reflect.Int32: types.Int32, reflect.Int64: types.Int64,
		reflect.Uint: types.Uint, reflect.Uint8: types.Uint8, reflect.Uint16: types.Uint16, reflect.Uint32: types.Uint32, reflect.Uint64: types.Uint64,
		reflect.Uintptr: types.Uintptr, reflect.Float32: types.Float32, reflect.Float64: types.Float64,
		reflect.Complex64: types.Complex64, reflect.Complex128: types.Complex128,
	}
}
