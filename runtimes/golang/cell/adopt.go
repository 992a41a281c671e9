package cell

import (
	"go/ast"
	"go/types"
	"slices"
)

// adoptMethods deals with methods of types that an earlier cell declared.
// go/types takes methods only along with their type, so each such method is
// rewritten to a function with the receiver as its first parameter, and a
// method of that signature is added to the type.
//
// The signatures are needed before the cell is checked, because the cell may
// call them; so they are checked first, alone, and may use only what earlier
// cells declared.
func (s *Session) adoptMethods(c *checked) *Error {
	var adopted []*ast.FuncDecl
	for _, decl := range c.draft.file.Decls {
		fd, ok := decl.(*ast.FuncDecl)
		if !ok || fd.Recv == nil || len(fd.Recv.List) != 1 {
			continue
		}
		base := baseName(fd.Recv.List[0].Type)
		if base == "" || c.draft.types[base] {
			continue
		}
		tn, ok := s.names[base].(*types.TypeName)
		if !ok {
			continue // undefined: the checker says so
		}
		named, ok := types.Unalias(tn.Type()).(*types.Named)
		if !ok || tn.IsAlias() {
			continue
		}
		if named.TypeParams().Len() > 0 {
			pos := s.fset.Position(fd.Pos())
			return report("Unsupported", c.draft.name, c.draft.code, []problem{problemAt(pos,
				"a method of generic type "+base+" has to be in the cell that declares the type: declare the type again together with all its methods")})
		}
		c.methods[fd] = named
		adopted = append(adopted, fd)
	}
	if len(adopted) == 0 {
		return nil
	}
	return s.adopt(c, adopted)
}

func (s *Session) adopt(c *checked, adopted []*ast.FuncDecl) *Error {
	var heads []*ast.FuncDecl
	head := &ast.File{Name: ast.NewIdent("main"), Unresolved: c.draft.file.Unresolved}
	for _, fd := range adopted {
		fields := append([]*ast.Field{}, fd.Recv.List...)
		if len(fields[0].Names) == 0 {
			fields[0] = &ast.Field{Names: []*ast.Ident{{NamePos: fields[0].Pos(), Name: "_"}}, Type: fields[0].Type}
		}
		params := &ast.FieldList{Opening: fd.Type.Params.Opening, Closing: fd.Type.Params.Closing}
		params.List = slices.Concat(fields, named(fd.Type.Params.List))
		fd.Type = &ast.FuncType{Func: fd.Type.Func, Params: params, Results: fd.Type.Results}
		fd.Recv = nil
		fd.Name = &ast.Ident{NamePos: fd.Name.NamePos, Name: fd.Name.Name + mark + "method"}
		// Method names may repeat over types.
		only := &ast.FuncDecl{Name: ast.NewIdent(s.fresh(fd.Name.Name)), Type: fd.Type}
		heads = append(heads, only)
		head.Decls = append(head.Decls, only)
	}
	pre := &checked{draft: c.draft, pkg: types.NewPackage("main", "main"), info: newInfo(), imports: c.imports}
	s.provide(pre, head, c.draft.types)
	var problems []problem
	conf := s.config(func(e types.Error) {
		if !pre.tolerates(e) {
			problems = append(problems, problemAt(s.fset.Position(e.Pos), e.Msg))
		}
	})
	conf.IgnoreFuncBodies = true
	if err := guarded(func() { _ = types.NewChecker(conf, s.fset, pre.pkg, pre.info).Files([]*ast.File{head}) }); err != nil {
		problems = append(problems, problem{msg: err.Error()})
	}
	if len(problems) > 0 {
		return report("CompileError", c.draft.name, c.draft.code, problems)
	}
	for i, only := range heads {
		fd := adopted[i]
		fn, ok := pre.info.Defs[only.Name].(*types.Func)
		if !ok {
			continue
		}
		c.addMethod(fd, fn.Signature())
		fd.Name = &ast.Ident{NamePos: fd.Name.NamePos, Name: only.Name.Name}
	}
	return nil
}

func (c *checked) addMethod(fd *ast.FuncDecl, sig *types.Signature) {
	n := c.methods[fd]
	name := methodName(fd.Name.Name)
	var params []*types.Var
	for i := 1; i < sig.Params().Len(); i++ {
		params = append(params, sig.Params().At(i))
	}
	recv := types.NewVar(fd.Pos(), n.Obj().Pkg(), "", sig.Params().At(0).Type())
	m := types.NewSignatureType(recv, nil, nil, types.NewTuple(params...), sig.Results(), sig.Variadic())
	fn := types.NewFunc(fd.Pos(), n.Obj().Pkg(), name, m)
	n.AddMethod(fn)
	c.added = append(c.added, fn)
}

// named gives parameters that have no names the blank one, so that a receiver
// with a name can stand before them.
func named(fields []*ast.Field) []*ast.Field {
	out := make([]*ast.Field, len(fields))
	for i, f := range fields {
		out[i] = f
		if len(f.Names) == 0 {
			out[i] = &ast.Field{Names: []*ast.Ident{{NamePos: f.Pos(), Name: "_"}}, Type: f.Type}
		}
	}
	return out
}

func methodName(emitted string) string {
	for i, r := range emitted {
		if string(r) == mark {
			return emitted[:i]
		}
	}
	return emitted
}

// baseName is the name of a receiver's type.
func baseName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return baseName(e.X)
	case *ast.ParenExpr:
		return baseName(e.X)
	case *ast.IndexExpr:
		return baseName(e.X)
	case *ast.IndexListExpr:
		return baseName(e.X)
	}
	return ""
}
