package node_test

import (
	"strings"
	"testing"

	"hotcell/internal/wire"
)

func TestErrors(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for i, test := range []struct{ code, name, value, traceback string }{
		{"throw new Error('boom')", "Error", "boom", "Error: boom\n    at cell:1:1:7"},
		{"function f() {\n  null.x\n}\nf()", "TypeError", "Cannot read properties of null (reading 'x')", "at f (cell:2:2:8)\n    at cell:2:4:1"},
		{"let z = ;", "SyntaxError", "Unexpected token ';'", "cell:3:1\nlet z = ;\n        ^\n\nSyntaxError: Unexpected token ';'"},
		{"throw 1", "Uncaught", "1", "Uncaught 1\n    at cell:4:1:1"},
		{"throw null", "Uncaught", "null", "Uncaught null"},
		{"throw {toString() { throw 1 }}", "Uncaught", "{ toString: [Function: toString] }", "Uncaught"},
		{"throw new Proxy({}, {get() { throw 1 }, getPrototypeOf() { throw 2 }})", "Uncaught", "{}", "Uncaught"},
		{"throw new Error('outer', {cause: new TypeError('inner')})", "Error", "outer", "[cause]: TypeError: inner"},
		{"throw new AggregateError([new Error('a'), new Error('b')], 'many')", "AggregateError", "many", "Error: b"},
		{"throw Object.assign(new Error('x'), {code: 'E1'})", "Error", "x", "cell:10:1:21 {\n  code: 'E1'\n}"},
		{"class E extends Error { get message() { throw 1 } }; throw new E()", "Error", "[message raises: 1]", ""},
		{"await Promise.reject(new RangeError('r'))", "RangeError", "r", "at cell:12:1:22"},
		{"JSON.parse('{')", "SyntaxError", "", "at JSON.parse"},
		{"import {nope} from 'fs'", "SyntaxError", "The requested module 'fs' does not provide an export named 'nope'", ""},
		{"a\x00b", "SyntaxError", "Invalid or unexpected token", ""},
		{"throw new Error('x'.repeat(5e6))", "Error", "", ""},
	} {
		o := c.run(test.code)
		if o.Status != "error" || o.Name != test.name || !strings.Contains(o.Value, test.value) || !strings.Contains(o.Traceback, test.traceback) {
			t.Errorf("%d %q: %s %q %q %q", i, test.code, o.Status, o.Name, o.Value, o.Traceback)
		}
		for _, internal := range []string{"node:", "main.cjs", "matching cause"} {
			if strings.Contains(o.Traceback, internal) {
				t.Errorf("%q: the traceback shows %q: %s", test.code, internal, o.Traceback)
			}
		}
	}
	o := c.run(`setTimeout(() => { throw new Error('late') }, 1); Promise.reject(new Error('unhandled')); await new Promise(r => setTimeout(r, 20)); 'on'`)
	if o.Result != "'on'" {
		t.Errorf("%+v", o)
	}
	c.await(&c.stderr, "Uncaught Error: late")
	c.await(&c.stderr, "Uncaught (in promise) Error: unhandled")
}

// A traceback shows the line as it was written.
func TestSourceLines(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, test := range []struct{ language, code, traceback string }{
		{"javascript", "globalThis.kept = 1;\nnull.property", "(reading 'property')\n    at cell:1:2:6\n\n  2 | null.property\n           ^"},
		{"typescript", "type A = 1\nfunction f(b: string) {\n  throw new Error('x' + b);\n}\nf('y')", "at f (cell:2:3:7)\n    at cell:2:5:1\n\n  3 |   throw new Error('x' + b);"},
		{"typescript", "null!.property as number", "\n\n  1 | null!.property as number"},
		{"javascript", "import {join} from 'path'; join(1)", "\n\n  1 | import {join} from 'path'; join(1)"},
		{"javascript", "throw 1", "Uncaught 1\n    at cell:5:1:1\n\n  1 | throw 1\n      ^"},
		{"javascript", "f('z')", "at f (cell:2:3:7)\n    at cell:6:1:1\n\n  3 |   throw new Error('x' + b);"},
	} {
		c.begin(wire.Request{Language: test.language, Code: test.code})
		if o := c.finish(); !strings.HasSuffix(o.Traceback, test.traceback) {
			t.Errorf("%q: %s", test.code, o.Traceback)
		}
	}
}

func TestLargeInput(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if o := c.run("'" + strings.Repeat("x", 5<<20) + "'.length"); o.Result != "5242880" {
		t.Errorf("%+v", o)
	}
	if o := c.run("display({'text/plain': 'x'.repeat(70e6)}, {raw: true})"); o.Name != "FrameTooLarge" {
		t.Errorf("%s: %.200s", o.Name, o.Value)
	}
	if o := c.run(`"\ud800"`); o.Status != "ok" {
		t.Errorf("%+v", o)
	}
}

// Whatever a cell breaks, the next ones are told truthfully.
func TestHostileCells(t *testing.T) {
	t.Parallel()
	for _, code := range []string{
		"JSON = null; Promise = null; console = null; Error = null; Buffer = null; process = null",
		"for (const name of Object.getOwnPropertyNames(globalThis)) try { delete globalThis[name] } catch {}",
		"Array.prototype[Symbol.iterator] = null; Promise.prototype.then = null; String.prototype.slice = null; RegExp.prototype.exec = null",
		"Object.prototype.toJSON = () => 1; Object.defineProperty(Object.prototype, 'type', {get() { return 'x' }, set() { throw 1 }})",
		"Function.prototype.call = Function.prototype.apply = Function.prototype.bind = null; Map.prototype.get = Map.prototype.set = null",
		"fs.writeSync = null; require('util').inspect = null; require('events').prototype.emit = null; require('worker_threads').MessagePort.prototype.postMessage = null",
		"Object.freeze(Error); Object.freeze(Object.prototype); Error.stackTraceLimit = 0",
		"Error.prepareStackTrace = () => { throw 1 }",
		"process.stdout.write = null; process.exit = null; process.removeAllListeners()",
	} {
		c := newClient(t)
		c.run(code)
		if o := c.run("({a: 1})"); o.Result != "{ a: 1 }" || o.Status != "ok" {
			t.Errorf("%s: %+v", code, o)
		}
		if o := c.run("throw new (class extends TypeError {})('x')"); o.Status != "error" {
			t.Errorf("%s: %+v", code, o)
		}
		if o := c.run("await 5"); o.Result != "5" {
			t.Errorf("%s: %+v", code, o)
		}
	}
}
