package cell

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// rangeFunc writes a loop over a function: its body becomes the callback. A
// body that is left by anything but its end or continue says so in a variable,
// and whoever called the iterator does the rest.
func (e *emitter) rangeFunc(b *strings.Builder, s *ast.RangeStmt, label string, sig *types.Signature) {
	yield, ok := e.sub(sig.Params().At(0).Type()).Underlying().(*types.Signature)
	if !ok {
		e.reject(s.Pos(), "can't range over %s", sig)
	}
	r := &ranger{state: e.fresh("left"), codes: map[string]int{}}
	b.WriteString("{\n" + e.line(s.Pos()) + "var " + r.state + " int\n_ = " + r.state + "\n")
	if !e.fn.inRanger() {
		e.fn.saved = nil
		for i := range e.fn.resultCount() {
			t := e.fresh("ret")
			e.fn.saved = append(e.fn.saved, t)
			fmt.Fprintf(b, "var %s %s\n_ = %s\n", t, e.typ(e.fn.results.At(i).Type()), t)
		}
	}
	f := e.fresh("seq")
	fmt.Fprintf(b, "%s := %s\n", f, e.expr(s.X))
	params := make([]string, yield.Params().Len())
	var in strings.Builder
	for i, l := range []ast.Expr{s.Key, s.Value} {
		if i >= len(params) {
			break
		}
		params[i] = e.fresh("k")
		if id, ok := l.(*ast.Ident); l != nil && (!ok || id.Name != "_") {
			e.handOver(&in, s, l, params[i])
		}
	}
	leave := e.enter(scope{label: label, loop: true, ranger: r})
	body := e.rounds(s.Body, in.String(), "")
	leave()
	callback := fmt.Sprintf("func%s {\n%s\nreturn true\n}", e.signature(yield, params), body)
	fmt.Fprintf(b, "%s(%s)\n", f, e.closure(yield, callback))
	for _, stmt := range r.order {
		e.afterRanger(b, r, stmt)
	}
	b.WriteString("}\n")
}

// leaveRangers sets, in every callback from the inside out, what its caller
// has to do: the outermost one does stmt, those inside of it stop.
func (e *emitter) leaveRangers(b *strings.Builder, crossed []*ranger, stmt string, at int) {
	key := fmt.Sprintf("%d %s", at, stmt)
	for _, r := range crossed {
		fmt.Fprintf(b, "%s = %d\n", r.state, r.code(key))
	}
	b.WriteString("return false\n")
}

// afterRanger acts on how the body was left, in the place behind the loop.
func (e *emitter) afterRanger(b *strings.Builder, r *ranger, key string) {
	at, stmt := 0, ""
	if key != "return" {
		_, _ = fmt.Sscanf(key, "%d", &at)
		_, stmt, _ = strings.Cut(key, " ")
	}
	fmt.Fprintf(b, "if %s == %d {\n", r.state, r.codes[key])
	defer b.WriteString("}\n")
	if key == "return" {
		if e.fn.inRanger() {
			b.WriteString("return false\n")
			return
		}
		b.WriteString("return " + strings.Join(e.fn.saved, ", ") + "\n")
		return
	}
	// The scopes are those around the loop now.
	for _, sc := range e.fn.scopes[at+1:] {
		if sc.ranger != nil {
			b.WriteString("return false\n")
			return
		}
	}
	target := e.fn.scopes[at]
	tok := token.BREAK
	if strings.HasPrefix(stmt, token.CONTINUE.String()) {
		tok = token.CONTINUE
	}
	if target.ranger != nil {
		fmt.Fprintf(b, "return %t\n", tok == token.CONTINUE)
		return
	}
	if tok == token.CONTINUE {
		b.WriteString(target.before)
	}
	b.WriteString(stmt + "\n")
}

// returnFromRanger saves the results and leaves every callback.
func (e *emitter) returnFromRanger(b *strings.Builder, s *ast.ReturnStmt) {
	saved := e.fn.saved
	switch {
	case len(s.Results) == 0:
		for i, n := range e.fn.names {
			fmt.Fprintf(b, "%s = %s\n", saved[i], n)
		}
	case len(s.Results) == 1 && len(saved) > 1:
		tmps := make([]string, len(saved))
		for i := range tmps {
			tmps[i] = e.fresh("t")
		}
		b.WriteString(strings.Join(tmps, ", ") + " := " + e.tuple(s.Results[0]) + "\n")
		for i := range tmps {
			fmt.Fprintf(b, "%s = %s\n", saved[i], tmps[i])
		}
	default:
		for i, x := range s.Results {
			fmt.Fprintf(b, "%s = %s\n", saved[i], e.exprAs(x, e.fn.results.At(i).Type()))
		}
	}
	for _, sc := range e.fn.scopes {
		if sc.ranger != nil {
			fmt.Fprintf(b, "%s = %d\n", sc.ranger.state, sc.ranger.code("return"))
		}
	}
	b.WriteString("return false\n")
}

func (f *function) inRanger() bool {
	for _, sc := range f.scopes {
		if sc.ranger != nil {
			return true
		}
	}
	return false
}

func (f *function) resultCount() int {
	if f.results == nil {
		return 0
	}
	return f.results.Len()
}
