package node_test

import (
	"strings"
	"testing"

	"hotcell/internal/wire"
	"hotcell/runtimes/node"
)

func TestTranslate(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for _, test := range []struct{ code, want string }{
		{"1 + 1", "1 + 1"},
		{"'import x from \"y\"'", "'import x from \"y\"'"},
		{"`${'import'} import('x')`", "`${'import'} import('x')`"},
		{"// import x from 'y'", "// import x from 'y'"},
		{"/import (x)/.test(y)", "/import (x)/.test(y)"},
		{"o.import('x')", "o.import('x')"},
		{"({ import(x) { } })", "({ import(x) { } })"},
		{"import('x')", "__hotcell.import('x')"},
		{"f(async () => await import('x'))", "f(async () => await __hotcell.import('x'))"},
		{"import 'x'", "void await __hotcell.named('x', []);"},
		{"import d from 'x';", `const {default: d} = await __hotcell.named('x', ["default"]);`},
		{"import d, * as n from 'x'", `const n = await __hotcell.named('x', ["default"]), {default: d} = n;`},
		{"import {\n  a,\n  b as c,\n} from 'x'\nrest", "const {a, b: c} = await __hotcell.named('x', [\"a\", \"b\"]);\n\n\n\nrest"},
		{"import j from './j.json' with { type: 'json' }", `const {default: j} = await __hotcell.named('./j.json', ["default"], {with: { type: 'json' }});`},
		{"import.meta.url", "__hotcell.meta().url"},
		{"export const a = 1", " const a = 1"},
		{"export { a }; 1", "; 1"},
		{"export default function f() {}", " function f() {}"},
		{"export default 1", "exports.default = 1"},
		{"export * from 'x'", "void await __hotcell.named('x', []);"},
		{"import x from", "import x from"},
		{"a / import('x') / 2", "a / __hotcell.import('x') / 2"},
		{"let a = {}; a / 1; import('x') / 2", "let a = {}; a / 1; __hotcell.import('x') / 2"},
		{"if (x) /import/.test(y); import('z')", "if (x) /import/.test(y); __hotcell.import('z')"},
	} {
		got, fault := r.Translate("javascript", test.code)
		got, _, _ = strings.Cut(got, "\n//# hotcell-source=")
		if fault != nil || got != test.want {
			t.Errorf("%q: %q, want %q", test.code, got, test.want)
		}
	}
}

func TestTypeScript(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, test := range []struct{ code, want string }{
		{"interface P { x: number }\nconst p: P = { x: 1 }\np.x satisfies number", "1"},
		{"enum E { A = 3, B }\nE.B", "4"},
		{"namespace N { export const v = 5 }\nN.v", "5"},
		{"function id<T>(x: T): T { return x }\nid<string>('s')", "'s'"},
		{"import { type Stats, existsSync } from 'node:fs'", ""},
		{"existsSync('/')", "true"},
		{"import type { Stats } from 'node:fs'\n1 as unknown as number", "1"},
		{"class A { constructor(private v: number, readonly w = 2) {} get sum() { return this.v + this.w } }\nnew A(1).sum", "3"},
		{"function twice(f: Function, _: unknown) { return function (this: any) { return f.call(this) * 2 } }\nclass D { @twice m() { return 4 } }\nnew D().m()", "8"},
		{"const v: number = await Promise.resolve(9)\nv!", "9"},
		{"abstract class Q { abstract f(): void }\ntype U = string | number; let u: U = 'x'; u", "'x'"},
		{"'use strict'", "'use strict'"},
		{"(await import('node:os')).EOL as string", `'\n'`},
	} {
		c.begin(wire.Request{Language: "typescript", Code: test.code})
		if o := c.finish(); o.Result != test.want || o.Status != "ok" {
			t.Errorf("%q: %+v", test.code, o)
		}
	}
	c.begin(wire.Request{Language: "typescript", Code: "interface A {\n  a: number\n}\n\ntype B = A\nfunction f(b: B) { if (b) { return 1 } else { return 2 } }\n\nconst t = `a\nb`\n\nnull!.x"})
	if o := c.finish(); !strings.Contains(o.Traceback, ":11:") {
		t.Errorf("the error is in line 11: %s", o.Traceback)
	}
	_, fault := c.runtime.Translate("typescript", "let a: number = 1\nlet b: = 2")
	if fault == nil || fault.Name != "SyntaxError" || !strings.Contains(fault.Traceback, "cell:2:8\nlet b: = 2\n       ^") {
		t.Errorf("%+v", fault)
	}
}

// The compiler drops statements that it has folded to a constant.
func TestTypeScriptKeepsTheLastValue(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, test := range []struct{ code, want string }{
		{"[1].pop(); undefined", ""},
		{"[1].pop()\nundefined", ""},
		{"[1].pop();\nundefined as any; // none\n", ""},
		{"if (true)\nundefined", ""},
		{"[1].pop(); void 0;", ""},
		{"undefined", ""},
		{"1; -1", "-1"},
		{"1\n-1", "0"},
		{"-1", "-1"},
		{"1; !0", "true"},
		{"1 === 1", "true"},
		{"'a' + 'b'", "'ab'"},
		{"typeof undefined", "'undefined'"},
		{"null ?? 1", "1"},
		{"const text = `\n;undefined`; text", "'\\n;undefined'"},
		{"'b; undefined'", "'b; undefined'"},
		{"type None =\nundefined", ""},
		{"2 as number", "2"},
		{"null", "null"},
	} {
		c.begin(wire.Request{Language: "typescript", Code: test.code})
		if o := c.finish(); o.Result != test.want || o.Status != "ok" {
			t.Errorf("%q: %+v", test.code, o)
		}
	}
}

func TestIncomplete(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for code, want := range map[string]bool{
		"function f() {": true, "let x: number = ": true, "if (a": true, "[1, 2": true, "`abc": true, "`${": true, "/* x": true,
		"class A { x": true, "a.": true, "console.log('no'": true, "let b: = 2": false, "'abc": false, ")": false, "let 1": false,
	} {
		if _, fault := r.Translate("typescript", code); fault == nil || fault.Incomplete != want {
			t.Errorf("%q: %+v, want incomplete %t", code, fault, want)
		}
	}
	if _, fault := r.Translate("typescript", "let x: number = 1"); fault != nil {
		t.Errorf("%+v", fault)
	}
}

func FuzzTranslate(f *testing.F) {
	for _, code := range []string{
		"import a, {b as c} from 'x'; import('y')", "export default class {}", "const x: number = `a${1}\nb` as any",
		"a\x00b", "import {", "/[/]/ / import", "enum A { B }", "({}) / 1", "<!-- import\n-->", "#!import\nimport 'x'", "import\r\n'x'\r\n1",
	} {
		f.Add(code, true)
		f.Add(code, false)
	}
	r := node.New(node.Config{Program: "/no/node/is/needed"})
	f.Fuzz(func(t *testing.T, code string, typed bool) {
		language := "javascript"
		if typed {
			language = "typescript"
		}
		got, fault := r.Translate(language, code)
		if fault != nil && !typed {
			t.Fatalf("JavaScript is refused: %+v", fault)
		}
		if fault == nil && !typed && strings.Count(got, "\n") < strings.Count(code, "\n") {
			t.Fatalf("lines are lost: %q became %q", code, got)
		}
	})
}
