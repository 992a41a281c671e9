package daytona

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hotcell/handlers/artifact"
	"hotcell/internal/wire"
)

// chunk is one message to the client. The five members are those that the
// SDKs know; they ignore types other than stdout, stderr, error and control.
type chunk struct {
	Type      string `json:"type"`
	Text      string `json:"text"`
	Name      string `json:"name"`
	Value     string `json:"value"`
	Traceback string `json:"traceback"`
}

// maxExtra is the largest message that is sent beyond what the SDKs read: one
// of them closes the connection at 4 MiB, and everything on it would be lost.
const maxExtra = 1 << 20

// encoder writes messages into one buffer, again and again.
type encoder struct {
	buf  bytes.Buffer
	json *json.Encoder
}

func newEncoder() *encoder {
	e := &encoder{}
	e.json = json.NewEncoder(&e.buf)
	e.json.SetEscapeHTML(false)
	return e
}

// encode returns v as JSON, valid until the next call.
func (e *encoder) encode(v any) ([]byte, error) {
	e.buf.Reset()
	if err := e.json.Encode(v); err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	return bytes.TrimSuffix(e.buf.Bytes(), []byte("\n")), nil
}

// extra is an event in the native dialect's form: result, display, chart and
// the like. A picture too large for the SDKs' limits is replaced by its size and
// the native dialect's address for it.
func (e *encoder) extra(ev wire.Event, execution string) ([]byte, error) {
	msg, err := e.encode(ev)
	if err != nil || len(msg) <= maxExtra {
		return msg, err
	}
	omitted, links := map[string]int{}, map[string]artifact.Link{}
	all := artifact.Links(&ev, execution)
	kept := wire.Bundle{}
	for _, mime := range smallestFirst(ev.Bundle) {
		if size := len(ev.Bundle[mime]); size > maxExtra/4 {
			omitted[mime], links[mime] = size, all[mime]
		} else {
			kept[mime] = ev.Bundle[mime]
		}
	}
	if link, ok := all[artifact.ChartType]; ok && len(ev.Chart) > 0 {
		omitted[artifact.ChartType], links[artifact.ChartType] = link.Size, link
	}
	ev.Bundle, ev.Chart, ev.Metadata = kept, nil, nil
	return e.encode(struct {
		wire.Event
		Omitted map[string]int           `json:"omitted"`
		Links   map[string]artifact.Link `json:"links"`
	}{ev, omitted, links})
}

func smallestFirst(b wire.Bundle) []string {
	mimes := make([]string, 0, len(b))
	for m := range b {
		mimes = append(mimes, m)
	}
	slices.SortFunc(mimes, func(x, y string) int { return len(b[x]) - len(b[y]) })
	return mimes
}

// errorChunk is an error event. Programs that were written for Daytona look at
// name and value only, so what the service knows of the cause is said there.
func errorChunk(ev wire.Event) chunk {
	c := chunk{Type: "error", Name: ev.Name, Value: ev.Value, Traceback: ev.Traceback}
	if len(ev.Lost) > 0 && !strings.Contains(c.Value, ev.Lost[0]) {
		c.Value = strings.TrimSuffix(c.Value, ".") + "; lost: " + strings.Join(ev.Lost, ", ")
		if ev.LostMore > 0 {
			c.Value += fmt.Sprintf(" and %d more", ev.LostMore)
		}
	}
	return c
}

func asType[T error](err error, into *T) bool { return errors.As(err, into) }
