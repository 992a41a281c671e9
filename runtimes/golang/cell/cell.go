// Package cell turns a notebook cell of real Go into Go that the interpreter
// can be trusted with.
//
// A [Session] remembers what earlier cells declared. [Session.Compile] splits
// a cell into declarations and statements, checks it with go/types against
// that memory, and writes it out again as plain declarations plus one
// function: constants folded, generics instantiated, loops over integers and
// functions spelled out, variables of the cell's top level made globals with
// names of their own. Only the new cell is looked at; earlier ones cost nothing.
//
// The package knows nothing of the interpreter. It has no goroutines, and a
// Session belongs to one goroutine at a time.
package cell

import (
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Library gives packages to check against.
type Library interface {
	// Import gives the compiled part of a package.
	Import(path string) (*types.Package, error)
	// Source gives the part of it that is Go source, if any.
	Source(path string) (string, bool)
	// Paths lists what can be imported.
	Paths() []string
	// Name is a package's own name.
	Name(path string) string
}

// Session is the memory of what cells have declared.
type Session struct {
	lib     Library
	fset    *token.FileSet
	cells   int
	sorted  []string // the keys of names; nil when they have changed
	serial  int
	names   map[string]types.Object // what a top-level name means now
	imports map[string]string       // name to path
	loaded  map[string]*types.Package
	global  map[types.Object]string // emitted names
	origins map[types.Object]*origin
	insts   map[string]string // instances: key to emitted name
	sources map[string]string // the text of each cell, for tracebacks
	bases   map[string]int    // the line before each cell's first, when all are one file
	order   []string          // names of cells by their base
	lines   int
	byName  map[string][]string
	types   *types.Context
	// concretes are the types with methods, oldest first.
	concretes []types.Type
}

// origin is the declaration behind a generic function or type.
type origin struct {
	info    *types.Info
	fn      *ast.FuncDecl
	spec    *ast.TypeSpec
	methods []*ast.FuncDecl
}

// NewSession returns a session in which nothing is declared.
func NewSession(lib Library) *Session {
	return &Session{
		lib:     lib,
		fset:    token.NewFileSet(),
		names:   map[string]types.Object{},
		imports: map[string]string{},
		loaded:  map[string]*types.Package{},
		global:  map[types.Object]string{},
		origins: map[types.Object]*origin{},
		insts:   map[string]string{},
		sources: map[string]string{},
		bases:   map[string]int{},
		lines:   firstLine,
		types:   types.NewContext(),
	}
}

// Program is a compiled cell.
type Program struct {
	Name    string   // of the cell, as it stands in positions
	Source  string   // a file for the interpreter
	Func    string   // the function in it that runs the cell; empty when there is nothing to run
	Imports []Import // needed before the source is read
	Globals []string // emitted names of the variables that the cell declares
	Passing bool     // nothing of it can run or be named once it has ended: see [Session.Forget]

	commit func()
	pos    token.Pos // in the file of the cell
}

// Commit makes what the cell declared visible to the cells after it. It is
// called once the interpreter has accepted the source.
func (p *Program) Commit() { p.commit() }

// Names lists the user's top-level names, sorted.
func (s *Session) Names() []string {
	if s.sorted == nil {
		s.sorted = slices.Sorted(maps.Keys(s.names))
	}
	return s.sorted
}

// Lookup says what a top-level name means and what the emitted name of it is.
func (s *Session) Lookup(name string) (types.Object, string) {
	obj := s.names[name]
	if obj == nil {
		return nil, ""
	}
	return obj, s.global[obj]
}

// Imported gives the package behind a package name that cells have imported,
// or, failing that, that can only mean one package.
func (s *Session) Imported(name string) *types.Package {
	path, ok := s.imports[name]
	if !ok {
		if path, ok = s.unambiguous(name); !ok {
			return nil
		}
	}
	pkg, err := s.load(path)
	if err != nil {
		return nil
	}
	return pkg
}

// ImportedNames lists the package names that cells have imported.
func (s *Session) ImportedNames() []string { return slices.Sorted(maps.Keys(s.imports)) }

// Text gives the source of a cell by the name that stands in positions.
func (s *Session) Text(name string) (string, bool) {
	t, ok := s.sources[name]
	return t, ok
}

// firstLine is above the line numbers of what is no cell.
const firstLine = 1 << 20

// enroll gives a cell its place among all cells.
func (s *Session) enroll(name, code string) {
	s.sources[name] = code
	s.bases[name] = s.lines
	s.order = append(s.order, name)
	s.lines += strings.Count(code, "\n") + 2
}

// Place turns a line of the file that all cells are together into a cell and a
// line of it.
func (s *Session) Place(line int) (name string, at int, ok bool) {
	i, found := slices.BinarySearchFunc(s.order, line, func(n string, l int) int { return s.bases[n] - l })
	if found {
		return "", 0, false // the line before a cell
	}
	if i == 0 {
		return "", 0, false
	}
	name = s.order[i-1]
	return name, line - s.bases[name], true
}

// mark stands in every name that we make, so that none can be the user's. It
// is a letter to the scanner, and nobody's keyboard has it.
const mark = "ʹ"

func (s *Session) fresh(name string) string {
	s.serial++
	return name + mark + strconv.Itoa(s.serial)
}
