package artifact

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
)

const csvType = "text/csv; charset=utf-8"

// table is a data frame's data, as docs/runtimes/python.md describes them. They
// may have been forged by user code: nothing is taken for granted.
type table struct {
	Shape     []int                        `json:"shape"`
	Columns   []tableColumn                `json:"columns"`
	Index     []tableColumn                `json:"index"`
	Data      map[string][]json.RawMessage `json:"data"`
	Truncated bool                         `json:"truncated"`
	Fault     string                       `json:"fault"`
}

type tableColumn struct {
	Name   string            `json:"name"`
	Values []json.RawMessage `json:"values"` // of an index; of others they are in data
}

// readTable returns nil for what is no table.
func readTable(raw json.RawMessage) *table {
	var t table
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil || t.Fault != "" || t.Data == nil {
		return nil
	}
	return &t
}

// csv writes the index and the columns under their names. Missing values are
// empty, lists and objects in a cell are JSON.
func (t *table) csv() ([]byte, error) {
	var head []string
	var columns [][]json.RawMessage
	for i, level := range t.Index {
		name := level.Name
		if name == "" { // pandas calls it so too
			if name = "index"; len(t.Index) > 1 {
				name = fmt.Sprintf("level_%d", i)
			}
		}
		head, columns = append(head, name), append(columns, level.Values)
	}
	for _, c := range t.Columns {
		head, columns = append(head, c.Name), append(columns, t.Data[c.Name])
	}
	rows := 0
	for _, c := range columns {
		rows = max(rows, len(c))
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	_ = w.Write(head) // Flush says what went wrong
	line := make([]string, len(columns))
	for i := range rows {
		for j, c := range columns {
			line[j] = ""
			if i < len(c) {
				line[j] = cellText(c[i])
			}
		}
		if len(line) == 1 && line[0] == "" { // an empty line would be no row
			w.Flush()
			out.WriteString("\"\"\n")
			continue
		}
		_ = w.Write(line)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return nil, fmt.Errorf("write table: %w", err)
	}
	return out.Bytes(), nil
}

func cellText(raw json.RawMessage) string {
	var text string
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return ""
	case raw[0] == '"' && json.Unmarshal(raw, &text) == nil:
		return text
	}
	return string(raw)
}
