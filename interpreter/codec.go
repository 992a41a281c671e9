package interpreter

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"hotcell/internal/pack"
	"hotcell/internal/wire"
)

// eventCodec keeps events on disk: number, time and type, the text that most of them
// are, and then what else an event has, each behind a letter.
type eventCodec struct{}

// Letters of an event's members. A letter keeps its meaning for ever.
const (
	hasState     = 's'
	hasStatus    = 'S'
	hasDuration  = 'd'
	hasEpoch     = 'e'
	hasCount     = 'c'
	hasBundle    = 'b'
	hasMetadata  = 'm'
	hasDisplayID = 'i'
	hasUpdate    = 'u'
	hasWait      = 'w'
	hasChart     = 'C'
	hasName      = 'n'
	hasValue     = 'v'
	hasTraceback = 't'
	hasCause     = 'r'
	hasPrompt    = 'p'
	hasPassword  = 'P'
	hasLost      = 'l'
	hasLostMore  = 'L'
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
	dst = pack.Number(dst, e.Seq)
	dst = pack.Time(dst, e.Time)
	dst = pack.Text(dst, e.Type)
	dst = pack.Text(dst, e.Text)
	if e.Type == wire.EventStdout || e.Type == wire.EventStderr {
		return dst, nil
	}
	dst = appendRun(dst, &e)
	dst = appendShown(dst, &e)
	return appendFault(dst, &e)
}

// appendRun adds what events of state have.
func appendRun(dst []byte, e *wire.Event) []byte {
	dst = appendText(dst, hasState, e.State)
	dst = appendText(dst, hasStatus, e.Status)
	if e.Duration != 0 {
		dst = pack.Float(append(dst, hasDuration), e.Duration)
	}
	dst = appendNumber(dst, hasEpoch, e.Epoch)
	return appendNumber(dst, hasCount, e.Count)
}

// appendShown adds what displays, charts and questions have.
func appendShown(dst []byte, e *wire.Event) []byte {
	if len(e.Bundle) > 0 {
		dst = pack.Number(append(dst, hasBundle), uint64(len(e.Bundle)))
		for _, mime := range slices.Sorted(maps.Keys(e.Bundle)) {
			dst = pack.Text(pack.Text(dst, mime), e.Bundle[mime])
		}
	}
	dst = appendText(dst, hasMetadata, e.Metadata)
	dst = appendText(dst, hasDisplayID, e.DisplayID)
	dst = appendTrue(dst, hasUpdate, e.Update)
	dst = appendTrue(dst, hasWait, e.Wait)
	dst = appendText(dst, hasChart, e.Chart)
	dst = appendText(dst, hasPrompt, e.Prompt)
	return appendTrue(dst, hasPassword, e.Password)
}

// appendFault adds what errors and notices have.
func appendFault(dst []byte, e *wire.Event) ([]byte, error) {
	dst = appendText(dst, hasName, e.Name)
	dst = appendText(dst, hasValue, e.Value)
	dst = appendText(dst, hasTraceback, e.Traceback)
	if e.Cause != nil {
		body, err := json.Marshal(e.Cause)
		if err != nil {
			return nil, fmt.Errorf("encode the cause of an error: %w", err)
		}
		dst = appendText(dst, hasCause, body)
	}
	if len(e.Lost) > 0 {
		dst = pack.Number(append(dst, hasLost), uint64(len(e.Lost)))
		for _, lost := range e.Lost {
			dst = pack.Text(dst, lost)
		}
	}
	return appendNumber(dst, hasLostMore, e.LostMore), nil
}

func appendText[S ~string | ~[]byte](dst []byte, letter byte, s S) []byte {
	if len(s) == 0 {
		return dst
	}
	return pack.Text(append(dst, letter), s)
}

func appendNumber(dst []byte, letter byte, n int) []byte {
	if n == 0 {
		return dst
	}
	return pack.Number(append(dst, letter), uint64(n))
}

func appendTrue(dst []byte, letter byte, is bool) []byte {
	if !is {
		return dst
	}
	return append(dst, letter)
}

func (eventCodec) Decode(src []byte) (wire.Event, error) {
	r := pack.NewReader(src)
	e := wire.Event{Seq: r.Number(), Time: r.Time(), Type: wire.EventType(r.Text()), Text: r.Text()}
	for r.More() {
		if letter := r.Byte(); !readRun(r, letter, &e) && !readShown(r, letter, &e) && !readFault(r, letter, &e) {
			return e, fmt.Errorf("decode event: it has a member %q, which is not known", letter)
		}
	}
	if !r.OK() {
		return e, errors.New("decode event: it is too short")
	}
	return e, nil
}

func readRun(r *pack.Reader, letter byte, e *wire.Event) bool {
	switch letter {
	case hasState:
		e.State = wire.State(r.Text())
	case hasStatus:
		e.Status = wire.Status(r.Text())
	case hasDuration:
		e.Duration = r.Float()
	case hasEpoch:
		e.Epoch = int(r.Number())
	case hasCount:
		e.Count = int(r.Number())
	default:
		return false
	}
	return true
}

func readShown(r *pack.Reader, letter byte, e *wire.Event) bool {
	switch letter {
	case hasBundle:
		for n := r.Number(); n > 0 && r.OK(); n-- {
			if e.Bundle == nil {
				e.Bundle = wire.Bundle{}
			}
			mime := r.Text()
			e.Bundle[mime] = r.Bytes()
		}
	case hasMetadata:
		e.Metadata = r.Bytes()
	case hasDisplayID:
		e.DisplayID = r.Text()
	case hasUpdate:
		e.Update = true
	case hasWait:
		e.Wait = true
	case hasChart:
		e.Chart = r.Bytes()
	case hasPrompt:
		e.Prompt = r.Text()
	case hasPassword:
		e.Password = true
	default:
		return false
	}
	return true
}

func readFault(r *pack.Reader, letter byte, e *wire.Event) bool {
	switch letter {
	case hasName:
		e.Name = r.Text()
	case hasValue:
		e.Value = r.Text()
	case hasTraceback:
		e.Traceback = r.Text()
	case hasCause:
		e.Cause = &wire.Cause{}
		return json.Unmarshal(r.Bytes(), e.Cause) == nil
	case hasLost:
		for n := r.Number(); n > 0 && r.OK(); n-- {
			e.Lost = append(e.Lost, r.Text())
		}
	case hasLostMore:
		e.LostMore = int(r.Number())
	default:
		return false
	}
	return true
}
