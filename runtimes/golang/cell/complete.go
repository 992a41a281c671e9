package cell

import (
	"go/types"
	"slices"
	"strings"
	"unicode"
)

// Completion is one way to go on.
type Completion struct{ Text, Kind string }

// Complete lists what can stand at a cursor (in code points), and what part of
// the code a choice replaces.
func (s *Session) Complete(code string, cursor int) (list []Completion, start, end int) {
	path, prefix, start, end := wordAt(code, cursor)
	if path == nil {
		list = s.completeName(prefix)
	} else {
		list = s.completeMember(path, prefix)
	}
	slices.SortFunc(list, func(a, b Completion) int { return strings.Compare(a.Text, b.Text) })
	return slices.Compact(list), start, end
}

// wordAt finds the dotted name that ends at the cursor: its first parts, and
// the part that is being written.
func wordAt(code string, cursor int) (path []string, prefix string, start, end int) {
	runes := []rune(code)
	end = min(max(cursor, 0), len(runes))
	start = end
	word := func(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
	for start > 0 && word(runes[start-1]) {
		start--
	}
	prefix = string(runes[start:end])
	for at := start; at > 0 && runes[at-1] == '.'; {
		last := at - 1
		first := last
		for first > 0 && word(runes[first-1]) {
			first--
		}
		if first == last {
			return []string{""}, prefix, start, end // something that is not a name
		}
		path = append([]string{string(runes[first:last])}, path...)
		at = first
	}
	return path, prefix, start, end
}

func (s *Session) completeName(prefix string) []Completion {
	var out []Completion
	add := func(name, kind string) {
		if strings.HasPrefix(name, prefix) && !strings.Contains(name, mark) {
			out = append(out, Completion{name, kind})
		}
	}
	for name, obj := range s.names {
		add(name, kindOf(obj))
	}
	for name := range s.imports {
		add(name, "module")
	}
	if prefix != "" {
		for _, name := range types.Universe.Names() {
			add(name, kindOf(types.Universe.Lookup(name)))
		}
		for kw := range strings.FieldsSeq("break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var") {
			add(kw, "keyword")
		}
		for _, p := range s.lib.Paths() {
			if name := s.lib.Name(p); !strings.Contains(p, "internal") {
				if _, ok := s.unambiguous(name); ok {
					add(name, "module")
				}
			}
		}
	}
	return out
}

func kindOf(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.Func, *types.Builtin:
		return "function"
	case *types.TypeName:
		return "class"
	case *types.Const:
		return "constant"
	case *types.PkgName:
		return "module"
	case *types.Var:
		if obj.IsField() {
			return "property"
		}
	}
	return "instance"
}

func (s *Session) completeMember(path []string, prefix string) []Completion {
	var out []Completion
	add := func(obj types.Object) {
		if name := obj.Name(); strings.HasPrefix(name, prefix) && !strings.Contains(name, mark) {
			out = append(out, Completion{name, kindOf(obj)})
		}
	}
	obj, pkg := s.resolve(path)
	if pkg != nil {
		for _, name := range pkg.Scope().Names() {
			if o := pkg.Scope().Lookup(name); o.Exported() {
				add(o)
			}
		}
		return out
	}
	if obj == nil {
		return nil
	}
	members(obj.Type(), add)
	return out
}

// resolve follows a dotted name.
func (s *Session) resolve(path []string) (types.Object, *types.Package) {
	if len(path) == 0 {
		return nil, nil
	}
	obj := s.names[path[0]]
	path0 := path[0]
	path = path[1:]
	if obj == nil {
		pkg := s.Imported(path0)
		if pkg == nil || len(path) == 0 {
			return nil, pkg
		}
		if obj = pkg.Scope().Lookup(path[0]); obj == nil || !obj.Exported() {
			return nil, nil
		}
		path = path[1:]
	}
	for _, name := range path {
		t := obj.Type()
		pkg := obj.Pkg()
		next, _, _ := types.LookupFieldOrMethod(t, true, pkg, name)
		if next == nil {
			return nil, nil
		}
		obj = next
	}
	return obj, nil
}

// members lists fields and methods, promoted ones too.
func members(t types.Type, add func(types.Object)) {
	foreign := func(obj types.Object) bool { return !obj.Exported() && obj.Pkg() != nil && obj.Pkg().Path() != "main" }
	if !types.IsInterface(t) {
		if _, ok := t.Underlying().(*types.Pointer); !ok {
			t = types.NewPointer(t)
		}
	}
	set := types.NewMethodSet(t)
	for method := range set.Methods() {
		if o := method.Obj(); !foreign(o) {
			add(o)
		}
	}
	var fields func(t types.Type, depth int)
	fields = func(t types.Type, depth int) {
		if p, ok := t.Underlying().(*types.Pointer); ok {
			t = p.Elem()
		}
		st, ok := t.Underlying().(*types.Struct)
		if !ok || depth > 4 {
			return
		}
		for f := range st.Fields() {
			if !foreign(f) {
				add(f)
			}
			if f.Embedded() {
				fields(f.Type(), depth+1)
			}
		}
	}
	fields(t, 0)
}

// Describe says what the name under a cursor is.
func (s *Session) Describe(code string, cursor int) (string, bool) {
	runes := []rune(code)
	at := min(max(cursor, 0), len(runes))
	for at < len(runes) && (runes[at] == '_' || unicode.IsLetter(runes[at]) || unicode.IsDigit(runes[at])) {
		at++
	}
	path, name, _, _ := wordAt(code, at)
	if name == "" {
		return "", false
	}
	obj, pkg := s.resolve(append(path, name))
	qualify := func(p *types.Package) string {
		if p.Path() == "main" {
			return ""
		}
		return p.Name()
	}
	switch {
	case pkg != nil:
		return "package " + pkg.Name() + " (import \"" + pkg.Path() + "\")", true
	case obj == nil:
		if obj = types.Universe.Lookup(name); obj == nil || len(path) > 0 {
			return "", false
		}
	}
	text := types.ObjectString(obj, qualify)
	if tn, ok := obj.(*types.TypeName); ok {
		members(tn.Type(), func(o types.Object) {
			if f, ok := o.(*types.Func); ok {
				text += "\n" + types.ObjectString(f, qualify)
			}
		})
	}
	return text, true
}
