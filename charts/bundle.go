package charts

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"hotcell/internal/wire"
)

// FromBundle reads what a bundle shows as a chart, with its picture if there is
// one: our own model, or the JSON of plotly, vega-lite, vega or bokeh, by itself or in
// the page that they send to notebooks. It returns nil
// without an error when there is no chart in the bundle, and an [*InvalidError] for
// what claims to be one and isn't.
func FromBundle(b wire.Bundle) (*Figure, error) {
	f, err := readBundle(b)
	if f == nil || err != nil {
		return nil, err
	}
	if f.PNG == "" {
		f.PNG = textOf(b["image/png"])
	}
	if f.SVG == "" {
		f.SVG = textOf(b["image/svg+xml"])
	}
	return f, nil
}

// Complete returns a bundle with the model of its chart in it: checked, with the sentence
// that says what is shown, and also where a library sent only JSON of its own. A bundle
// without a chart comes back as it is; so does, with the error, one whose chart is none.
func Complete(b wire.Bundle) (wire.Bundle, error) {
	f, err := readBundle(b)
	if f == nil || err != nil {
		return b, err
	}
	raw, err := json.Marshal(f)
	if err != nil {
		return b, fmt.Errorf("encode chart: %w", err)
	}
	whole := maps.Clone(b)
	whole[MIME] = raw
	return whole, nil
}

func readBundle(b wire.Bundle) (*Figure, error) {
	if raw, ok := b[MIME]; ok {
		return Decode(raw)
	}
	for _, mime := range sortedKeys(b) {
		read := reader(mime)
		if read == nil {
			continue
		}
		f, err := read(b[mime])
		if err != nil {
			return nil, err
		}
		if f == nil {
			continue
		}
		if err := f.check(); err != nil {
			return nil, err
		}
		f.describe()
		return f, nil
	}
	return nil, nil
}

// reader returns what reads a type; their names end in the version of the format.
func reader(mime string) func(json.RawMessage) (*Figure, error) {
	switch {
	case strings.HasPrefix(mime, "application/vnd.plotly.") && strings.HasSuffix(mime, "+json"):
		return readPlotly
	case strings.HasPrefix(mime, "application/vnd.vegalite.") && strings.HasSuffix(mime, "json"):
		return readVegaLite
	case strings.HasPrefix(mime, "application/vnd.vega.") && strings.HasSuffix(mime, "json"):
		return readVega
	case mime == "text/html" || mime == "application/javascript":
		return readEmbedded
	}
	return nil
}

func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}
