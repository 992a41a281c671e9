package cell

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// bodyName is the function that holds the statements of a cell in its draft.
const bodyName = "_cell"

// draft is a cell as a file that go/types can check: declarations at the top,
// statements in one function.
type draft struct {
	name    string // of the cell
	code    string
	program bool // it has a package clause: a whole program, of which main runs
	file    *ast.File
	body    *ast.FuncDecl // nil when there are no statements
	items   []item        // what runs, in order
	inits   []*ast.FuncDecl
	last    ast.Expr // the expression whose value is the cell's result
	main    bool     // call main at the end
	imports []importSpec
	types   map[string]bool // type names that the cell declares
}

// item is one thing to run: a statement, or a variable declaration that had to
// become a package-level one because a function of the cell uses the variable.
type item struct {
	stmt  ast.Stmt
	spec  *ast.ValueSpec
	names []string // with spec: the left side as it was written
}

type importSpec struct {
	name, path string
	line, col  int
}

// newDraft splits and parses. The positions in the file are those of the cell.
func newDraft(fset *token.FileSet, name, code string) (*draft, *Error) {
	pieces, serr := split(code)
	if serr != nil {
		line, col := place(code, serr.pos)
		return nil, report("SyntaxError", name, code, []problem{{line, col, serr.msg}})
	}
	d := &draft{name: name, code: code, types: map[string]bool{}}
	for _, p := range pieces {
		if p.kind == clause {
			d.program = true
		}
	}
	var decls, stmts strings.Builder
	for _, p := range pieces {
		switch {
		case p.kind == imports:
			if err := d.addImports(p); err != nil {
				return nil, err
			}
		case p.kind == clause:
			if err := d.checkAlone("", p); err != nil {
				return nil, err
			}
		case p.kind == statement, p.kind == variables && !d.program:
			fmt.Fprintf(&stmts, "/*line %s:%d:%d*/%s\n", name, p.line, p.col, p.text)
		default:
			fmt.Fprintf(&decls, "/*line %s:%d:%d*/%s\n", name, p.line, p.col, p.text)
		}
		d.main = d.main || p.kind == funcPiece && p.name == "main"
	}
	d.main = d.main && (d.program || stmts.Len() == 0)
	src := "package main;" + decls.String()
	if stmts.Len() > 0 {
		src += "func " + bodyName + "() {" + stmts.String() + "}\n"
	}
	// Object resolution is wanted: what it leaves over is what earlier cells may have.
	file, err := parser.ParseFile(fset, name, src, 0)
	if err != nil {
		fset.RemoveFile(fset.File(file.FileStart)) // it is there, as far as it could be read
		return nil, d.syntaxError(pieces, err)
	}
	d.file = file
	d.arrange()
	return d, nil
}

// checkAlone parses one piece as a file of its own.
func (d *draft) checkAlone(before string, p piece) *Error {
	src := fmt.Sprintf("%s/*line %s:%d:%d*/%s\n", before, d.name, p.line, p.col, p.text)
	if _, err := parser.ParseFile(token.NewFileSet(), d.name, src, parser.SkipObjectResolution); err != nil {
		return report("SyntaxError", d.name, d.code, problemsOf(err))
	}
	return nil
}

// syntaxError looks for the piece that is wrong by itself: what the parser
// says about the whole draft may be about the frame around the pieces.
func (d *draft) syntaxError(pieces []piece, whole error) *Error {
	for _, p := range pieces {
		before, after := "package main;", ""
		if p.kind == statement || p.kind == variables {
			before, after = "package main;func _() {", "}"
		}
		if p.kind == clause || p.kind == imports {
			continue
		}
		src := fmt.Sprintf("%s/*line %s:%d:%d*/%s\n%s", before, d.name, p.line, p.col, p.text, after)
		if _, err := parser.ParseFile(token.NewFileSet(), d.name, src, parser.SkipObjectResolution); err != nil {
			return report("SyntaxError", d.name, d.code, problemsOf(err))
		}
	}
	return report("SyntaxError", d.name, d.code, problemsOf(whole))
}

func (d *draft) addImports(p piece) *Error {
	if err := d.checkAlone("package main;", p); err != nil {
		return err
	}
	f, err := parser.ParseFile(token.NewFileSet(), "", "package main;"+p.text+"\n", parser.ImportsOnly)
	if err != nil {
		return report("SyntaxError", d.name, d.code, problemsOf(err))
	}
	for _, s := range f.Imports {
		spec := importSpec{path: strings.Trim(s.Path.Value, "\"`"), line: p.line, col: p.col}
		if s.Name != nil {
			spec.name = s.Name.Name
		}
		d.imports = append(d.imports, spec)
	}
	return nil
}

// arrange finds the parts of the parsed draft.
func (d *draft) arrange() {
	var rest []ast.Decl
	for _, decl := range d.file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			switch {
			case decl.Name.Name == bodyName && decl.Recv == nil:
				d.body = decl
			case decl.Name.Name == "init" && decl.Recv == nil:
				d.inits = append(d.inits, decl)
			}
		case *ast.GenDecl:
			for _, s := range decl.Specs {
				if ts, ok := s.(*ast.TypeSpec); ok {
					d.types[ts.Name.Name] = true
				}
			}
		}
		rest = append(rest, decl)
	}
	d.file.Decls = rest
	if d.body == nil {
		return
	}
	d.body.Body.List = slices.DeleteFunc(d.body.Body.List, func(s ast.Stmt) bool {
		_, empty := s.(*ast.EmptyStmt)
		return empty
	})
	list := d.body.Body.List
	if n := len(list); n > 0 {
		if e, ok := list[n-1].(*ast.ExprStmt); ok {
			d.last = e.X
		}
	}
	d.hoist()
}
