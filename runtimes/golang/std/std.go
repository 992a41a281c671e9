// Package std is the standard library as interpreted Go sees it: the compiled
// symbols that the interpreter calls, and the go/types view of the very same
// symbols, made from them by reflection. So the set that the checker knows is
// the set that can run, and neither a toolchain nor export files are needed.
//
// It owns no goroutines. It is the only package that links the interpreter's
// symbol tables, which are large.
package std

import (
	"embed"
	"errors"
	"fmt"
	"go/types"
	"io/fs"
	"maps"
	"path"
	"reflect"
	"sort"
	"strings"

	"github.com/traefik/yaegi/interp"
	"github.com/traefik/yaegi/stdlib"
	yaegisyscall "github.com/traefik/yaegi/stdlib/syscall"
	"github.com/traefik/yaegi/stdlib/unrestricted"
	yaegiunsafe "github.com/traefik/yaegi/stdlib/unsafe"
)

//go:embed src
var sources embed.FS

// ErrNoPackage is returned for an import path that is not available.
var ErrNoPackage = errors.New("package is not available")

// Library is the set of packages of one interpreter.
type Library struct {
	exports map[string]map[string]reflect.Value // import path to name to symbol
	names   map[string]string                   // import path to package name
	mapped  map[reflect.Value][]reflect.Type
	hooks   map[string]map[string]reflect.Value // for the interpreter itself
	conv    *converter
}

// hooks is the path under which the interpreter takes functions of its own:
// the conversions of unsafe.Pointer.
const hooks = "github.com/traefik/yaegi"

// New returns the library: the interpreter's tables, what they lack, and
// extra ("import/path" to name to symbol), which wins.
func New(extra map[string]map[string]reflect.Value) *Library {
	l := &Library{
		exports: map[string]map[string]reflect.Value{},
		names:   map[string]string{},
		mapped:  map[reflect.Value][]reflect.Type{},
		hooks:   map[string]map[string]reflect.Value{},
	}
	for _, table := range []map[string]map[string]reflect.Value{stdlib.Symbols, yaegisyscall.Symbols, unrestricted.Symbols, yaegiunsafe.Symbols, additions(), sorting()} {
		for key, symbols := range table {
			if key == "." {
				if wrappers, ok := symbols["MapTypes"].Interface().(map[reflect.Value][]reflect.Type); ok {
					maps.Copy(l.mapped, wrappers)
				}
				continue
			}
			if strings.HasPrefix(key, "github.com/traefik/") {
				if strings.HasPrefix(key, hooks+"/") && path.Dir(key) == hooks {
					l.hooks[key] = symbols
				}
				continue
			}
			l.add(path.Dir(key), path.Base(key), symbols)
		}
	}
	for p, symbols := range extra {
		l.add(p, path.Base(p), symbols)
	}
	// Packages of which the tables hold nothing but that are supplied as source.
	_ = fs.WalkDir(sources, "src", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			p := strings.TrimPrefix(path.Dir(name), "src/")
			if l.names[p] == "" {
				l.add(p, path.Base(p), nil)
			}
		}
		return err
	})
	l.conv = newConverter(l)
	return l
}

// add puts symbols into a package; the tables themselves are shared by all
// interpreters of the process and stay as they are.
func (l *Library) add(importPath, name string, symbols map[string]reflect.Value) {
	own := l.exports[importPath]
	if own == nil {
		own = make(map[string]reflect.Value, len(symbols))
		l.exports[importPath] = own
		l.names[importPath] = name
	}
	maps.Copy(own, symbols)
}

// Exports is what the interpreter has to use. The doubled slash keeps the
// interpreter from replacing fmt, log and os by copies that are bound to
// its own streams: user code writes to the real descriptors.
func (l *Library) Exports() interp.Exports {
	out := make(interp.Exports, len(l.exports)+1)
	for p, symbols := range l.exports {
		out[p+"//"+l.names[p]] = symbols
	}
	maps.Copy(out, l.hooks)
	out["."] = map[string]reflect.Value{"MapTypes": reflect.ValueOf(l.mapped)}
	return out
}

// Import gives the go/types view of a package. It is made at the first call.
func (l *Library) Import(importPath string) (*types.Package, error) {
	if importPath == "unsafe" {
		return types.Unsafe, nil
	}
	if _, ok := l.exports[importPath]; !ok {
		return nil, fmt.Errorf("import %q: %w", importPath, ErrNoPackage)
	}
	return l.conv.pkg(importPath), nil
}

// Source gives the part of a package that is supplied as Go source, because
// generic functions and types can't be compiled symbols.
func (l *Library) Source(importPath string) (string, bool) {
	entries, err := fs.ReadDir(sources, path.Join("src", importPath))
	if err != nil {
		return "", false
	}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		if text, err := fs.ReadFile(sources, path.Join("src", importPath, e.Name())); err == nil {
			return string(text), true
		}
	}
	return "", false
}

// Paths lists the import paths, sorted.
func (l *Library) Paths() []string {
	out := make([]string, 0, len(l.exports))
	for p := range l.exports {
		out = append(out, p)
	}
	sort.Strings(out)
	return out
}

// Name is the name of the package with an import path.
func (l *Library) Name(importPath string) string {
	if importPath == "unsafe" {
		return "unsafe"
	}
	return l.names[importPath]
}
