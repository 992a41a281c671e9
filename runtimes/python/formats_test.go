package python_test

import (
	"encoding/base64"
	"image"
	"image/png"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

// pictured are the formats of the pictures that a cell has shown, and "data"
// where a chart's were with them.
func pictured(r *run) []string {
	var all []string
	for _, m := range r.messages {
		var has []string
		for _, f := range []struct{ mime, name, begins string }{
			{"image/png", "png", "iVBORw0KGgo"},
			{"image/jpeg", "jpeg", "/9j/"},
			{"image/svg+xml", "svg", "<?xml"},
			{"application/pdf", "pdf", "JVBERi"},
		} {
			if strings.HasPrefix(text(m, f.mime), f.begins) {
				has = append(has, f.name)
			}
		}
		if m.Bundle["application/vnd.hotcell.chart+json"] != nil {
			has = append(has, "data")
		}
		if len(has) > 0 {
			all = append(all, strings.Join(has, " "))
		}
	}
	return all
}

func TestFormats(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import matplotlib.pyplot as plt")
	for _, c := range []struct {
		name, code string
		formats    []string
		want       []string
	}{
		{"nothing", "plt.plot([1]); plt.show()", nil, []string{"png data"}},
		{"svg", "plt.plot([1]); plt.show()", []string{"svg"}, []string{"png svg data"}},
		{"both", "plt.plot([1]);", []string{"svg", "pdf"}, []string{"png svg pdf data"}},
		{"display and value", "fig, ax = plt.subplots(); display(fig)\nfig", []string{"svg"}, []string{"png svg data", "png svg data"}},
		{"not for the next cell", "display(fig)", nil, []string{"png data"}},
		{"an unknown one", "display(fig)", []string{"webp"}, []string{"png data"}},
		{"no figure", "1", []string{"svg"}, nil},
		{"chosen in the context", "%config InlineBackend.figure_formats = ['svg', 'jpeg']\nplt.plot([1]); plt.show()", nil, []string{"jpeg svg data"}},
		{"that stays", "fig, ax = plt.subplots(); ax.plot([1]); display(fig)", nil, []string{"jpeg svg data"}},
		{"and one more", "plt.plot([1]); plt.show()", []string{"pdf"}, []string{"jpeg svg pdf data"}},
		{"chosen by a function", "from matplotlib_inline.backend_inline import set_matplotlib_formats\nset_matplotlib_formats('png')\nplt.plot([1]); plt.show()", nil, []string{"png data"}},
		{"twice the size", "%config InlineBackend.figure_format = 'retina'\nplt.plot([1]); plt.show()", nil, []string{"png data"}},
	} {
		r := k.request(wire.Request{Code: c.code, Formats: c.formats})
		if d := cmp.Diff(c.want, pictured(r)); d != "" || r.done.Status != "ok" {
			t.Errorf("%s: %s %+v", c.name, d, r.first(wire.MsgError))
		}
		if c.name == "twice the size" && !strings.Contains(string(r.messages[0].Metadata), `"image/png":{"`) {
			t.Errorf("it doesn't say how large it is to be shown: %s", r.messages[0].Metadata)
		}
	}
}

// TestBundles shows what objects offer, in every format that they offer it in.
func TestBundles(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok(`from IPython.display import *
import base64
from PIL import Image as Picture
class All:
    def __repr__(self): return 'all'
    def _repr_html_(self): return '<b>'
    def _repr_markdown_(self): return '*b*'
    def _repr_latex_(self): return '$b$'
    def _repr_svg_(self): return '<svg/>'
    def _repr_png_(self): return b'png'
    def _repr_jpeg_(self): return b'jpeg'
    def _repr_pdf_(self): return b'pdf'
    def _repr_json_(self): return {'b': [1, float('nan')]}
    def _repr_javascript_(self): return 'b()'
class Vendor:
    def _repr_mimebundle_(self, **_): return {'application/vnd.other+json': {'a': 1}, 'text/plain': 'v'}`)
	for code, want := range map[string]map[string]string{
		"All()": {
			"text/plain": `"all"`, "text/html": `"<b>"`, "text/markdown": `"*b*"`, "text/latex": `"$b$"`, "image/svg+xml": `"<svg/>"`,
			"image/png": `"cG5n"`, "image/jpeg": `"anBlZw=="`, "application/pdf": `"cGRm"`, "application/json": `{"b":[1,null]}`, "application/javascript": `"b()"`,
		},
		"Vendor()":                   {"application/vnd.other+json": `{"a":1}`, "text/plain": `"v"`},
		"HTML('<i>')":                {"text/html": `"<i>"`},
		"Markdown('# h')":            {"text/markdown": `"# h"`},
		"Latex('$x$')":               {"text/latex": `"$x$"`},
		"Math('x')":                  {"text/latex": `"$\\displaystyle x$"`},
		"SVG('<svg><g/></svg>')":     {"image/svg+xml": `"<svg><g/></svg>"`},
		"JSON({'a': 1})":             {"application/json": `{"a":1}`},
		"Javascript('f()')":          {"application/javascript": `"f()"`},
		"Image(b'x', format='jpeg')": {"image/jpeg": `"eA=="`},
	} {
		m := k.ok(code).first(wire.MsgResult)
		for mime, value := range want {
			if got := string(m.Bundle[mime]); got != value {
				t.Errorf("%s: %s is %s, want %s", code, mime, got, value)
			}
		}
	}
	// Pillow's pictures: what arrives is decoded here.
	m := k.ok("Picture.new('RGB', (3, 2), (255, 0, 0))").first(wire.MsgResult)
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(text(m, "image/png"))))
	if err != nil {
		t.Fatal(err)
	}
	if r, g, b, _ := picture.At(2, 1).RGBA(); picture.Bounds().Max != image.Pt(3, 2) || r != 0xffff || g+b != 0 {
		t.Errorf("%v: %d %d %d", picture.Bounds(), r, g, b)
	}
}
