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

// support is the alias, in emitted source, of the package of functions that
// the driver provides.
const support = "hc" + mark

// SupportPath is its import path.
const SupportPath = "hotcell/internal/support"

// emitter writes a checked cell out again.
type emitter struct {
	s       *Session
	c       *checked
	info    *types.Info // of the code that is being written
	env     env
	decls   strings.Builder         // the file, but for its imports
	paths   map[string]bool         // what the file imports
	global  map[types.Object]string // emitted names that this cell adds
	insts   map[string]string
	locals  map[types.Object]string // renamed local names
	queue   []func()                // instances still to be written
	names   map[string]types.Object // what the cell's top-level names will mean
	globals []string
	methods []types.Type // the types with methods that this cell adds
	fn      *function
	depth   int
}

// function is the function that is being written.
type function struct {
	results  *types.Tuple
	names    []string // of the results, when they have any
	deferred string   // the list of calls that its loops defer
	scopes   []scope  // innermost last
	saved    []string // where a loop over a function leaves the results
	again    bool     // see evaluatesAgain
}

// maxInstances bounds what one cell can instantiate: a generic function that
// calls itself with ever new types has no end.
const maxInstances = 5000

func (s *Session) emit(c *checked) (prog *Program, fail *Error) {
	e := &emitter{
		s: s, c: c, info: c.info,
		paths: map[string]bool{}, global: map[types.Object]string{}, insts: map[string]string{},
		locals: map[types.Object]string{}, names: map[string]types.Object{},
	}
	defer func() {
		if r := recover(); r != nil {
			u, ok := r.(unsupported)
			if !ok {
				u = unsupported{msg: fmt.Sprintf("this cell could not be translated (%v)", r)}
			}
			prog, fail = nil, report("Unsupported", c.draft.name, c.draft.code, []problem{problemAt(s.fset.Position(u.pos), u.msg)})
		}
	}()
	fnName := e.cell()
	for n := 0; len(e.queue) > 0; n++ {
		if n > maxInstances {
			panic(unsupported{msg: "generic code in this cell instantiates itself without an end"})
		}
		next := e.queue[0]
		e.queue = e.queue[1:]
		next()
	}
	return e.program(fnName), nil
}

func (e *emitter) program(fnName string) *Program {
	var b strings.Builder
	b.WriteString("package main\n")
	paths := slices.Sorted(maps.Keys(e.paths))
	b.WriteString(e.decls.String())
	p := &Program{
		Name: e.c.draft.name, Source: b.String(), Func: fnName, Imports: importsOf(paths), Globals: e.globals,
		Passing: e.passes(), pos: e.c.draft.file.FileStart,
	}
	p.commit = func() {
		maps.Copy(e.s.global, e.global)
		maps.Copy(e.s.insts, e.insts)
		e.s.concretes = append(e.s.concretes, e.methods...)
		if len(e.names) > 0 || len(e.c.imports) > 0 {
			e.s.sorted = nil
		}
		maps.Copy(e.s.names, e.names)
		for name := range e.c.imports {
			delete(e.s.names, name)
		}
		maps.Copy(e.s.imports, e.c.imports)
		e.s.remember(e.c.draft.file, e.c.info, false)
	}
	return p
}

// Import is a package that a program needs, and the name that it uses for it.
// The interpreter takes an import only once.
type Import struct{ Alias, Path string }

func importsOf(paths []string) []Import {
	out := make([]Import, len(paths))
	for i, p := range paths {
		out[i] = Import{alias(p), p}
	}
	return out
}

// alias is how emitted source names a package.
func alias(importPath string) string {
	if importPath == SupportPath {
		return support
	}
	clean := strings.Map(func(r rune) rune {
		if r == '/' || r == '.' || r == '-' {
			return '_'
		}
		return r
	}, importPath)
	return clean + mark + "p"
}

func (e *emitter) pkg(importPath string) string {
	e.paths[importPath] = true
	return alias(importPath)
}

// call names a function of the support package.
func (e *emitter) call(name string) string { return e.pkg(SupportPath) + "." + name }

func (e *emitter) reject(pos token.Pos, format string, args ...any) {
	panic(unsupported{pos: pos, msg: fmt.Sprintf(format, args...)})
}

func (e *emitter) fresh(name string) string { return e.s.fresh(name) }

// line says where in the cell the next token comes from. The interpreter
// finds imports by the name of the file, so that one has to stay what it is:
// all cells are parts of one file, one after the other.
func (e *emitter) line(n token.Pos) string {
	p := e.s.fset.Position(n)
	if !p.IsValid() {
		return ""
	}
	base, ok := e.s.bases[p.Filename]
	if !ok {
		return "/*line :1:1*/" // a package that is supplied as source
	}
	return fmt.Sprintf("/*line :%d:%d*/", base+p.Line, p.Column)
}

// typeOf is the type of an expression in the instance that is being written.
func (e *emitter) typeOf(x ast.Expr) types.Type {
	return e.sub(e.info.TypeOf(x))
}

func (e *emitter) sub(t types.Type) types.Type {
	return e.env.apply(e.s.types, t)
}

// nameOf is the emitted name of an object that is not local to a function.
func (e *emitter) nameOf(obj types.Object) (string, bool) {
	if n, ok := e.global[obj]; ok {
		return n, true
	}
	n, ok := e.s.global[obj]
	return n, ok
}

// declareGlobal gives a top-level object its emitted name. A variable that is
// declared again with the same type stays the same variable, so functions that
// use it see the new value.
func (e *emitter) declareGlobal(obj types.Object) string {
	if n, ok := e.global[obj]; ok {
		return n
	}
	name := obj.Name()
	if v, ok := obj.(*types.Var); ok {
		before := e.names[name]
		if before == nil {
			before = e.s.names[name]
		}
		if old, ok := before.(*types.Var); ok && types.Identical(old.Type(), v.Type()) {
			if n, ok := e.nameOf(old); ok {
				e.global[obj], e.names[name] = n, obj
				return n
			}
		}
	}
	n := e.fresh(name)
	e.global[obj], e.names[name] = n, obj
	if v, ok := obj.(*types.Var); ok {
		e.globals = append(e.globals, n)
		fmt.Fprintf(&e.decls, "var %s %s\n", n, e.typ(v.Type()))
	}
	return n
}
