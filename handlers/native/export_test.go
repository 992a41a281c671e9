package native

import (
	"hotcell/handlers/fault"
	"hotcell/internal/wire"
)

// For tests of what has no address of its own.

// MaxMessage is the largest request.
const MaxMessage = maxMessage

// AppendEvent is appendEvent.
func AppendEvent(dst []byte, e *wire.Event) ([]byte, error) { return appendEvent(dst, e) }

// Decode is decodeRequest, without its result.
func Decode(body []byte) (id string, f *fault.Fault) {
	r, f := decodeRequest(body)
	return string(r.ID), f
}
