package driver

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"

	"hotcell/internal/wire"
)

// displayExports is the package hotcell/display.
func (k *kernel) displayExports() map[string]reflect.Value {
	text := func(mime string) reflect.Value {
		return reflect.ValueOf(func(s string) error { return k.show(wire.Bundle{mime: quote(s)}) })
	}
	binary := func(mime string) reflect.Value {
		return reflect.ValueOf(func(b []byte) error {
			return k.show(wire.Bundle{mime: quote(base64.StdEncoding.EncodeToString(b))})
		})
	}
	return map[string]reflect.Value{
		"Text":     text("text/plain"),
		"HTML":     text("text/html"),
		"Markdown": text("text/markdown"),
		"SVG":      text("image/svg+xml"),
		"LaTeX":    text("text/latex"),
		"PNG":      binary("image/png"),
		"JPEG":     binary("image/jpeg"),
		"JSON": reflect.ValueOf(func(v any) error {
			raw, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("encode for display: %w", err)
			}
			return k.show(wire.Bundle{"application/json": raw})
		}),
		"Bundle": reflect.ValueOf(func(m map[string]any) error {
			b := wire.Bundle{}
			for mime, v := range m {
				if raw, ok := v.([]byte); ok {
					v = base64.StdEncoding.EncodeToString(raw)
				}
				raw, err := json.Marshal(v)
				if err != nil {
					return fmt.Errorf("encode %s for display: %w", mime, err)
				}
				b[mime] = raw
			}
			return k.show(b)
		}),
	}
}

// show sends a display and waits until the server has taken it, so that what
// is printed next can't overtake it.
func (k *kernel) show(b wire.Bundle) error {
	if k.program {
		return k.showInScript(b)
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
	if err := k.conn.send(wire.Message{Type: wire.MsgDisplay, ID: id, Bundle: b, Ack: true}); err != nil {
		return fmt.Errorf("display: %w", err)
	}
	select {
	case <-k.conn.acks:
	case <-ask:
	}
	return nil
}
