package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// forStmt writes a loop with a condition. A variable of its head is a new one
// in each round; where the body could tell, it is copied in and out.
func (e *emitter) forStmt(b *strings.Builder, s *ast.ForStmt, label string) {
	sc := scope{label: label, loop: true}
	var in, out strings.Builder
	var vars []types.Object
	init, ok := s.Init.(*ast.AssignStmt)
	if ok && init.Tok == token.DEFINE && escapes(s.Body) {
		for _, l := range init.Lhs {
			if id, ok := l.(*ast.Ident); ok && id.Name != "_" {
				vars = append(vars, e.info.Defs[id])
			}
		}
	}
	inner := map[types.Object]string{}
	for _, v := range vars {
		inner[v] = e.local(v)
		e.locals[v] = e.fresh(v.Name())
		fmt.Fprintf(&in, "%s := %s\n_ = %s\n", inner[v], e.locals[v], inner[v])
		fmt.Fprintf(&out, "%s = %s\n", e.locals[v], inner[v])
	}
	sc.before = out.String()
	head := ""
	if s.Init != nil {
		head = e.line(s.Pos()) + e.initStmt(s.Init) + "\n"
	}
	leave := e.enter(sc)
	cond, post := "", ""
	if s.Cond != nil {
		cond = e.expr(s.Cond)
	}
	if s.Post != nil {
		post = e.postStmt(s.Post)
	}
	maps.Copy(e.locals, inner)
	body := e.rounds(s.Body, in.String(), out.String())
	leave()
	b.WriteString("{\n" + head + labelLine(label) + e.line(s.Pos()))
	if s.Cond == nil && s.Post == nil {
		b.WriteString("for " + body + "\n}\n")
		return
	}
	fmt.Fprintf(b, "for ; %s; %s %s\n", cond, post, body)
	if s.Cond != nil {
		e.guard(b, s.Cond)
	}
	b.WriteString("}\n")
}

// postStmt is what a loop does after each round: one statement on one line.
func (e *emitter) postStmt(s ast.Stmt) string {
	a, ok := s.(*ast.AssignStmt)
	if !ok || len(a.Lhs) == 1 {
		return e.initStmt(s)
	}
	var lhs, rhs []string
	for _, l := range a.Lhs {
		lhs = append(lhs, e.target(l))
	}
	for _, r := range a.Rhs {
		rhs = append(rhs, e.expr(r))
	}
	return strings.Join(lhs, ", ") + " " + a.Tok.String() + " " + strings.Join(rhs, ", ")
}

// rounds is the body of a loop between what is done before and after each round.
func (e *emitter) rounds(body *ast.BlockStmt, before, after string) string {
	var b strings.Builder
	b.WriteString("{\n" + before)
	if before != "" || after != "" {
		b.WriteString(e.block(body) + "\n" + after)
	} else {
		e.stmts(&b, body.List)
	}
	b.WriteString("}")
	return b.String()
}

// escapes tells whether a loop's body could hold on to the loop's variables.
func escapes(body *ast.BlockStmt) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit, *ast.GoStmt, *ast.DeferStmt:
			found = true
		case *ast.UnaryExpr:
			found = found || n.Op == token.AND
		case *ast.SliceExpr, *ast.RangeStmt:
			found = true // of an array; over a function
		}
		return !found
	})
	return found
}

func (e *emitter) rangeStmt(b *strings.Builder, s *ast.RangeStmt, label string) {
	t := e.typeOf(s.X)
	switch u := core(t).(type) {
	case *types.Basic:
		if u.Info()&types.IsInteger != 0 {
			e.rangeInt(b, s, label, t)
			return
		}
	case *types.Signature:
		e.rangeFunc(b, s, label, u)
		return
	}
	x := e.expr(s.X)
	if p, ok := t.Underlying().(*types.Pointer); ok {
		x = "*" + e.operand(s.X)
		t = p.Elem()
	}
	switch t.Underlying().(type) {
	case *types.Array, *types.Slice, *types.Basic, *types.Map:
		// The operand is evaluated once; an array is copied.
		tmp := e.fresh("x")
		b.WriteString("{\n" + e.line(s.Pos()) + tmp + " := " + x + "\n")
		e.guard(b, s.X)
		e.rangePlain(b, s, label, tmp)
		b.WriteString("}\n")
		return
	}
	e.rangePlain(b, s, label, x)
}

func core(t types.Type) types.Type { return t.Underlying() }

// rangePlain writes a loop over what the interpreter can range over. Key and
// value arrive in fresh names and are handed over at the start of each round.
func (e *emitter) rangePlain(b *strings.Builder, s *ast.RangeStmt, label, x string) {
	var in strings.Builder
	part := func(l ast.Expr) string {
		if l == nil {
			return ""
		}
		if id, ok := l.(*ast.Ident); ok && id.Name == "_" {
			return "_"
		}
		tmp := e.fresh("k")
		e.handOver(&in, s, l, tmp)
		return tmp
	}
	key, value := part(s.Key), part(s.Value)
	head := "for range " + x
	switch {
	case value != "" && value != "_":
		head = "for " + key + ", " + value + " := range " + x
	case key != "" && key != "_":
		head = "for " + key + " := range " + x
	}
	leave := e.enter(scope{label: label, loop: true})
	body := e.rounds(s.Body, in.String(), "")
	leave()
	b.WriteString(labelLine(label) + e.line(s.Pos()) + head + " " + body + "\n")
}

// handOver gives a round's key or value to the name in the code.
func (e *emitter) handOver(b *strings.Builder, s *ast.RangeStmt, l ast.Expr, value string) {
	if s.Tok == token.DEFINE {
		if id, ok := l.(*ast.Ident); ok {
			n := e.local(e.info.Defs[id])
			fmt.Fprintf(b, "%s := %s\n_ = %s\n", n, value, n)
			return
		}
	}
	fmt.Fprintf(b, "%s = %s\n", e.target(l), value)
}

// rangeInt writes a loop over an integer.
func (e *emitter) rangeInt(b *strings.Builder, s *ast.RangeStmt, label string, t types.Type) {
	n, i := e.fresh("n"), e.fresh("i")
	if s.Key != nil {
		if kt := e.typeOf(s.Key); kt != nil {
			t = kt
		} else if id, ok := s.Key.(*ast.Ident); ok && e.info.Defs[id] != nil {
			t = e.sub(e.info.Defs[id].Type())
		}
	}
	limit := e.expr(s.X)
	if v := e.info.Types[s.X].Value; v != nil {
		limit = e.constant(v, types.Default(t))
	}
	name := e.typ(types.Default(t))
	var in strings.Builder
	if id, ok := s.Key.(*ast.Ident); s.Key != nil && (!ok || id.Name != "_") {
		e.handOver(&in, s, s.Key, i)
	}
	leave := e.enter(scope{label: label, loop: true})
	body := e.rounds(s.Body, in.String(), "")
	leave()
	fmt.Fprintf(b, "{\n%svar %s %s = %s\n", e.line(s.Pos()), n, name, limit)
	e.guard(b, s.X)
	fmt.Fprintf(b, "var %s %s\n%s%sfor ; %s < %s; %s++ %s\n}\n", i, name, labelLine(label), e.line(s.Pos()), i, n, i, body)
}

// branch writes break, continue, goto and fallthrough.
func (e *emitter) branch(b *strings.Builder, s *ast.BranchStmt) {
	if s.Tok == token.GOTO || s.Tok == token.FALLTHROUGH {
		b.WriteString(s.Tok.String())
		if s.Label != nil {
			if e.fn.inRanger() {
				e.reject(s.Pos(), "goto in the body of a loop over a function is not supported")
			}
			b.WriteString(" " + s.Label.Name)
		}
		b.WriteString("\n")
		return
	}
	at := e.fn.find(s)
	if at < 0 {
		e.reject(s.Pos(), "%s has no loop to go to", s.Tok)
	}
	e.leaveTo(b, s.Tok, s.Label, at)
}

// find is the index of the scope that a branch statement means.
func (f *function) find(s *ast.BranchStmt) int {
	for i, v := range slices.Backward(f.scopes) {
		sc := v
		if s.Label != nil && sc.label != s.Label.Name || s.Tok == token.CONTINUE && !sc.loop {
			continue
		}
		return i
	}
	return -1
}

func (e *emitter) leaveTo(b *strings.Builder, tok token.Token, label *ast.Ident, at int) {
	var crossed []*ranger
	for _, sc := range e.fn.scopes[at+1:] {
		if sc.ranger != nil {
			crossed = append(crossed, sc.ranger)
		}
	}
	target := e.fn.scopes[at]
	stmt := tok.String()
	if label != nil {
		stmt += " " + label.Name
	}
	if len(crossed) == 0 {
		if target.ranger != nil {
			// Of the callback itself: go on, or have the iterator stop.
			fmt.Fprintf(b, "return %t\n", tok == token.CONTINUE)
			return
		}
		if tok == token.CONTINUE {
			b.WriteString(target.before)
		}
		b.WriteString(stmt + "\n")
		return
	}
	e.leaveRangers(b, crossed, stmt, at)
}
