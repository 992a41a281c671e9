package cell

import (
	"go/ast"
	"go/types"
	"slices"
	"strings"
)

// blocking tells whether functions of a package can wait for the world outside.
func blocking(importPath string) bool {
	switch importPath {
	case "time", "sync", "net", "net/http", "net/rpc", "net/smtp", "net/textproto", "crypto/tls", "os", "os/exec", "os/signal",
		"io", "io/ioutil", "bufio", "database/sql", "syscall", "context", "archive/tar", "archive/zip",
		"encoding/json", "encoding/gob", "encoding/csv":
		return true
	}
	return false
}

// guard follows a statement that called something that can block. An
// interrupt doesn't wait for such a call; the goroutine that comes back from it
// later must not go on in code that was ended.
func (e *emitter) guard(b *strings.Builder, list ...ast.Expr) {
	if slices.ContainsFunc(list, e.blocks) {
		b.WriteString(e.call("Alive") + "()\n")
		return
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
			if ok && fn.Pkg() != nil && blocking(fn.Pkg().Path()) {
				found = true
			}
		}
		return !found
	})
	return found
}
