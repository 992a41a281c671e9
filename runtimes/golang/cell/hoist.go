package cell

import (
	"go/ast"
	"go/token"
	"slices"
)

// hoist lists what runs, and moves those variable declarations out of the body
// whose variables a function of the same cell uses. Everything else stays
// local to the body while it is checked, so that `x := f(x)` means what it says.
func (d *draft) hoist() {
	list := d.body.Body.List
	names := make([][]string, len(list)) // what each statement declares
	declared := map[string]bool{}
	for i, s := range list {
		names[i] = declaredBy(s)
		for _, n := range names[i] {
			declared[n] = true
		}
	}
	wanted := d.wanted(declared)
	chosen := make([]bool, len(list))
	for grown := len(wanted) > 0; grown; {
		grown = false
		for i, s := range list {
			if chosen[i] || !slices.ContainsFunc(names[i], func(n string) bool { return wanted[n] }) {
				continue
			}
			chosen[i], grown = true, true
			for _, n := range names[i] {
				wanted[n] = true
			}
			ast.Inspect(s, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && declared[id.Name] {
					wanted[id.Name] = true
				}
				return true
			})
		}
	}
	d.divide(list, chosen)
}

// wanted are the declared names that functions of the cell use freely.
func (d *draft) wanted(declared map[string]bool) map[string]bool {
	out := map[string]bool{}
	for _, id := range d.file.Unresolved {
		inBody := d.body.Pos() <= id.Pos() && id.Pos() < d.body.End()
		if !inBody && declared[id.Name] {
			out[id.Name] = true
		}
	}
	return out
}

// declaredBy lists the names that a top-level statement declares.
func declaredBy(s ast.Stmt) []string {
	var out []string
	switch s := s.(type) {
	case *ast.AssignStmt:
		if s.Tok != token.DEFINE {
			return nil
		}
		for _, l := range s.Lhs {
			if id, ok := l.(*ast.Ident); ok && id.Name != "_" {
				out = append(out, id.Name)
			}
		}
	case *ast.DeclStmt:
		if g, ok := s.Decl.(*ast.GenDecl); ok && g.Tok == token.VAR {
			for _, spec := range g.Specs {
				if vs, ok := spec.(*ast.ValueSpec); ok {
					out = append(out, namesOf(vs)...)
				}
			}
		}
	}
	return out
}

func namesOf(spec *ast.ValueSpec) []string {
	var out []string
	for _, id := range spec.Names {
		if id.Name != "_" {
			out = append(out, id.Name)
		}
	}
	return out
}

func (d *draft) divide(list []ast.Stmt, chosen []bool) {
	seen := map[string]bool{}
	var stay []ast.Stmt
	for i, s := range list {
		if !chosen[i] {
			stay = append(stay, s)
			d.items = append(d.items, item{stmt: s})
			continue
		}
		var specs []*ast.ValueSpec
		switch s := s.(type) {
		case *ast.AssignStmt:
			spec := &ast.ValueSpec{Values: s.Rhs}
			for _, l := range s.Lhs {
				if id, ok := l.(*ast.Ident); ok {
					spec.Names = append(spec.Names, id)
				}
			}
			specs = []*ast.ValueSpec{spec}
		case *ast.DeclStmt:
			specs = valueSpecs(s.Decl)
		}
		for _, spec := range specs {
			it := item{stmt: s, spec: spec}
			for j, id := range spec.Names {
				it.names = append(it.names, id.Name)
				if seen[id.Name] {
					// `b, err := g()` after `a, err := f()`: err is assigned to.
					spec.Names[j] = &ast.Ident{NamePos: id.NamePos, Name: "_"}
				}
				seen[id.Name] = true
			}
			d.items = append(d.items, it)
			d.file.Decls = append(d.file.Decls, &ast.GenDecl{TokPos: s.Pos(), Tok: token.VAR, Specs: []ast.Spec{spec}})
		}
	}
	d.body.Body.List = stay
}

func valueSpecs(decl ast.Decl) []*ast.ValueSpec {
	gd, ok := decl.(*ast.GenDecl)
	if !ok {
		return nil
	}
	var out []*ast.ValueSpec
	for _, spec := range gd.Specs {
		if vs, ok := spec.(*ast.ValueSpec); ok {
			out = append(out, vs)
		}
	}
	return out
}
