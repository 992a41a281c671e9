package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

func (e *emitter) assign(b *strings.Builder, s *ast.AssignStmt) {
	switch {
	case s.Tok == token.DEFINE && e.definesTop(s):
		lhs := make([]string, len(s.Lhs))
		for i, l := range s.Lhs {
			lhs[i] = e.target(l)
		}
		e.assignTo(b, s.Pos(), lhs, s.Rhs, func(i int) types.Type { return e.leftType(s, i) })
	case s.Tok != token.DEFINE && s.Tok != token.ASSIGN:
		fmt.Fprintf(b, "%s %s %s\n", e.expr(s.Lhs[0]), s.Tok, e.expr(s.Rhs[0]))
		e.guard(b, s.Rhs...)
	case len(s.Lhs) == 1:
		e.assignOne(b, s)
	case len(s.Rhs) == 1:
		e.assignTuple(b, s)
	default:
		e.assignParallel(b, s)
	}
}

// leftType is the type of what a value is assigned to, if it has one.
func (e *emitter) leftType(s *ast.AssignStmt, i int) types.Type {
	if id, ok := s.Lhs[i].(*ast.Ident); ok {
		if id.Name == "_" {
			return nil
		}
		if obj := e.info.ObjectOf(id); obj != nil {
			return obj.Type()
		}
	}
	return e.info.TypeOf(s.Lhs[i])
}

func (e *emitter) definesTop(s *ast.AssignStmt) bool {
	for _, l := range s.Lhs {
		if id, ok := l.(*ast.Ident); ok {
			if obj := e.info.Defs[id]; obj != nil && e.isTop(obj) {
				return true
			}
		}
	}
	return false
}

// target writes what is assigned to.
func (e *emitter) target(x ast.Expr) string {
	if id, ok := ast.Unparen(x).(*ast.Ident); ok {
		if id.Name == "_" {
			return "_"
		}
		if v, ok := e.info.Defs[id].(*types.Var); ok {
			if e.isTop(v) {
				return e.declareGlobal(v)
			}
			return e.local(v)
		}
	}
	return e.expr(x)
}

func (e *emitter) assignOne(b *strings.Builder, s *ast.AssignStmt) {
	value := e.exprAs(s.Rhs[0], e.leftType(s, 0))
	if e.structLiteral(s) {
		// The interpreter would put another variable in the place of the one that is assigned
		// to: pointers to it, and the result that it may be, would keep the old value.
		whole := e.fresh("value")
		fmt.Fprintf(b, "%s := %s\n", whole, value)
		value = whole
	}
	fmt.Fprintf(b, "%s %s %s\n", e.target(s.Lhs[0]), s.Tok, value)
	e.guard(b, s.Rhs...)
}

// structLiteral says whether a variable of a struct's type is assigned a literal.
func (e *emitter) structLiteral(s *ast.AssignStmt) bool {
	if _, ok := ast.Unparen(s.Rhs[0]).(*ast.CompositeLit); !ok || s.Tok != token.ASSIGN {
		return false
	}
	if id, ok := ast.Unparen(s.Lhs[0]).(*ast.Ident); !ok || id.Name == "_" {
		return false
	}
	_, ok := e.sub(e.leftType(s, 0)).Underlying().(*types.Struct)
	return ok
}

// assignTuple assigns the values of one expression. Names that are new are
// defined right there; everything else is reached through locals.
func (e *emitter) assignTuple(b *strings.Builder, s *ast.AssignStmt) {
	direct := true
	for _, l := range s.Lhs {
		id, ok := ast.Unparen(l).(*ast.Ident)
		direct = direct && ok && (id.Name == "_" || s.Tok == token.DEFINE && e.info.Defs[id] != nil)
	}
	value := e.tuple(s.Rhs[0])
	if direct {
		parts := make([]string, len(s.Lhs))
		for i, l := range s.Lhs {
			parts[i] = e.target(l)
		}
		fmt.Fprintf(b, "%s %s %s\n", strings.Join(parts, ", "), s.Tok, value)
		e.guard(b, s.Rhs...)
		return
	}
	tmps := make([]string, len(s.Lhs))
	for i, l := range s.Lhs {
		if id, ok := l.(*ast.Ident); ok && id.Name == "_" {
			tmps[i] = "_"
			continue
		}
		tmps[i] = e.fresh("t")
	}
	fmt.Fprintf(b, "%s := %s\n", strings.Join(tmps, ", "), value)
	for i, l := range s.Lhs {
		if tmps[i] == "_" {
			continue
		}
		op := "="
		if id, ok := l.(*ast.Ident); ok && e.info.Defs[id] != nil {
			op = ":="
		}
		fmt.Fprintf(b, "%s %s %s\n", e.target(l), op, tmps[i])
	}
	e.guard(b, s.Rhs...)
}

func (e *emitter) assignParallel(b *strings.Builder, s *ast.AssignStmt) {
	tmps := make([]string, len(s.Rhs))
	for i, r := range s.Rhs {
		tmps[i] = e.fresh("t")
		if e.info.Types[r].IsNil() {
			tmps[i] = "nil"
			continue
		}
		t := e.typeOf(s.Lhs[i])
		if id, ok := s.Lhs[i].(*ast.Ident); ok && id.Name == "_" {
			t = e.typeOf(r)
		}
		if t == nil {
			t = e.typeOf(r)
		}
		if types.IsInterface(t) {
			fmt.Fprintf(b, "var %s %s = %s\n", tmps[i], e.typ(t), e.exprAs(r, t))
			continue
		}
		fmt.Fprintf(b, "%s := %s\n", tmps[i], e.expr(r))
	}
	// Operands of index expressions and pointers on the left are evaluated
	// before anything is assigned.
	targets := make([]string, len(s.Lhs))
	for i, l := range s.Lhs {
		targets[i] = e.frozenTarget(b, l)
	}
	for i, l := range s.Lhs {
		op := "="
		if id, ok := l.(*ast.Ident); ok && s.Tok == token.DEFINE && e.info.Defs[id] != nil {
			op = ":="
		}
		fmt.Fprintf(b, "%s %s %s\n", targets[i], op, tmps[i])
	}
	e.guard(b, s.Rhs...)
}

func (e *emitter) frozenTarget(b *strings.Builder, l ast.Expr) string {
	ix, ok := ast.Unparen(l).(*ast.IndexExpr)
	if !ok || e.info.Types[ix.Index].Value != nil {
		return e.target(l)
	}
	t := e.fresh("i")
	fmt.Fprintf(b, "%s := %s\n", t, e.expr(ix.Index))
	return e.indexed(ix.X) + "[" + t + "]"
}
