package interpreter

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hotcell/internal/wire"
)

// eventCodec keeps events on disk. Output, which is nearly all of it, is a
// letter, number, time and text; everything else is JSON.
type eventCodec struct{}

const (
	recordJSON   = 'j'
	recordStdout = 'o'
	recordStderr = 'e'
	outputHead   = 17 // letter, number, time
)

// Size is what an event occupies, with a flat estimate for its fixed part.
func (eventCodec) Size(e wire.Event) int {
	n := 256 + len(e.Text) + len(e.Metadata) + len(e.Chart) + len(e.Value) + len(e.Traceback)
	for mime, data := range e.Bundle {
		n += len(mime) + len(data) + 64
	}
	return n
}

func (eventCodec) Append(dst []byte, e wire.Event) ([]byte, error) {
	letter := byte(recordJSON)
	switch e.Type {
	case wire.EventStdout:
		letter = recordStdout
	case wire.EventStderr:
		letter = recordStderr
	default:
	}
	dst = append(dst, letter)
	if letter == recordJSON {
		body, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode %s event: %w", e.Type, err)
		}
		return append(dst, body...), nil
	}
	dst = binary.BigEndian.AppendUint64(dst, e.Seq)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Time.UnixNano()))
	return append(dst, e.Text...), nil
}

func (eventCodec) Decode(src []byte) (wire.Event, error) {
	var e wire.Event
	if len(src) == 0 {
		return e, errors.New("empty record")
	}
	switch src[0] {
	case recordJSON:
		if err := json.Unmarshal(src[1:], &e); err != nil {
			return e, fmt.Errorf("decode event: %w", err)
		}
		return e, nil
	case recordStdout:
		e.Type = wire.EventStdout
	case recordStderr:
		e.Type = wire.EventStderr
	default:
		return e, fmt.Errorf("unknown record %q", src[0])
	}
	if len(src) < outputHead {
		return e, errors.New("short record")
	}
	e.Seq = binary.BigEndian.Uint64(src[1:])
	e.Time = time.Unix(0, int64(binary.BigEndian.Uint64(src[9:])))
	e.Text = string(src[outputHead:])
	return e, nil
}
