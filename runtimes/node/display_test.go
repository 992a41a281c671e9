package node_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

func TestDisplay(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	o := c.run(`console.log('before'); display({a: 1}); display({'text/html': '<b>x</b>', 'application/json': {n: 1}}, {raw: true, displayId: 'd', metadata: {m: 1}});
		display(2, {displayId: 'd', update: true}); clearOutput({wait: true}); ({toMimeBundle() { return {'text/html': 'own'} }})`)
	var got []string
	for _, m := range o.Messages {
		html, json := string(m.Bundle["text/html"]), string(m.Bundle["application/json"])
		got = append(got, strings.Join([]string{m.Type, plainText(m), html, json, m.DisplayID, string(m.Metadata)}, "|"))
		if !m.Ack {
			t.Errorf("no ack is wanted for %+v", m)
		}
	}
	want := []string{
		"display|{ a: 1 }||||", `display||"<b>x</b>"|{"n":1}|d|{"m":1}`, "display|2|||d|", "clear_output|||||",
	}
	if diff := cmp.Diff(want, got); diff != "" || o.Status != "ok" {
		t.Errorf("%s %s", o.Traceback, diff)
	}
	if !o.Messages[2].Update || !o.Messages[3].Wait {
		t.Errorf("%+v", o.Messages)
	}
	// Between cells there is nobody to show it to.
	c.run("setTimeout(() => display('late'), 1)")
	c.await(&c.stdout, "'late'")
}

func TestPrompt(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	if o := c.run("prompt('name? ')"); o.Result != "null" {
		t.Errorf("%+v", o)
	}
	c.begin(wire.Request{Code: "[prompt('name? '), prompt('secret', {password: true}), prompt()]", Stdin: true})
	for _, answer := range []wire.Request{{Value: "Ann\u00e9"}, {Value: ""}, {EOF: true}} {
		o := c.finish()
		if len(o.Messages) != 1 || o.Messages[0].Type != wire.MsgInputRequest {
			t.Fatalf("%+v", o)
		}
		answer.Type = wire.ReqInput
		c.send(answer)
	}
	if o := c.finish(); o.Result != "[ 'Ann\u00e9', '', null ]" {
		t.Errorf("%+v", o)
	}
	c.begin(wire.Request{Code: "prompt('name? ')", Stdin: true})
	c.finish()
	c.interrupt()
	if o := c.finish(); o.Status != "interrupted" {
		t.Errorf("%+v", o)
	}
	if o := c.run("6 * 7"); o.Result != "42" {
		t.Errorf("%+v", o)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	o := c.run("let a = 1; const b = 2; class C {}; function f() {}; var v = 1; implicit = 1; import x from 'node:fs'")
	if diff := cmp.Diff([]string{"a", "b", "C", "x", "f", "v", "implicit"}, o.Names); diff != "" {
		t.Error(diff)
	}
	if o = c.run("for (let i = 0; i < 500; i++) globalThis['g' + i] = i"); len(o.Names) != 200 || o.More != 307 {
		t.Errorf("%d names and %d more", len(o.Names), o.More)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.run("const café = {nested: {deep: 1}, get trap() { throw 1 }}; function add(a, b = 2) { return a + b }; class Cat { purr() {} }")
	ask := func(kind, code string, cursor, detail int) wire.Message {
		c.send(wire.Request{Type: kind, ID: "q", Code: code, Cursor: cursor, Detail: detail})
		return c.next()
	}
	for _, test := range []struct {
		code   string
		cursor int
		start  int
		want   string
	}{
		{"caf", 3, 0, "café"},
		{"'🐈'; café.ne", 12, 10, "nested"},
		{"café.nested.de + 1", 14, 12, "deep"},
		{"café['nested'].", 15, 15, "deep"},
		{"process.std", 11, 8, "stdout"},
		{"whi", 3, 0, "while"},
		{"new Cat().pu", 12, 10, ""},
		{"café.trap.x", 11, 10, ""},
	} {
		m := ask(wire.ReqComplete, test.code, test.cursor, 0)
		found := test.want == ""
		for _, match := range m.Matches {
			found = found || match.Text == test.want
		}
		if !found || m.Type != wire.MsgCompleteReply || m.Start != test.start || m.End != test.cursor || (test.want == "" && len(m.Matches) > 0) {
			t.Errorf("%q: %+v", test.code, m)
		}
	}
	for _, test := range []struct {
		code           string
		cursor, detail int
		want           string
	}{
		{"add(1)", 1, 0, "add: function\nfunction add(a, b = 2)"},
		{"add(1)", 2, 1, "add: function\nfunction add(a, b = 2) { return a + b }"},
		{"Cat", 3, 0, "Cat: class\nclass Cat "},
		{"parseInt", 8, 0, "parseInt: function, built in, 2 parameters"},
		{"café.nested", 8, 1, "nested: object\n{ deep: 1 }"},
		{"nothing", 3, 0, ""},
		{"café.trap", 9, 0, ""},
	} {
		m := ask(wire.ReqInspect, test.code, test.cursor, test.detail)
		if m.Found != (test.want != "") || (m.Found && plainText(m) != test.want) {
			t.Errorf("%q: %v %q", test.code, m.Found, plainText(m))
		}
	}
	for code, want := range map[string]string{
		"1 + 1": "complete", "await x": "complete", "if (x) {": "incomplete", "`a": "incomplete", "f(": "incomplete",
		"let = =": "invalid", "}": "invalid", "async () => { await f(": "incomplete", "": "complete",
	} {
		if m := ask(wire.ReqIsComplete, code, 0, 0); m.Status != want {
			t.Errorf("%q: %s, want %s", code, m.Status, want)
		}
	}
}
