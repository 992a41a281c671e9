package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

func (e *emitter) switchStmt(b *strings.Builder, s *ast.SwitchStmt, label string) {
	b.WriteString("{\n")
	if s.Init != nil {
		b.WriteString(e.line(s.Init.Pos()) + e.initStmt(s.Init) + "\n")
	}
	tag, head := "", ""
	if s.Tag != nil {
		tag = e.fresh("tag")
		t := types.Default(e.typeOf(s.Tag))
		fmt.Fprintf(b, "var %s %s = %s\n_ = %s\n", tag, e.typ(t), e.expr(s.Tag), tag)
		e.guard(b, s.Tag)
		head = tag + " "
		if e.needsCompare(s, t) {
			head = ""
		}
	}
	leave := e.enter(scope{label: label})
	b.WriteString(labelLine(label) + e.line(s.Pos()) + "switch " + head + "{\n")
	for _, c := range s.Body.List {
		cc, _ := c.(*ast.CaseClause)
		if cc.List == nil {
			b.WriteString("default:\n")
		} else {
			parts := make([]string, len(cc.List))
			for i, x := range cc.List {
				parts[i] = e.caseOf(s, tag, head == "", x)
			}
			b.WriteString("case " + strings.Join(parts, ", ") + ":\n")
		}
		e.stmts(b, cc.Body)
	}
	leave()
	b.WriteString("}\n}\n")
}

// needsCompare tells whether tag and cases differ in being interfaces.
func (e *emitter) needsCompare(s *ast.SwitchStmt, t types.Type) bool {
	if types.IsInterface(t) {
		return true
	}
	for _, c := range s.Body.List {
		cc, _ := c.(*ast.CaseClause)
		for _, x := range cc.List {
			if types.IsInterface(e.typeOf(x)) {
				return true
			}
		}
	}
	return false
}

func (e *emitter) caseOf(s *ast.SwitchStmt, tag string, compare bool, x ast.Expr) string {
	v := e.expr(x)
	if s.Tag == nil || !compare {
		return v
	}
	if isNil(e.typeOf(x)) {
		return tag + " == nil"
	}
	return e.call("Equal") + "(" + tag + ", " + v + ")"
}

// typeSwitch writes each clause with a variable of its own type.
func (e *emitter) typeSwitch(b *strings.Builder, s *ast.TypeSwitchStmt, label string) {
	b.WriteString("{\n")
	if s.Init != nil {
		b.WriteString(e.line(s.Init.Pos()) + e.initStmt(s.Init) + "\n")
	}
	var x ast.Expr
	bound := ""
	switch a := s.Assign.(type) {
	case *ast.AssignStmt:
		ta, _ := ast.Unparen(a.Rhs[0]).(*ast.TypeAssertExpr)
		x = ta.X
		if id, ok := a.Lhs[0].(*ast.Ident); ok {
			bound = id.Name
		}
	case *ast.ExprStmt:
		ta, _ := ast.Unparen(a.X).(*ast.TypeAssertExpr)
		x = ta.X
	}
	v, which := e.fresh("x"), e.fresh("case")
	from := e.typeOf(x)
	fmt.Fprintf(b, "var %s %s = %s\n_ = %s\n", v, e.typ(from), e.expr(x), v)
	e.guard(b, x)
	fmt.Fprintf(b, "%s := 0\n", which)
	// One value for each type of each clause; the first that fits says which
	// clause it is.
	var body strings.Builder
	leave := e.enter(scope{label: label})
	tests, closing := "", ""
	for i, c := range s.Body.List {
		cc, _ := c.(*ast.CaseClause)
		held := v
		for _, tx := range cc.List {
			test, value := e.typeTest(b, v, from, tx)
			if len(cc.List) == 1 && value != "" {
				held = value
			}
			tests += fmt.Sprintf("if %s {\n%s = %d\n} else {\n", test, which, i+1)
			closing += "}\n"
		}
		e.typeClause(&body, cc, i+1, held, bound)
	}
	leave()
	b.WriteString(tests + closing)
	b.WriteString(labelLine(label) + e.line(s.Pos()) + "switch " + which + " {\n" + body.String() + "}\n}\n")
}

// typeTest writes whether v is of a type, and gives the name of the value as
// such.
func (e *emitter) typeTest(b *strings.Builder, v string, from types.Type, tx ast.Expr) (test, value string) {
	if e.info.Types[tx].IsNil() {
		return v + " == nil", ""
	}
	to := e.typeOf(tx)
	t, ok := e.fresh("as"), e.fresh("ok")
	fmt.Fprintf(b, "%s, %s := %s(%s)\n_ = %s\n", t, ok, e.asserter(from, to, true), v, t)
	return ok, t
}

func (e *emitter) typeClause(b *strings.Builder, cc *ast.CaseClause, n int, held, bound string) {
	if cc.List == nil {
		b.WriteString("default:\n")
	} else {
		fmt.Fprintf(b, "case %d:\n", n)
	}
	if obj := e.info.Implicits[cc]; obj != nil && bound != "" && bound != "_" {
		name := e.local(obj)
		fmt.Fprintf(b, "%s := %s\n_ = %s\n", name, held, name)
	}
	e.stmts(b, cc.Body)
}
