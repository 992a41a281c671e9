package cell

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"strings"
)

// goVersion is the language that cells are checked as. The driver's own
// toolchain sets the upper bound.
const goVersion = "go1.26"

// checked is a draft with types.
type checked struct {
	draft   *draft
	pkg     *types.Package
	info    *types.Info
	imports map[string]string              // what the cell added
	methods map[*ast.FuncDecl]*types.Named // methods of types of earlier cells, written as functions
	added   []*types.Func
	assign  []string // run first: the new bodies of adopted methods
}

func newInfo() *types.Info {
	return &types.Info{
		Types:      map[ast.Expr]types.TypeAndValue{},
		Instances:  map[*ast.Ident]types.Instance{},
		Defs:       map[*ast.Ident]types.Object{},
		Uses:       map[*ast.Ident]types.Object{},
		Implicits:  map[ast.Node]types.Object{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
		Scopes:     map[ast.Node]*types.Scope{},
	}
}

// check gives every expression of a draft its type.
func (s *Session) check(d *draft) (*checked, *Error) {
	c := &checked{draft: d, info: newInfo(), imports: map[string]string{}, methods: map[*ast.FuncDecl]*types.Named{}}
	if err := s.addImports(c); err != nil {
		return nil, err
	}
	if err := s.adoptMethods(c); err != nil {
		return nil, err
	}
	c.pkg = types.NewPackage("main", "main")
	s.provide(c, d.file, nil)
	var problems []problem
	conf := s.config(func(e types.Error) {
		if !c.tolerates(e) {
			problems = append(problems, problemAt(s.fset.Position(e.Pos), e.Msg))
		}
	})
	if err := guarded(func() { _ = types.NewChecker(conf, s.fset, c.pkg, c.info).Files([]*ast.File{d.file}) }); err != nil {
		return nil, report("CompileError", d.name, d.code, []problem{{msg: err.Error()}})
	}
	if len(problems) > 0 {
		return nil, report("CompileError", d.name, d.code, problems)
	}
	return c, nil
}

func (s *Session) config(report func(types.Error)) *types.Config {
	return &types.Config{
		Context:   s.types,
		GoVersion: goVersion,
		Importer:  importer{s},
		Error: func(err error) {
			var te types.Error
			if errors.As(err, &te) {
				report(te)
			}
		},
	}
}

// importer is for the packages that are supplied as source.
type importer struct{ s *Session }

func (i importer) Import(p string) (*types.Package, error) { return i.s.load(p) }

// guarded keeps a fault of the checker from ending the kernel.
func guarded(f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the type checker failed: %v", r)
		}
	}()
	f()
	return nil
}

// tolerates says whether something that a compiler refuses is fine in a cell.
func (c *checked) tolerates(e types.Error) bool {
	if e.Soft || strings.HasPrefix(e.Msg, "\t") {
		return true // unused variables, imports and labels; notes to an error before
	}
	switch {
	case strings.HasPrefix(e.Msg, "declared and not used"), strings.HasPrefix(e.Msg, "initialization cycle"),
		strings.HasPrefix(e.Msg, "func init must"), strings.HasSuffix(e.Msg, "imported and not used"):
		return true
	case strings.HasSuffix(e.Msg, "is not used"):
		return c.topLevel(e.Pos)
	}
	return false
}

// topLevel tells whether an expression statement at pos is one of the cell itself.
func (c *checked) topLevel(pos token.Pos) bool {
	for _, it := range c.draft.items {
		if es, ok := it.stmt.(*ast.ExprStmt); ok && es.Pos() <= pos && pos < es.End() {
			return true
		}
	}
	return false
}

// addImports resolves the cell's import declarations.
func (s *Session) addImports(c *checked) *Error {
	for _, spec := range c.draft.imports {
		fail := func(msg string) *Error {
			return report("CompileError", c.draft.name, c.draft.code, []problem{{spec.line, spec.col, msg}})
		}
		pkg, err := s.load(spec.path)
		if err != nil {
			return fail(fmt.Sprintf("package %s is not available here: only the standard library is (and not all of it)", spec.path))
		}
		switch spec.name {
		case "":
			c.imports[pkg.Name()] = spec.path
		case "_":
		case ".":
			return fail("import . is not supported: import the package by its name")
		default:
			c.imports[spec.name] = spec.path
		}
	}
	return nil
}

// provide puts what a file uses from earlier cells into the scope of its package.
func (s *Session) provide(c *checked, f *ast.File, skip map[string]bool) {
	scope := c.pkg.Scope()
	declared := map[string]bool{}
	for _, decl := range f.Decls {
		for _, n := range declNames(decl) {
			declared[n] = true
		}
	}
	for _, id := range f.Unresolved {
		name := id.Name
		if declared[name] || skip[name] || scope.Lookup(name) != nil {
			continue
		}
		if obj := s.meaning(c, name); obj != nil {
			scope.Insert(obj)
		}
	}
}

// meaning finds what a free name of a cell stands for: an import of the cell,
// something an earlier cell declared or imported (whichever came last), or a
// package that can be nothing else.
func (s *Session) meaning(c *checked, name string) types.Object {
	if p, ok := c.imports[name]; ok {
		return s.pkgName(c, name, p)
	}
	if obj := s.names[name]; obj != nil {
		return obj
	}
	if p, ok := s.imports[name]; ok {
		return s.pkgName(c, name, p)
	}
	if types.Universe.Lookup(name) != nil {
		return nil
	}
	if p, ok := s.unambiguous(name); ok {
		c.imports[name] = p
		return s.pkgName(c, name, p)
	}
	return nil
}

func (s *Session) pkgName(c *checked, name, importPath string) types.Object {
	pkg, err := s.load(importPath)
	if err != nil {
		return nil
	}
	return types.NewPkgName(token.NoPos, c.pkg, name, pkg)
}

// unambiguous finds the one package with a name. Without it the cell would
// not compile, so importing it can't change what a cell means.
func (s *Session) unambiguous(name string) (string, bool) {
	if s.byName == nil {
		s.byName = map[string][]string{}
		for _, p := range s.lib.Paths() {
			n := s.lib.Name(p)
			s.byName[n] = append(s.byName[n], p)
		}
	}
	if list := s.byName[name]; len(list) == 1 {
		return list[0], true
	}
	return "", false
}

func declNames(decl ast.Decl) []string {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv == nil {
			return []string{decl.Name.Name}
		}
	case *ast.GenDecl:
		var out []string
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				out = append(out, spec.Name.Name)
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					out = append(out, id.Name)
				}
			}
		}
		return out
	}
	return nil
}

// load gives a package: the compiled part, and on top of it what is supplied
// as source, whose declarations are kept to be instantiated.
func (s *Session) load(importPath string) (*types.Package, error) {
	if p, ok := s.loaded[importPath]; ok {
		return p, nil
	}
	pkg, err := s.lib.Import(importPath)
	if err != nil {
		return nil, fmt.Errorf("load package: %w", err)
	}
	s.loaded[importPath] = pkg
	text, ok := s.lib.Source(importPath)
	if !ok {
		return pkg, nil
	}
	file, err := parser.ParseFile(s.fset, path.Base(importPath)+".go", text, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parse package %s: %w", importPath, err)
	}
	info := newInfo()
	var first error
	conf := s.config(func(e types.Error) {
		if first == nil && !e.Soft {
			first = e
		}
	})
	_ = types.NewChecker(conf, s.fset, pkg, info).Files([]*ast.File{file})
	if first != nil {
		return nil, fmt.Errorf("check package %s: %w", importPath, first)
	}
	s.remember(file, info, true)
	return pkg, nil
}

// remember keeps the declarations that are written only when something uses
// them: generic ones, and all of a package that is supplied as source.
func (s *Session) remember(file *ast.File, info *types.Info, all bool) {
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			fn, ok := info.Defs[decl.Name].(*types.Func)
			if ok && decl.Recv == nil && (all || fn.Signature().TypeParams().Len() > 0) {
				s.origins[fn] = &origin{info: info, fn: decl}
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				ts, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				if obj := info.Defs[ts.Name]; obj != nil && (all || generic(obj.Type())) {
					s.origins[obj] = &origin{info: info, spec: ts}
				}
			}
		}
	}
	for _, decl := range file.Decls {
		fd, ok := decl.(*ast.FuncDecl)
		if !ok || fd.Recv == nil {
			continue
		}
		fn, ok := info.Defs[fd.Name].(*types.Func)
		if !ok {
			continue
		}
		if named := receiver(fn); named != nil {
			if o := s.origins[named.Origin().Obj()]; o != nil {
				o.methods = append(o.methods, fd)
			}
		}
	}
}

// receiver is the named type that a method belongs to.
func receiver(fn *types.Func) *types.Named {
	recv := fn.Signature().Recv()
	if recv == nil {
		return nil
	}
	t := types.Unalias(recv.Type())
	if p, ok := t.(*types.Pointer); ok {
		t = types.Unalias(p.Elem())
	}
	n, _ := t.(*types.Named)
	return n
}
