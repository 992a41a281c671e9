package node_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCells(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, step := range []struct{ code, want string }{
		{"1+1", "2"},
		{"let x = 41", ""},
		{"x + 1", "42"},
		{"let x = 5; x", "5"},
		{"const k = 1", ""},
		{"const k = 2; k", "2"},
		{"class A { v = 1 }", ""},
		{"class A { v = 2 }; new A()", "A { v: 2 }"},
		{"await Promise.resolve(7)", "7"},
		{"Promise.resolve(7)", "Promise { 7 }"},
		{"null", "null"},
		{"undefined", ""},
		{"", ""},
		{"// nothing", ""},
		{"-0", "-0"},
		{"NaN", "NaN"},
		{"12345678901234567890n", "12345678901234567890n"},
		{"'a\\nb'", `'a\nb'`},
		{"Symbol('s')", "Symbol(s)"},
		{"({a: [1, 2]})", "{ a: [ 1, 2 ] }"},
		{"(function f() {})", "[Function: f]"},
		{"require('node:path').join('a', 'b')", "'a/b'"},
		{"path.basename('/x/y')", "'y'"},
		{"(await import('node:os')).EOL", `'\n'`},
		{"import fs, {readFileSync as read} from 'node:fs'; read === fs.readFileSync", "true"},
		{"typeof read", "'function'"},
		{"import * as url from 'url'\nimport {join} from 'path'\nurl.pathToFileURL(join('/a', 'b')).href", "'file:///a/b'"},
		{"x = 1\r\nx + 1\r\n", "2"},
	} {
		o := c.run(step.code)
		if diff := cmp.Diff(step.want, o.Result); diff != "" || o.Status != "ok" {
			t.Errorf("%q: status %s, %s %s\n%s", step.code, o.Status, o.Name, o.Traceback, diff)
		}
	}
}
