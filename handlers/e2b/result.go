package e2b

import (
	"bytes"
	"encoding/json"
	"strings"

	"hotcell/internal/wire"
)

// MIME types of our own.
const (
	chartType   = "application/vnd.hotcell.chart+json"
	tableType   = "application/vnd.hotcell.table+json"
	displayType = "application/vnd.hotcell.display+json"
)

// member is the name under which a result has a format; empty is none.
func member(mime string) string {
	switch mime {
	case "text/plain":
		return "text"
	case "text/html":
		return "html"
	case "text/markdown":
		return "markdown"
	case "image/svg+xml":
		return "svg"
	case "image/png":
		return "png"
	case "image/jpeg":
		return "jpeg"
	case "application/pdf":
		return "pdf"
	case "text/latex":
		return "latex"
	case "application/json":
		return "json"
	case "application/javascript":
		return "javascript"
	}
	return ""
}

// appendResult appends what was shown: a result, a display, or a figure's chart
// that came by itself.
func (d *Dialect) appendResult(dst []byte, e *wire.Event) ([]byte, error) {
	dst = append(dst, `{"type":"result","is_main_result":`...)
	if e.Type == wire.EventResult {
		dst = append(dst, "true"...)
	} else {
		dst = append(dst, "false"...)
	}
	extra := wire.Bundle{}
	for _, mime := range sorted(e.Bundle) {
		raw := e.Bundle[mime]
		name := member(mime)
		switch {
		case len(raw) == 0 || string(raw) == "null":
		case name == "json":
			dst = appendMember(dst, name, raw)
		case name == "text":
			dst = appendMember(dst, name, unquoted(asText(raw)))
		case name != "":
			dst = appendMember(dst, name, asText(raw))
		case mime == tableType:
			var data json.RawMessage
			if data, extra[mime] = parted(raw); data != nil {
				dst = appendMember(dst, "data", data)
			}
		default:
			extra[mime] = raw
		}
	}
	chart, figure := d.chart(e)
	if chart != nil {
		dst = appendMember(dst, "chart", chart)
	}
	if figure != nil {
		extra[chartType] = figure
	}
	if e.DisplayID != "" {
		note, err := json.Marshal(map[string]any{"display_id": e.DisplayID, "update": e.Update})
		if err != nil {
			return dst, err
		}
		extra[displayType] = note
	}
	dst = appendExtra(dst, extra)
	return append(dst, "}\n"...), nil
}

// chart reads what an event shows as a chart. Whatever goes wrong costs the
// chart, and not the stream that it is in.
func (d *Dialect) chart(e *wire.Event) (chart, figure json.RawMessage) {
	shown := e.Bundle
	if e.Type == wire.EventChart {
		shown = wire.Bundle{chartType: e.Chart}
	}
	whole := shown[chartType]
	defer func() {
		if recover() != nil || !json.Valid(chart) {
			chart = nil
		}
		if whole != nil { // as it came
			figure = whole
		}
	}()
	return d.Chart(shown)
}

func appendMember(dst []byte, name string, raw json.RawMessage) []byte {
	dst = append(dst, ',', '"')
	dst = append(dst, name...)
	dst = append(dst, '"', ':')
	return appendJSON(dst, raw)
}

// appendExtra appends the other formats: where the Python SDK looks for them,
// under extra, and where the JavaScript SDK does, beside the known members.
func appendExtra(dst []byte, extra wire.Bundle) []byte {
	types := sorted(extra)
	for _, mime := range types {
		if !strings.Contains(mime, "/") {
			continue // it could be taken for a member
		}
		dst = append(dst, ',')
		dst = appendString(dst, mime)
		dst = append(dst, ':')
		dst = appendJSON(dst, extra[mime])
	}
	for i, mime := range types {
		if i == 0 {
			dst = append(dst, `,"extra":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = appendString(dst, mime)
		dst = append(dst, ':')
		dst = appendJSON(dst, extra[mime])
	}
	if len(types) > 0 {
		dst = append(dst, '}')
	}
	return dst
}

// asText makes a string of a format that has to be one.
func asText(raw json.RawMessage) json.RawMessage {
	if raw[0] == '"' {
		return raw
	}
	return appendString(nil, string(raw))
}

// unquoted takes the quotes from the text of a plain string, as a Python or
// JavaScript prompt shows it. Text with such quotes inside is no such string.
func unquoted(raw json.RawMessage) json.RawMessage {
	body := raw[1 : len(raw)-1]
	for _, quote := range []string{`'`, `\"`} {
		inner, ok := bytes.CutPrefix(body, []byte(quote))
		if !ok {
			continue
		}
		if inner, ok = bytes.CutSuffix(inner, []byte(quote)); !ok || !closesAtEnd(inner, quote[len(quote)-1]) {
			return raw
		}
		out := make(json.RawMessage, 0, len(inner)+2)
		return append(append(append(out, '"'), inner...), '"')
	}
	return raw
}

// closesAtEnd reports that a quote neither stands inside of a string's text,
// as it is in JSON, nor is escaped where the text ends.
func closesAtEnd(inner []byte, quote byte) bool {
	var text string
	if json.Unmarshal(append(append([]byte{'"'}, inner...), '"'), &text) != nil {
		return false
	}
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			if i++; i == len(text) {
				return false
			}
		case quote:
			return false
		}
	}
	return true
}

// parted divides a table into its columns, which are this protocol's data, and
// what there is to know about it.
func parted(raw json.RawMessage) (data, about json.RawMessage) {
	var table map[string]json.RawMessage
	if json.Unmarshal(raw, &table) != nil || table["data"] == nil {
		return nil, raw
	}
	data = table["data"]
	delete(table, "data")
	about, err := json.Marshal(table)
	if err != nil {
		return nil, raw
	}
	return data, about
}
