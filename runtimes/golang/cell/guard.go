package cell

import (
	"go/ast"
	"go/types"
	"strings"
)

// blocking are the packages whose functions can wait for the world outside.
var blocking = strings.Fields(`time sync net net/http net/rpc net/smtp net/textproto crypto/tls os os/exec os/signal
	io io/ioutil bufio database/sql syscall context archive/tar archive/zip encoding/json encoding/gob encoding/csv`)

// guard follows a statement that called something that can block. An
// interrupt doesn't wait for such a call; the goroutine that comes back from it
// later must not go on in code that was ended.
func (e *emitter) guard(b *strings.Builder, list ...ast.Expr) {
	for _, x := range list {
		if e.blocks(x) {
			b.WriteString(e.call("Alive") + "()\n")
			return
		}
	}
}

func (e *emitter) blocks(x ast.Expr) bool {
	found := false
	ast.Inspect(x, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			return false
		case *ast.CallExpr:
			sel, ok := ast.Unparen(n.Fun).(*ast.SelectorExpr)
			if !ok {
				return true
			}
			fn, ok := e.info.Uses[sel.Sel].(*types.Func)
			if ok && fn.Pkg() != nil && contains(blocking, fn.Pkg().Path()) {
				found = true
			}
		}
		return !found
	})
	return found
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}
