package cell

import (
	"go/token"
	"go/types"
)

// env maps type parameters to the types of the instance that is being written.
type env map[*types.TypeParam]types.Type

// apply replaces type parameters in t.
func (e env) apply(ctx *types.Context, t types.Type) types.Type {
	if len(e) == 0 || t == nil {
		return t
	}
	r := replacer{e, ctx}
	return r.typ(t)
}

type replacer struct {
	env env
	ctx *types.Context
}

func (r replacer) typ(t types.Type) types.Type {
	switch t := t.(type) {
	case *types.TypeParam:
		if to, ok := r.env[t]; ok {
			return to
		}
	case *types.Alias:
		return r.typ(types.Unalias(t))
	case *types.Named:
		return r.named(t)
	case *types.Pointer:
		return types.NewPointer(r.typ(t.Elem()))
	case *types.Slice:
		return types.NewSlice(r.typ(t.Elem()))
	case *types.Array:
		return types.NewArray(r.typ(t.Elem()), t.Len())
	case *types.Map:
		return types.NewMap(r.typ(t.Key()), r.typ(t.Elem()))
	case *types.Chan:
		return types.NewChan(t.Dir(), r.typ(t.Elem()))
	case *types.Tuple:
		return r.tuple(t)
	case *types.Signature:
		return types.NewSignatureType(nil, nil, nil, r.tuple(t.Params()), r.tuple(t.Results()), t.Variadic())
	case *types.Struct:
		return r.structure(t)
	case *types.Interface:
		return r.iface(t)
	}
	return t
}

func (r replacer) named(t *types.Named) types.Type {
	args := t.TypeArgs()
	if args.Len() == 0 {
		return t
	}
	list := make([]types.Type, args.Len())
	same := true
	for i := range list {
		list[i] = r.typ(args.At(i))
		same = same && list[i] == args.At(i)
	}
	if same {
		return t
	}
	inst, err := types.Instantiate(r.ctx, t.Origin(), list, false)
	if err != nil {
		return t
	}
	return inst
}

func (r replacer) tuple(t *types.Tuple) *types.Tuple {
	if t.Len() == 0 {
		return nil
	}
	vars := make([]*types.Var, t.Len())
	for i := range vars {
		v := t.At(i)
		vars[i] = types.NewParam(token.NoPos, v.Pkg(), v.Name(), r.typ(v.Type()))
	}
	return types.NewTuple(vars...)
}

func (r replacer) structure(t *types.Struct) types.Type {
	fields := make([]*types.Var, t.NumFields())
	tags := make([]string, t.NumFields())
	for i := range fields {
		f := t.Field(i)
		fields[i] = types.NewField(token.NoPos, f.Pkg(), f.Name(), r.typ(f.Type()), f.Embedded())
		tags[i] = t.Tag(i)
	}
	return types.NewStruct(fields, tags)
}

func (r replacer) iface(t *types.Interface) types.Type {
	if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
		return t
	}
	var methods []*types.Func
	for m := range t.ExplicitMethods() {
		sig, _ := r.typ(m.Signature()).(*types.Signature)
		methods = append(methods, types.NewFunc(token.NoPos, m.Pkg(), m.Name(), sig))
	}
	var embedded []types.Type
	for etyp := range t.EmbeddedTypes() {
		embedded = append(embedded, r.typ(etyp))
	}
	return types.NewInterfaceType(methods, embedded).Complete()
}
