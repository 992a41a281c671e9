package node

import (
	"strconv"
	"strings"

	"github.com/tdewolff/parse/v2/js"
)

// rewriteModules replaces what only stands in modules.
//
//	import d, {a as b} from "x"   const {default: d, a: b} = await __hotcell.named("x", ["default", "a"]);
//	import(x)                     __hotcell.import(x)
//	import.meta                   __hotcell.meta()
//	export const x = 1            const x = 1
//	export default x              exports.default = x
func rewriteModules(code string) string {
	all, ok := tokenize(code)
	if !ok {
		return code
	}
	m := modules{code: code, tokens: make([]token, 0, len(all))}
	for _, t := range all {
		if !t.blank() {
			m.tokens = append(m.tokens, t)
		}
	}
	for i := 0; i < len(m.tokens); i++ {
		if i > 0 && (m.tokens[i-1].kind == js.DotToken || m.tokens[i-1].kind == js.OptChainToken) {
			continue
		}
		switch m.tokens[i].kind {
		case js.ImportToken:
			i = m.imported(i)
		case js.ExportToken:
			i = m.exported(i)
		default:
		}
	}
	m.out.WriteString(code[m.copied:])
	return m.out.String()
}

// modules is one rewriting. A method takes the index of the token that it
// looks at and returns that of the last one that it has replaced.
type modules struct {
	code   string
	tokens []token // without blank ones
	out    strings.Builder
	copied int // how much of code is in out
}

// at returns a token, or one of no kind behind the end.
func (m *modules) at(i int) token {
	if i < len(m.tokens) {
		return m.tokens[i]
	}
	return token{kind: js.ErrorToken, start: len(m.code)}
}

// replace puts text in the place of tokens first to last, and keeps the number
// of lines.
func (m *modules) replace(first, last int, text string) {
	from, to := m.at(first).start, m.at(last).end()
	m.out.WriteString(m.code[m.copied:from])
	m.out.WriteString(text)
	m.out.WriteString(strings.Repeat("\n", max(0, strings.Count(m.code[from:to], "\n")-strings.Count(text, "\n"))))
	m.copied = to
}

func (m *modules) imported(i int) int {
	switch next := m.at(i + 1); {
	case next.kind == js.OpenParenToken:
		if m.at(m.closing(i+1)+1).kind != js.OpenBraceToken || m.at(i).depth == 0 {
			m.replace(i, i, "__hotcell.import")
		} // else a method of that name
		return i
	case next.kind == js.DotToken && m.at(i+2).text == "meta":
		m.replace(i, i+2, "__hotcell.meta()")
		return i + 2
	case m.at(i).depth > 0:
		return i
	}
	c, last, ok := m.clause(i + 1)
	if !ok {
		return i
	}
	m.replace(i, last, c.statement())
	return last
}

func (m *modules) exported(i int) int {
	if m.at(i).depth > 0 {
		return i
	}
	switch next := m.at(i + 1); next.kind {
	case js.DefaultToken:
		named := m.at(i + 2)
		after := i + 3
		if named.kind == js.AsyncToken {
			named, after = m.at(after), after+1
		}
		if m.at(after).kind == js.MulToken {
			after++
		}
		if (named.kind == js.FunctionToken || named.kind == js.ClassToken) &&
			js.IsIdentifier(m.at(after).kind) && m.at(after).kind != js.ExtendsToken {
			m.replace(i, i+1, "")
		} else {
			m.replace(i, i+1, "exports.default =")
		}
		return i + 1
	case js.OpenBraceToken, js.MulToken:
		if c, last, ok := m.clause(i + 1); ok {
			c.locals = nil
			c.namespace = ""
			m.replace(i, last, c.statement())
			return last
		}
		if next.kind == js.OpenBraceToken {
			last := m.terminated(m.closing(i + 1))
			m.replace(i, last, ";")
			return last
		}
		return i
	default:
		m.replace(i, i, "")
		return i
	}
}

// clause is what stands between import and its end.
type clause struct {
	specifier string // with its quotes
	options   string // {type: "json"}
	namespace string
	names     []string // quoted
	locals    []string // "a: b", one for each of names
}

// statement is the clause as V8 takes it.
func (c clause) statement() string {
	var b strings.Builder
	pattern := "{" + strings.Join(c.locals, ", ") + "}"
	switch {
	case c.namespace != "":
		b.WriteString("const " + c.namespace + " = ")
	case len(c.locals) > 0:
		b.WriteString("const " + pattern + " = ")
	default:
		b.WriteString("void ")
	}
	b.WriteString("await __hotcell.named(" + c.specifier + ", [" + strings.Join(c.names, ", ") + "]")
	if c.options != "" {
		b.WriteString(", {with: " + c.options + "}")
	}
	b.WriteString(")")
	if c.namespace != "" && len(c.locals) > 0 {
		b.WriteString(", " + pattern + " = " + c.namespace)
	}
	b.WriteString(";")
	return b.String()
}

// clause reads one, and returns the index of its last token.
func (m *modules) clause(i int) (c clause, last int, ok bool) {
	if m.at(i).kind != js.StringToken {
		if i, ok = m.bindings(&c, i); !ok || m.at(i).text != "from" {
			return c, 0, false
		}
		i++
	}
	if m.at(i).kind != js.StringToken {
		return c, 0, false
	}
	c.specifier = m.at(i).text
	if next := m.at(i + 1); (next.kind == js.WithToken || next.text == "assert") && m.at(i+2).kind == js.OpenBraceToken {
		end := m.closing(i + 2)
		c.options = m.code[m.at(i+2).start:m.at(end).end()]
		i = end
	}
	return c, m.terminated(i), true
}

// bindings reads what is before from, and returns the index behind it.
func (m *modules) bindings(c *clause, i int) (int, bool) {
	if t := m.at(i); js.IsIdentifier(t.kind) {
		c.add(`"default"`, "default", t.text)
		i++
		if m.at(i).kind != js.CommaToken {
			return i, true
		}
		i++
	}
	switch m.at(i).kind {
	case js.MulToken:
		if m.at(i+1).text != "as" {
			return i + 1, true // export * from
		}
		c.namespace = m.at(i + 2).text
		return i + 3, true
	case js.OpenBraceToken:
		return m.list(c, i+1)
	default:
		return 0, false
	}
}

// list reads the names between braces.
func (m *modules) list(c *clause, i int) (int, bool) {
	for m.at(i).kind != js.CloseBraceToken {
		name := m.at(i)
		if name.kind != js.StringToken && !js.IsIdentifierName(name.kind) {
			return 0, false
		}
		local := name
		i++
		if m.at(i).text == "as" {
			local = m.at(i + 1)
			i += 2
		}
		quoted := name.text
		if name.kind != js.StringToken {
			quoted = strconv.Quote(name.text)
		}
		c.add(quoted, name.text, local.text)
		if m.at(i).kind == js.CommaToken {
			i++
		} else if m.at(i).kind != js.CloseBraceToken {
			return 0, false
		}
	}
	return i + 1, true
}

func (c *clause) add(quoted, name, local string) {
	c.names = append(c.names, quoted)
	if name == local {
		c.locals = append(c.locals, name)
	} else {
		c.locals = append(c.locals, name+": "+local)
	}
}

// closing returns the index of the bracket that closes the one at i, or the
// last index.
func (m *modules) closing(i int) int {
	depth := m.at(i).depth
	for k := i + 1; k < len(m.tokens); k++ {
		if m.tokens[k].depth == depth {
			switch m.tokens[k].kind {
			case js.CloseBraceToken, js.CloseParenToken, js.CloseBracketToken:
				return k
			default:
			}
		}
	}
	return len(m.tokens) - 1
}

// terminated includes the semicolon behind i, if there is one.
func (m *modules) terminated(i int) int {
	if m.at(i+1).kind == js.SemicolonToken {
		return i + 1
	}
	return i
}
