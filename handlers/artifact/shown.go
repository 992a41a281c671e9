package artifact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"hotcell/charts"
	"hotcell/internal/wire"
)

// TableType is the type of a data frame's data.
const TableType = "application/vnd.hotcell.table+json"

// Kinds of an [Artifact].
const (
	KindChart    = "chart" // with or without a picture
	KindTable    = "table"
	KindImage    = "image"
	KindDocument = "document"
)

// Artifact is what an event shows that can be taken away as a file. The same
// data may come in several formats, by the endings of their names.
type Artifact struct {
	ID        uint64            `json:"id"` // the event's number
	Type      wire.EventType    `json:"type"`
	Time      time.Time         `json:"time"`
	Kind      string            `json:"kind"`
	Title     string            `json:"title,omitempty"`
	Alt       string            `json:"alt,omitempty"`    // a chart's: one sentence that says what is shown
	Source    string            `json:"source,omitempty"` // a chart's: the library
	Shape     []int             `json:"shape,omitempty"`  // a table's: rows and columns
	Truncated bool              `json:"truncated,omitempty"`
	DisplayID string            `json:"display_id,omitempty"`
	Update    bool              `json:"update,omitempty"`
	Formats   map[string]Format `json:"formats"`
	Data      string            `json:"data"` // the path of all that the event has, by their types

	path  string
	files map[string]func() (file, error)
}

// Format leads to one of an artifact's files.
type Format struct {
	Href string `json:"href"` // a path on the server
	Type string `json:"type"`
	Size int    `json:"size"` // bytes
}

type file struct {
	kind string
	body []byte
}

// pictures are the types of pictures, and the endings of their files.
func pictures() map[string]string {
	return map[string]string{
		"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp",
		"image/svg+xml": "svg", "application/pdf": "pdf",
	}
}

// Of returns what an event shows; nil if that is nothing but text.
func Of(e *wire.Event, execution string) *Artifact {
	if len(e.Bundle) == 0 && len(e.Chart) == 0 {
		return nil
	}
	a := &Artifact{
		ID: e.Seq, Type: e.Type, Time: e.Time.UTC(), DisplayID: e.DisplayID, Update: e.Update,
		Data: Path(execution, e.Seq, ""), path: artifactPath(execution, e.Seq), files: map[string]func() (file, error){},
	}
	for mime, ending := range pictures() {
		if _, ok := e.Bundle[mime]; ok {
			a.files[ending] = func() (file, error) {
				kind, body, _ := Find(e, mime)
				return file{kind, body}, nil
			}
			switch { // in whatever order they come
			case ending != "pdf":
				a.Kind = KindImage
			case a.Kind == "":
				a.Kind = KindDocument
			}
		}
	}
	a.table(e.Bundle[TableType])
	a.chart(e)
	if a.Kind == "" {
		return nil
	}
	return a
}

func (a *Artifact) chart(e *wire.Event) {
	bundle := e.Bundle
	if e.Type == wire.EventChart && len(e.Chart) > 0 {
		bundle = maps.Clone(bundle)
		if bundle == nil {
			bundle = wire.Bundle{}
		}
		bundle[ChartType] = e.Chart
	}
	f := charts.ShownFigure(bundle)
	if f == nil {
		return
	}
	a.Kind, a.Title, a.Alt, a.Source = KindChart, f.Title, f.Alt, f.Source
	if a.Title == "" && len(f.Axes) == 1 {
		a.Title = f.Axes[0].Title
	}
	a.figurePicture("png", "image/png", f.PNG)
	a.figurePicture("svg", "image/svg+xml", f.SVG)
	f.PNG, f.SVG = "", "" // they are files of their own
	a.files["json"] = func() (file, error) {
		raw, err := json.Marshal(f)
		return file{ChartType, raw}, err
	}
	a.files["csv"] = func() (file, error) {
		var out bytes.Buffer
		err := charts.CSV(&out, f)
		return file{csvType, out.Bytes()}, err
	}
}

// figurePicture is a picture that the model itself has, where none came beside it.
func (a *Artifact) figurePicture(ending, mime, text string) {
	if _, ok := a.files[ending]; ok || text == "" {
		return
	}
	a.files[ending] = func() (file, error) {
		raw, err := json.Marshal(text)
		kind, body := asFile(format{mime, raw})
		return file{kind, body}, err
	}
}

func (a *Artifact) table(raw json.RawMessage) {
	t := readTable(raw)
	if t == nil {
		return
	}
	a.Kind, a.Shape, a.Truncated = KindTable, t.Shape, t.Truncated
	a.files["json"] = func() (file, error) { return file{TableType, raw}, nil }
	a.files["csv"] = func() (file, error) {
		body, err := t.csv()
		return file{csvType, body}, err
	}
}

// Complete fills in the formats; that makes those of them that have to be made.
func (a *Artifact) Complete() error {
	a.Formats = map[string]Format{}
	for ending, open := range a.files {
		f, err := open()
		if err != nil {
			return fmt.Errorf("make %s of artifact %d: %w", ending, a.ID, err)
		}
		a.Formats[ending] = Format{Href: a.path + "." + ending, Type: f.kind, Size: len(f.body)}
	}
	return nil
}

// File returns the file with an ending: its content type and bytes.
func (a *Artifact) File(ending string) (contentType string, body []byte, ok bool, err error) {
	open, ok := a.files[ending]
	if !ok {
		return "", nil, false, nil
	}
	f, err := open()
	return f.kind, f.body, true, err
}

// Lack says what there is in place of a format that an artifact doesn't have,
// and how to come by it.
func (a *Artifact) Lack(ending string) string {
	text := fmt.Sprintf("artifact %d, a %s, has no %s; it has %s", a.ID, a.Kind, ending, strings.Join(slices.Sorted(maps.Keys(a.files)), ", "))
	if a.Kind != KindChart || !slices.Contains(slices.Collect(maps.Values(pictures())), ending) {
		return text
	}
	if a.Source == "matplotlib" && (ending == "svg" || ending == "pdf") {
		return fmt.Sprintf("%s. A figure is drawn when it is shown: run the code again with \"formats\": [%q]", text, ending)
	}
	return fmt.Sprintf("%s. Pictures are those that were shown with it: have the code show one; %s has all that came", text, a.Data)
}
