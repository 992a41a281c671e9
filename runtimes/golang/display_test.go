package golang_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

// formats are a bundle's but the text, decoded.
func formats(t *testing.T, m wire.Message) map[string]any {
	t.Helper()
	out := map[string]any{}
	for mime, raw := range m.Bundle {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", mime, err)
		}
		if s, ok := v.(string); ok && (strings.HasPrefix(mime, "image/") && mime != "image/svg+xml" || mime == "application/pdf") {
			file, err := base64.StdEncoding.DecodeString(s)
			if err != nil {
				t.Fatalf("%s: %v", mime, err)
			}
			v = string(file[:min(4, len(file))])
		}
		out[mime] = v
	}
	return out
}

func TestFormats(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.run("import (\"hotcell/display\"; \"image\"; \"image/color\")\nm := image.NewRGBA(image.Rect(0, 0, 3, 2))\nm.Set(1, 1, color.White)")
	for _, test := range []struct {
		code string
		want map[string]any
	}{
		{`display.Image(m)`, map[string]any{"image/png": "\x89PNG"}},
		{`display.SVG("<svg/>")`, map[string]any{"image/svg+xml": "<svg/>"}},
		{`display.GIF([]byte("GIF8"))`, map[string]any{"image/gif": "GIF8"}},
		{`display.PDF([]byte("%PDF-"))`, map[string]any{"application/pdf": "%PDF"}},
		{`display.VegaLite(map[string]any{"mark": "bar"})`, map[string]any{"application/vnd.vegalite.v5+json": map[string]any{"mark": "bar"}}},
		{`display.Vega("{\"marks\": []}")`, map[string]any{"application/vnd.vega.v5+json": map[string]any{"marks": []any{}}}},
		{`display.Plotly([]byte("{\"data\": []}"))`, map[string]any{"application/vnd.plotly.v1+json": map[string]any{"data": []any{}}}},
		{
			`display.Bundle(map[string]any{"image/png": m, "text/plain": "p", "application/x+json": []int{1}})`,
			map[string]any{"image/png": "\x89PNG", "text/plain": "p", "application/x+json": []any{1.0}},
		},
		{`display.Value([]int{1})`, map[string]any{"text/plain": "[]int{1}"}},
		{`display.Value(m)`, map[string]any{"text/plain": "*image.RGBA (3 x 2)", "image/png": "\x89PNG"}},
		{`display.Value([]byte("\xff\xd8\xff\xe0"))`, map[string]any{"text/plain": "[]uint8{255, 216, 255, 224}", "image/jpeg": "\xff\xd8\xff\xe0"}},
		{`display.Value(map[string]any{"$schema": "https://vega.github.io/schema/vega-lite/v6.json"})`, map[string]any{
			"text/plain":                       `map[string]interface {}{"$schema": "https://vega.github.io/schema/vega-lite/v6.json"}`,
			"application/vnd.vegalite.v6+json": map[string]any{"$schema": "https://vega.github.io/schema/vega-lite/v6.json"},
		}},
	} {
		o := c.run("if err := " + test.code + "; err != nil { panic(err) }")
		if o.status != "ok" || len(o.display) != 1 {
			t.Errorf("%s: %+v", test.code, o)
			continue
		}
		if d := cmp.Diff(test.want, formats(t, o.display[0])); d != "" {
			t.Errorf("%s: %s", test.code, d)
		}
	}
	for _, code := range []string{
		`display.Image(image.NewRGBA(image.Rect(0, 0, 0, 0)))`, `display.Bundle(map[string]any{"image/jpeg": m})`,
		`display.Vega("no JSON")`, `display.JSON(make(chan int))`,
	} {
		if o := c.run(code); o.status != "ok" || len(o.display) != 0 || o.result == "" {
			t.Errorf("%s: %+v", code, o)
		}
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run(`import "hotcell/display"
display.BundleAs("d", map[string]any{"text/plain": "one"})
display.Update("d", map[string]any{"text/plain": "two"})
display.Clear(true)`)
	if len(o.display) != 3 || o.status != "ok" {
		t.Fatalf("%+v", o)
	}
	first, second, third := o.display[0], o.display[1], o.display[2]
	if first.DisplayID != "d" || first.Update || second.DisplayID != "d" || !second.Update || third.Type != wire.MsgClearOutput || !third.Wait {
		t.Errorf("%+v", o.display)
	}
}

// An image that is the value of a cell is shown, also one of a type of the user's.
func TestImageResult(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, code := range []string{
		"import \"image\"\nimage.NewGray(image.Rect(0, 0, 2, 2))",
		"import \"image/color\"\nvar n image.Image = image.NewUniform(color.Black)\nimage.NewNRGBA(image.Rect(0, 0, 1, 1))",
	} {
		o := c.run(code)
		if got := formats(t, o.value); o.status != "ok" || got["image/png"] != "\x89PNG" || !strings.HasPrefix(o.result, "*image.") {
			t.Errorf("%s: %v %+v", code, got, o)
		}
	}
	o := c.run(`import "hotcell/display"
type tile struct{ size int }
func (t tile) ColorModel() color.Model { return color.GrayModel }
func (t tile) Bounds() image.Rectangle { return image.Rect(0, 0, t.size, t.size) }
func (t tile) At(x, y int) color.Color { return color.Gray{uint8(x * y)} }
if err := display.Image(tile{3}); err != nil { panic(err) }`)
	if o.status != "ok" || len(o.display) != 1 || formats(t, o.display[0])["image/png"] != "\x89PNG" {
		t.Errorf("%+v", o)
	}
	// Without an end, and far too large: the text says what it is.
	if o := c.run("n"); o.status != "ok" || o.result == "" {
		t.Errorf("%+v", o)
	}
}
