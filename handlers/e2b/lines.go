package e2b

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"hotcell/internal/wire"
)

// Lines that are always the same.
const (
	keepAliveLine = `{"type":"keepalive"}` + "\n"
	endLine       = `{"type":"end_of_execution"}` + "\n"
)

// restarted is this protocol's name for what a restart does to a run.
const restarted = "ContextRestarting"

// appendEvent appends an event as the SDKs know it. Types that they don't know
// they ignore; what must be seen comes as output.
func (d *Dialect) appendEvent(dst []byte, e *wire.Event) ([]byte, error) {
	switch e.Type {
	case wire.EventStdout, wire.EventStderr:
		return appendOutput(dst, string(e.Type), e.Text, e.Time), nil
	case wire.EventNotice:
		return appendOutput(dst, "stderr", strings.TrimRight(e.Text, "\n")+"\n", e.Time), nil
	case wire.EventError:
		return appendError(dst, e), nil
	case wire.EventState:
		if e.Count > 0 {
			dst = append(dst, `{"type":"number_of_executions","execution_count":`...)
			dst = strconv.AppendInt(dst, int64(e.Count), 10)
			dst = append(dst, "}\n"...)
		}
		return dst, nil
	case wire.EventResult, wire.EventDisplay, wire.EventChart:
		return d.appendResult(dst, e)
	case wire.EventClearOutput:
		return fmt.Appendf(dst, `{"type":"clear_output","wait":%t}`+"\n", e.Wait), nil
	}
	return dst, nil
}

func appendOutput(dst []byte, kind, text string, at time.Time) []byte {
	dst = append(dst, `{"type":"`...)
	dst = append(dst, kind...)
	dst = append(dst, `","text":`...)
	dst = appendString(dst, text)
	dst = append(dst, `,"timestamp":"`...)
	dst = at.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000000Z07:00")
	return append(dst, "\"}\n"...)
}

// appendError appends an error. The SDKs look at name, value and traceback
// only, so what the service knows of the cause is said there.
func appendError(dst []byte, e *wire.Event) []byte {
	name, value, traceback := e.Name, e.Value, e.Traceback
	if e.Cause != nil && e.Cause.Reason == "context_restarted" {
		name = restarted
	}
	if len(e.Lost) > 0 && !strings.Contains(value, e.Lost[0]) {
		value = strings.TrimSuffix(value, ".") + "; lost: " + strings.Join(e.Lost, ", ")
		if e.LostMore > 0 {
			value += fmt.Sprintf(" and %d more", e.LostMore)
		}
	}
	dst = append(dst, `{"type":"error","name":`...)
	dst = appendString(dst, name)
	dst = append(dst, `,"value":`...)
	dst = appendString(dst, value)
	dst = append(dst, `,"traceback":`...)
	dst = appendString(dst, traceback)
	return append(dst, "}\n"...)
}

// appendJSON appends JSON on one line and in ASCII. The SDKs need that: one
// decodes each piece of the stream by itself, in which a character can be cut,
// the other takes more characters than a line feed for the end of a line.
func appendJSON(dst, raw []byte) []byte {
	if bytes.ContainsAny(raw, "\n\r\t") {
		var one bytes.Buffer
		if json.Compact(&one, raw) == nil {
			raw = one.Bytes()
		}
	}
	start := 0
	for i := 0; i < len(raw); {
		if raw[i] < 0x7f { // that one, a control character, stands within strings alone
			i++
			continue
		}
		dst = append(dst, raw[start:i]...)
		r, n := utf8.DecodeRune(raw[i:])
		dst = appendRune(dst, r)
		i += n
		start = i
	}
	return append(dst, raw[start:]...)
}

// appendString appends a JSON string in ASCII.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		n := 1
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c < utf8.RuneSelf:
			dst = appendUnit(dst, uint16(c))
		default:
			var r rune
			r, n = utf8.DecodeRuneInString(s[i:])
			dst = appendRune(dst, r)
		}
		i += n
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

func appendRune(dst []byte, r rune) []byte {
	if hi, lo := utf16.EncodeRune(r); hi != utf8.RuneError {
		return appendUnit(appendUnit(dst, uint16(hi)), uint16(lo))
	}
	return appendUnit(dst, uint16(r))
}

func appendUnit(dst []byte, u uint16) []byte {
	const digits = "0123456789abcdef"
	return append(dst, '\\', 'u', digits[u>>12], digits[u>>8&15], digits[u>>4&15], digits[u&15])
}

// sorted lists a bundle's types in an order that is always the same.
func sorted(b wire.Bundle) []string {
	types := make([]string, 0, len(b))
	for t := range b {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}
