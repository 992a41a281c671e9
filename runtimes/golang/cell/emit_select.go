package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// selectStmt writes a select as a call of the driver's and a switch over what
// it says. The interpreter's own has one list of channels and values for each
// select in the code: goroutines that come to the same one send each other's
// values and receive from each other's channels.
func (e *emitter) selectStmt(b *strings.Builder, s *ast.SelectStmt, label string) {
	leave := e.enter(scope{label: label})
	defer leave()
	if len(s.Body.List) == 0 {
		b.WriteString(e.line(s.Pos()) + e.call("Forever") + "()\n")
		return
	}
	b.WriteString("{\n")
	var out strings.Builder
	var list []string
	otherwise := 0
	for i, c := range s.Body.List {
		cc, _ := c.(*ast.CommClause)
		fmt.Fprintf(&out, "case %d:\n", i+1)
		if cc.Comm == nil {
			otherwise = i + 1
		} else {
			list = append(list, fmt.Sprintf("%d, %s", i+1, e.operation(b, &out, cc)))
		}
		e.stmts(&out, cc.Body)
	}
	which := e.fresh("which")
	fmt.Fprintf(b, "%s%s := %s(%s)\n", e.line(s.Pos()), which, e.call("Select"), strings.Join(append([]string{fmt.Sprint(otherwise)}, list...), ", "))
	b.WriteString(labelLine(label) + "switch " + which + " {\n" + out.String() + "}\n}\n")
}

// operation writes one channel operation of a select as three arguments: the
// channel, and where the value is or goes and where it says whether there was
// one, which are 0 if nobody asks. Channels and values are evaluated into locals
// before the select; what the clause begins with goes to out.
func (e *emitter) operation(b, out *strings.Builder, cc *ast.CommClause) string {
	keep := func(x ast.Expr) string {
		t := e.fresh("c")
		fmt.Fprintf(b, "%s := %s\n", t, e.expr(x))
		return t
	}
	variable := func(t types.Type, value string) string {
		v := e.fresh("v")
		fmt.Fprintf(b, "var %s %s%s\n", v, e.typ(t), value)
		return v
	}
	channel := func(x ast.Expr) (string, types.Type) {
		u, _ := ast.Unparen(x).(*ast.UnaryExpr)
		return keep(u.X), elementOf(e.typeOf(u.X))
	}
	switch s := cc.Comm.(type) {
	case *ast.SendStmt:
		ch, t := keep(s.Chan), elementOf(e.typeOf(s.Chan))
		return "true, " + ch + ", &" + variable(t, " = "+e.exprAs(s.Value, t)) + ", 0"
	case *ast.ExprStmt:
		ch, _ := channel(s.X)
		return "false, " + ch + ", 0, 0"
	case *ast.AssignStmt:
		ch, t := channel(s.Rhs[0])
		places := [2]string{"0", "0"}
		for i, l := range s.Lhs {
			if id, ok := l.(*ast.Ident); ok && id.Name == "_" {
				continue
			}
			v := variable([2]types.Type{t, types.Typ[types.Bool]}[i], "")
			places[i] = "&" + v
			e.received(out, s, i, v)
		}
		return "false, " + ch + ", " + strings.Join(places[:], ", ")
	}
	e.reject(cc.Pos(), "this operation of a select is not supported")
	return ""
}

// received gives what was received, or whether something was, to the name in the code.
func (e *emitter) received(out *strings.Builder, s *ast.AssignStmt, i int, value string) {
	op := "="
	if id, ok := s.Lhs[i].(*ast.Ident); ok && s.Tok == token.DEFINE && e.info.Defs[id] != nil {
		op = ":="
	}
	target := e.target(s.Lhs[i])
	fmt.Fprintf(out, "%s %s %s\n", target, op, value)
	if op == ":=" {
		fmt.Fprintf(out, "_ = %s\n", target)
	}
}
