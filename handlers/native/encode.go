package native

import (
	"bytes"
	"encoding/json"
	"time"

	"hotcell/handlers/artifact"
	"hotcell/handlers/escape"
	"hotcell/internal/wire"
)

// appendEvent appends an event as JSON, without a line break in it. Output is
// nearly everything that is ever sent, so it is written by hand: that is
// several times faster than encoding/json, which takes the rest.
func appendEvent(dst []byte, e *wire.Event) ([]byte, error) {
	if e.Type != wire.EventStdout && e.Type != wire.EventStderr {
		return appendJSON(dst, e)
	}
	dst = appendHead(dst, e.Seq, e.Time, string(e.Type))
	dst = append(dst, `,"text":`...)
	dst = appendString(dst, e.Text)
	return append(dst, '}'), nil
}

// appendLight is appendEvent, with links in place of what an event has beyond
// inline bytes of data.
func appendLight(dst []byte, e *wire.Event, execution string, inline int) ([]byte, error) {
	light, links := artifact.Lighten(e, execution, inline)
	if links == nil {
		return appendEvent(dst, e)
	}
	raw, err := artifact.Encode(light, links)
	return append(dst, raw...), err
}

// appendHead begins an event that is output.
func appendHead(dst []byte, seq uint64, at time.Time, kind string) []byte {
	dst = append(dst, `{"seq":`...)
	dst = appendUint(dst, seq)
	dst = append(dst, `,"time":"`...)
	dst = at.AppendFormat(dst, time.RFC3339Nano)
	dst = append(dst, `","type":"`...)
	return append(append(dst, kind...), '"')
}

func appendUint(dst []byte, n uint64) []byte {
	var digits [20]byte
	i := len(digits)
	for {
		i--
		digits[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return append(dst, digits[i:]...)
		}
	}
}

// appendJSON is json.Marshal into dst, without its escapes for HTML.
func appendJSON(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(dst)
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return dst, err
	}
	out := buf.Bytes()
	return out[:len(out)-1], nil // Encode ends with a line break
}

// appendString appends s as a JSON string. What isn't UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	return append(escape.Append(append(dst, '"'), s), '"')
}
