package driver

import (
	"fmt"
	"image"
	"reflect"

	"hotcell/internal/wire"
)

// displayExports is the package hotcell/display.
func (k *kernel) displayExports() map[string]reflect.Value {
	text := func(mime string) reflect.Value {
		return reflect.ValueOf(func(s string) error { return k.showParts(map[string]any{mime: s}, place{}) })
	}
	binary := func(mime string) reflect.Value {
		return reflect.ValueOf(func(b []byte) error { return k.showParts(map[string]any{mime: b}, place{}) })
	}
	value := func(mime string) reflect.Value {
		return reflect.ValueOf(func(v any) error { return k.showParts(map[string]any{mime: v}, place{}) })
	}
	return map[string]reflect.Value{
		"Text":     text("text/plain"),
		"HTML":     text("text/html"),
		"Markdown": text("text/markdown"),
		"SVG":      text("image/svg+xml"),
		"LaTeX":    text("text/latex"),
		"PNG":      binary("image/png"),
		"JPEG":     binary("image/jpeg"),
		"GIF":      binary("image/gif"),
		"WebP":     binary("image/webp"),
		"PDF":      binary("application/pdf"),
		"JSON":     value("application/json"),
		"VegaLite": value(vegaLiteType),
		"Vega":     value(vegaType),
		"Plotly":   value(plotlyType),
		"Image":    reflect.ValueOf(func(m image.Image) error { return k.showParts(map[string]any{"image/png": m}, place{}) }),
		"Value":    reflect.ValueOf(func(v any) error { return k.show(bundleOf(nil, []any{v}), place{}) }),
		"Bundle":   reflect.ValueOf(func(m map[string]any) error { return k.showParts(m, place{}) }),
		"BundleAs": reflect.ValueOf(func(id string, m map[string]any) error { return k.showParts(m, place{id: id}) }),
		"Update":   reflect.ValueOf(func(id string, m map[string]any) error { return k.showParts(m, place{id: id, update: true}) }),
		"Clear":    reflect.ValueOf(func(wait bool) error { return k.tell(wire.Message{Type: wire.MsgClearOutput, Wait: wait}) }),
	}
}

// place says which display something becomes: a new one, one with an id, or in
// place of the one that has the id.
type place struct {
	id     string
	update bool
}

func (k *kernel) showParts(parts map[string]any, at place) error {
	b := wire.Bundle{}
	for mime, v := range parts {
		raw, err := encodePart(mime, v)
		if err != nil {
			return fmt.Errorf("encode %s for display: %w", mime, err)
		}
		b[mime] = raw
	}
	return k.show(b, at)
}

func (k *kernel) show(b wire.Bundle, at place) error {
	return k.tell(wire.Message{Type: wire.MsgDisplay, Bundle: b, DisplayID: at.id, Update: at.update})
}

// tell sends what is to be seen and waits until the server has taken it, so
// that what is printed next can't overtake it.
func (k *kernel) tell(m wire.Message) error {
	if k.program {
		return k.showInScript(m.Bundle)
	}
	k.showing.Lock()
	defer k.showing.Unlock()
	k.mu.Lock()
	id, ask := k.id, k.ask
	k.mu.Unlock()
	if id == "" {
		return errNoCell
	}
	select {
	case <-k.conn.acks: // left by a display that an interrupt cut short
	default:
	}
	m.ID, m.Ack = id, true
	if err := k.conn.send(m); err != nil {
		return fmt.Errorf("display: %w", err)
	}
	select {
	case <-k.conn.acks:
	case <-ask:
	}
	return nil
}
