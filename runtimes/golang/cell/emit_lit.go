package cell

import (
	"go/ast"
	"go/token"
	"go/types"
)

// The interpreter has one place for the value of a function literal in the
// frame of the function around it. It puts the closure there when the literal is
// evaluated, and what was there before again whenever the closure has been
// called, under a lock of that frame that it also holds while it runs the frame's
// deferred functions. And compiled code that is given a literal gets a function
// that looks at the frame itself, not at the variables of the round that it was
// written in. So a literal that is evaluated more than once in a frame would be
// mixed up with itself, and one that a deferred function calls would wait for
// ever. Both are cured by a frame of its own for each evaluation:
//
//	func() func(int) { return func(n int) {…} }()

// funcLit writes a function literal as a value.
func (e *emitter) funcLit(x *ast.FuncLit) string {
	sig, _ := e.info.TypeOf(x).Underlying().(*types.Signature)
	return e.closure(sig, e.bareLit(x))
}

// bareLit writes a literal that is called, or deferred, where it stands: nobody
// else can have its value. Deferred in a frame of its own, it couldn't recover.
func (e *emitter) bareLit(x *ast.FuncLit) string {
	sig, _ := e.info.TypeOf(x).Underlying().(*types.Signature)
	return e.function("func", sig, x.Type, x.Body)
}

// closure gives the text of a literal a frame of its own, if it needs one.
func (e *emitter) closure(sig *types.Signature, text string) string {
	if !e.fn.again && !e.fn.inLoop() {
		return text
	}
	return "func() func" + e.signature(sig, nil) + " { return " + text + " }()"
}

// evaluatesAgain tells whether a function can come to one of its literals twice
// without a loop, or calls closures while its frame is locked.
func evaluatesAgain(list []ast.Stmt) bool {
	found := false
	for _, s := range list {
		ast.Inspect(s, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncLit:
				return false
			case *ast.DeferStmt:
				found = true
			case *ast.BranchStmt:
				found = found || n.Tok == token.GOTO
			}
			return !found
		})
	}
	return found
}

// again is evaluatesAgain of the statements of the cell itself.
func (d *draft) again() bool {
	for _, it := range d.items {
		if evaluatesAgain([]ast.Stmt{it.stmt}) {
			return true
		}
	}
	return false
}
