package node_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

// formats lists a bundle's types but the text.
func formats(m wire.Message) string {
	var out []string
	for t := range m.Bundle {
		if t != "text/plain" {
			out = append(out, t)
		}
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

func TestPictures(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, test := range []struct{ code, formats, part string }{
		{`Buffer.from('iVBORw0KGgoAAAA=', 'base64')`, "image/png", "iVBORw0KGgoAAAA="},
		{`new Uint8Array([255, 216, 255, 224])`, "image/jpeg", "/9j/4A=="},
		{`new Uint8Array(new Uint8Array([0, 71, 73, 70, 56, 57, 97]).buffer, 1)`, "image/gif", "R0lGODlh"},
		{`Buffer.from('RIFF\x01\x02\x03\x04WEBPVP8 ', 'latin1')`, "image/webp", "UklGRgECAwRXRUJQVlA4IA=="},
		{`Buffer.from('%PDF-1.7')`, "application/pdf", "JVBERi0xLjc="},
		{`Buffer.from('plain')`, "", ""},
		{`Buffer.alloc(0)`, "", ""},
		{`({$schema: 'https://vega.github.io/schema/vega-lite/v5.json', mark: 'bar'})`, "application/vnd.vegalite.v5+json", `"mark":"bar"`},
		{`({$schema: 'https://vega.github.io/schema/vega/v6.1.json', marks: []})`, "application/vnd.vega.v6+json", `"marks":[]`},
		{`({$schema: 'https://json-schema.org/draft'})`, "", ""},
		{`({data: [{type: 'bar', x: [1], y: [2]}], layout: {title: 'é'}})`, "application/vnd.plotly.v1+json", `"title":"é"`},
		{`({data: [{y: [2]}], layout: {}})`, "application/vnd.plotly.v1+json", `"y":[2]`},
		{`({data: [{id: 1}], layout: {}})`, "", ""},
		{`({data: [1], layout: {}})`, "", ""},
		{`({data: [], layout: null})`, "", ""},
		{`({get data() { throw 1 }, layout: {}})`, "", ""},
		{`new Proxy({}, {get() { throw new Error('looked') }})`, "", ""},
		{`'<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>\n'`, "image/svg+xml", "<g/>"},
		{`'<?xml version="1.0"?>\n<!-- made --><svg></svg>'`, "image/svg+xml", "<svg></svg>"},
		{`'<!DOCTYPE html><p>x'`, "text/html", "<p>x"},
		{`'<b>x</b>'`, "", ""},
		{`'<svg> is a tag'`, "", ""},
		{`new (class { get outerHTML() { return '<svg class="plot"></svg>' } })()`, "image/svg+xml", "plot"},
		{`({outerHTML: '<figure></figure>'})`, "text/html", "<figure>"},
		{`({outerHTML: 1})`, "", ""},
		{`({get outerHTML() { throw new Error('no') }})`, "", ""},
		{`({getContext() {}, toBuffer: (type) => Buffer.from(type)})`, "image/png", "aW1hZ2UvcG5n"},
		{`({toMimeBundle: () => ({'image/png': Buffer.from('x'), 'text/html': undefined})})`, "image/png", "eA=="},
		{`({'image/svg+xml': '<svg/>', 'text/plain': 'drawn'})`, "image/svg+xml", "<svg/>"},
		{`({'image/svg+xml': '<svg/>', 'text/plain': 'drawn'}, {raw: false})`, "", ""},
		{`({'a/b': 1, c: 2})`, "", ""},
		{`(() => { const o = {$schema: 'https://vega.github.io/schema/vega-lite/v5.json'}; o.loop = o; return o })()`, "", ""},
	} {
		o := c.run("display(" + strings.Replace(test.code, "}, {raw: false})", "}), {raw: false}", 1) + ")")
		if o.Status != "ok" || len(o.Messages) != 1 {
			t.Fatalf("%s: %+v", test.code, o)
		}
		m := o.Messages[0]
		if d := cmp.Diff(test.formats, formats(m)); d != "" || plainText(m) == "" {
			t.Errorf("%s: %q %s", test.code, plainText(m), d)
		}
		if got := string(m.Bundle[test.formats]); !strings.Contains(got, test.part) {
			t.Errorf("%s: %s", test.code, got)
		}
	}
}
