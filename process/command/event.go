package command

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// EventType says what an event is.
type EventType string

// What a command produces, in this order: one start, output, one end.
const (
	EventStart  EventType = "start"
	EventStdout EventType = "stdout"
	EventStderr EventType = "stderr"
	EventEnd    EventType = "end"
)

// Event is one thing that a command produced. The JSON form is the native
// dialect's (docs/protocol.md).
type Event struct {
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time"`
	Type EventType `json:"type"`

	ID  string `json:"id,omitempty"`  // start: the command's
	Pid int    `json:"pid,omitempty"` // start

	Text   string `json:"text,omitempty"`   // output that is UTF-8 without NULs, at most 32 KiB a piece
	Base64 []byte `json:"base64,omitempty"` // output that is not

	*Outcome // end
}

// Status is how a command ended.
type Status string

// How a command can end.
const (
	StatusExited   Status = "exited"   // it came to its end
	StatusSignaled Status = "signaled" // a signal ended it
	StatusTimeout  Status = "timeout"  // its time was over
	StatusEnded    Status = "ended"    // the service had to end it
)

// Outcome is how a command ended.
type Outcome struct {
	Status   Status  `json:"status"`
	Code     int     `json:"exit_code"`           // 128+n after signal n; -1 if it can't be told
	Signal   string  `json:"signal,omitempty"`    // SIGKILL
	Reason   string  `json:"reason,omitempty"`    // of timeout and ended, and of limits that were reached: a sentence
	Killed   int     `json:"oom_kills,omitempty"` // processes of it that the system killed, out of memory
	Duration float64 `json:"duration_ms"`

	// Cause is what ended it, if the service did.
	Cause error `json:"-"`
}

// codec keeps events on disk. Output is a letter, number, time and bytes;
// everything else is JSON.
type codec struct{}

const (
	recordJSON   = 'j'
	recordStdout = 'o' // text; in capitals bytes
	recordStderr = 'e'
	toBytes      = 'a' - 'A'
	outputHead   = 17 // letter, number, time
)

// Size is what an event occupies, with a flat estimate for its fixed part.
func (codec) Size(e Event) int { return 192 + len(e.Text) + len(e.Base64) }

func (codec) Append(dst []byte, e Event) ([]byte, error) {
	letter := byte(recordStdout)
	switch e.Type {
	case EventStdout:
	case EventStderr:
		letter = recordStderr
	default:
		body, err := json.Marshal(e)
		if err != nil {
			return nil, fmt.Errorf("encode %s event: %w", e.Type, err)
		}
		return append(append(dst, recordJSON), body...), nil
	}
	if e.Base64 != nil {
		letter -= toBytes
	}
	dst = append(dst, letter)
	dst = binary.BigEndian.AppendUint64(dst, e.Seq)
	dst = binary.BigEndian.AppendUint64(dst, uint64(e.Time.UnixNano()))
	return append(append(dst, e.Text...), e.Base64...), nil
}

func (codec) Decode(src []byte) (Event, error) {
	var e Event
	if len(src) == 0 {
		return e, errors.New("empty record")
	}
	if src[0] == recordJSON {
		if err := json.Unmarshal(src[1:], &e); err != nil {
			return e, fmt.Errorf("decode event: %w", err)
		}
		return e, nil
	}
	if len(src) < outputHead {
		return e, errors.New("short record")
	}
	e.Type = EventStdout
	if src[0] == recordStderr || src[0] == recordStderr-toBytes {
		e.Type = EventStderr
	}
	e.Seq = binary.BigEndian.Uint64(src[1:])
	e.Time = time.Unix(0, int64(binary.BigEndian.Uint64(src[9:]))).UTC()
	if src[0] == recordStdout || src[0] == recordStderr {
		e.Text = string(src[outputHead:])
	} else {
		e.Base64 = append([]byte{}, src[outputHead:]...)
	}
	return e, nil
}
