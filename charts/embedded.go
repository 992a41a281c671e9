package charts

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Libraries that aren't told that somebody reads their JSON send a page with
// a script instead, and the JSON in it. Each has one way to begin:
//
//	Plotly.newPlot("id", [traces], {layout}, …
//	(function(spec, embedOpt){ … })({spec}, {…});          altair
//	const docs_json = {…};                                 bokeh

// readEmbedded reads text/html and application/javascript.
func readEmbedded(raw json.RawMessage) (*Figure, error) {
	if !bytes.Contains(raw, []byte("Plotly.newPlot(")) && !bytes.Contains(raw, []byte("embedOpt")) && !bytes.Contains(raw, []byte("docs_json = ")) {
		return nil, nil
	}
	if len(raw) > maxPicture {
		return nil, nil
	}
	page := textOf(raw)
	if _, after, ok := strings.Cut(page, "docs_json = "); ok {
		if values := literals(after, 1); len(values) == 1 {
			return readBokeh(values[0])
		}
	}
	if i := strings.LastIndex(page, "Plotly.newPlot("); i >= 0 {
		if values := literals(page[i+len("Plotly.newPlot("):], 3); len(values) >= 2 {
			return plotlyLiterals(values)
		}
	}
	if _, after, ok := strings.Cut(page, "(function(spec, embedOpt){"); ok {
		if i := strings.LastIndex(after, "})("); i >= 0 {
			if values := literals(after[i+len("})("):], 1); len(values) == 1 {
				if strings.Contains(digSchema(values[0]), "/vega/") {
					return readVega(values[0])
				}
				return readVegaLite(values[0])
			}
		}
	}
	return nil, nil
}

func plotlyLiterals(values []json.RawMessage) (*Figure, error) {
	traces, err := parse(values[1])
	if err != nil {
		return nil, err
	}
	var layout any
	if len(values) > 2 {
		if layout, err = parse(values[2]); err != nil {
			return nil, err
		}
	}
	list, _ := traces.([]any)
	return plotlyFigure(list, digObject(layout)), nil
}

func digSchema(raw json.RawMessage) string {
	v, err := parse(raw)
	if err != nil {
		return ""
	}
	return digText(v, "$schema")
}

// literals are the first JSON values of a text, at most n, that are separated by commas.
func literals(text string, n int) []json.RawMessage {
	var found []json.RawMessage
	for len(found) < n {
		text = strings.TrimLeft(text, " \t\r\n,")
		d := json.NewDecoder(strings.NewReader(text))
		var v json.RawMessage
		if d.Decode(&v) != nil {
			break
		}
		found = append(found, v)
		text = text[d.InputOffset():]
	}
	return found
}
