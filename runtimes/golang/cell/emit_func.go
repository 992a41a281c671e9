package cell

import (
	"fmt"
	"go/ast"
	"go/types"
	"strings"
)

// function writes a function with a head that stands before its parameters.
func (e *emitter) function(head string, sig *types.Signature, ft *ast.FuncType, body *ast.BlockStmt) string {
	outer := e.fn
	defer func() { e.fn = outer }()
	e.fn = &function{results: sig.Results()}
	names := e.fieldNames(ft.Params)
	if ft.Results != nil {
		if results := e.fieldNames(ft.Results); named1(ft.Results) {
			for i, n := range results {
				if n == "_" {
					results[i] = e.fresh("result")
				}
			}
			e.fn.names = results
			names = append(names, results...)
		}
	}
	var b strings.Builder
	b.WriteString(head + e.signature(sig, names) + " {\n")
	for i, name := range e.fn.names {
		// A named result is the variable that the caller gives the value to: in a loop
		// it would begin with what the round before returned.
		// Not by a composite literal: the interpreter would return what p was before `p = point{}`.
		empty := e.fresh("zero")
		fmt.Fprintf(&b, "var %s %s\n%s = %s\n", empty, e.typ(sig.Results().At(i).Type()), name, empty)
	}
	var text strings.Builder
	e.stmts(&text, body.List)
	b.WriteString(e.deferredList() + text.String())
	b.WriteString("}")
	return b.String()
}

func named1(l *ast.FieldList) bool { return len(l.List) > 0 && len(l.List[0].Names) > 0 }

func (e *emitter) fieldNames(l *ast.FieldList) []string {
	out := []string{}
	if l == nil {
		return out
	}
	for _, f := range l.List {
		if len(f.Names) == 0 {
			out = append(out, "_")
		}
		for _, id := range f.Names {
			out = append(out, e.param(id))
		}
	}
	return out
}

func (e *emitter) funcLit(x *ast.FuncLit) string {
	sig, _ := e.info.TypeOf(x).Underlying().(*types.Signature)
	return e.function("func", sig, x.Type, x.Body)
}

// scope is something that break or continue can mean.
type scope struct {
	label  string
	loop   bool
	ranger *ranger // a loop over a function
	// before stands in front of every continue: it saves a loop variable
	// that each round has a copy of.
	before string
}

// ranger is a loop over a function while its body is written as a callback.
type ranger struct {
	state string         // the variable that says how the body was left
	codes map[string]int // what the caller of the iterator has to do then
	order []string
}

// code is the number for a way of leaving the body.
func (r *ranger) code(stmt string) int {
	n, ok := r.codes[stmt]
	if !ok {
		n = len(r.codes) + 1
		r.codes[stmt] = n
		r.order = append(r.order, stmt)
	}
	return n
}
