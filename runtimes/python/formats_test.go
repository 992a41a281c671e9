package python_test

import (
	"slices"
	"strings"
	"testing"
	"time"

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

// BenchmarkFormats is what a new context's first figure costs in each format.
func BenchmarkFormats(b *testing.B) {
	closeBench(benchKernel(b))
	const code = "import matplotlib.pyplot as plt; plt.plot([1, 2, 4, 8]); plt.show()"
	for _, formats := range [][]string{{"png"}, {"svg"}, {"pdf"}} {
		b.Run(formats[0], func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				k := benchKernel(b)
				exchangeBench(b, k, wire.Request{Type: wire.ReqConfigure}, wire.MsgReady)
				began := time.Now()
				exchangeBench(b, k, wire.Request{Type: wire.ReqExecute, ID: "x", Code: code, Formats: formats}, wire.MsgDisplay)
				times = append(times, time.Since(began))
				closeBench(k)
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[0])/1e6, "ms-least")
			b.ReportMetric(float64(times[len(times)/2])/1e6, "ms-median")
		})
	}
}
