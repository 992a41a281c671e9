// Package artifact is what events show, as files: from the execution's log, in
// memory or on disk, for as long as that is kept. An [Artifact] is a chart, a table or a
// picture in the formats that there are or that can be made of it; and formats of a bundle that
// are too large to be sent along have links in their place, which lead here. It owns nothing.
package artifact

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/url"
	"slices"
	"strings"

	"hotcell/internal/wire"
)

// Limit is the most data that an event carries to clients that may refuse a
// message of 1 MiB, as common WebSocket libraries do. The rest of a message has
// room in the other half.
const Limit = 512 << 10

// ChartType is the type of the data of a chart event.
const ChartType = "application/vnd.hotcell.chart+json"

// Link stands for a format that was left out.
type Link struct {
	Href string `json:"href"` // a path on the server
	Size int    `json:"size"` // bytes that the format has in JSON
}

// Path is the address of one format of an event. An empty type is the list.
func Path(execution string, seq uint64, format string) string {
	p := fmt.Sprintf("/v1/executions/%s/events/%d/data", url.PathEscape(execution), seq)
	if format == "" {
		return p
	}
	name := url.PathEscape(format)
	if strings.Count(format, "/") == 1 { // two in a row would count as one
		name = strings.Replace(name, "%2F", "/", 1)
	}
	return p + "/" + name
}

// artifactPath is the address of what an event shows, without a file's ending.
func artifactPath(execution string, seq uint64) string {
	return fmt.Sprintf("/v1/executions/%s/artifacts/%d", url.PathEscape(execution), seq)
}

// Lighten returns e, or, when its data are larger than limit, a copy without
// the largest formats, and links to these.
func Lighten(e *wire.Event, execution string, limit int) (*wire.Event, map[string]Link) {
	if len(e.Bundle) == 0 && len(e.Chart) == 0 { // output, nearly always
		return e, nil
	}
	all := formats(e)
	total := 0
	for _, f := range all {
		total += len(f.raw)
	}
	if total <= limit {
		return e, nil
	}
	slices.SortFunc(all, func(a, b format) int {
		return cmp.Or(len(b.raw)-len(a.raw), strings.Compare(a.name, b.name))
	})
	light := *e
	light.Bundle = nil
	links := map[string]Link{}
	for _, f := range all {
		switch {
		case total > limit:
			links[f.name] = Link{Path(execution, e.Seq, f.name), len(f.raw)}
			total -= len(f.raw)
			if e.Type == wire.EventChart && f.name == ChartType {
				light.Chart = nil
			}
		case e.Bundle[f.name] != nil:
			if light.Bundle == nil {
				light.Bundle = wire.Bundle{}
			}
			light.Bundle[f.name] = f.raw
		}
	}
	return &light, links
}

// Links are those to all formats of an event.
func Links(e *wire.Event, execution string) map[string]Link {
	links := map[string]Link{}
	for _, f := range formats(e) {
		links[f.name] = Link{Path(execution, e.Seq, f.name), len(f.raw)}
	}
	return links
}

type format struct {
	name string
	raw  json.RawMessage
}

func formats(e *wire.Event) []format {
	out := make([]format, 0, len(e.Bundle)+1)
	for name, raw := range e.Bundle {
		out = append(out, format{name, raw})
	}
	if e.Type == wire.EventChart && len(e.Chart) > 0 {
		out = append(out, format{ChartType, e.Chart})
	}
	return out
}

// Find returns one format of an event as a file: its content type and bytes.
func Find(e *wire.Event, name string) (contentType string, body []byte, ok bool) {
	for _, f := range formats(e) {
		if f.name == name {
			contentType, body = asFile(f)
			return contentType, body, true
		}
	}
	return "", nil, false
}

// asFile turns a format into what its type promises: bytes where JSON has base64,
// text where it has a string.
func asFile(f format) (contentType string, body []byte) {
	kind, _, err := mime.ParseMediaType(f.name)
	if err != nil || !strings.Contains(kind, "/") {
		kind = "application/octet-stream" // a name of the user's that is no type
	}
	var text string
	switch {
	case isJSON(kind):
		return kind, f.raw
	case json.Unmarshal(f.raw, &text) != nil:
		return "application/json", f.raw
	case isText(kind):
		return kind + "; charset=utf-8", []byte(text)
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return "text/plain; charset=utf-8", []byte(text)
	}
	return kind, decoded
}

func isJSON(kind string) bool {
	return kind == "application/json" || strings.HasSuffix(kind, "+json") || strings.HasSuffix(kind, ".json")
}

func isText(kind string) bool {
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "+xml") ||
		kind == "application/javascript" || kind == "application/xml"
}

// Encode is an event as JSON, with its links.
func Encode(e *wire.Event, links map[string]Link) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(struct {
		*wire.Event
		Links map[string]Link `json:"links,omitempty"`
	}{e, links}); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}
