package native

import (
	"context"
	"errors"
	"io"
	"strings"

	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// maxCollected is how much output is put into one answer. Whoever expects
// more reads the events.
const maxCollected = 16 << 20

// collected is a whole run in one answer.
type collected struct {
	Execution shownExecution `json:"execution"`
	Stdout    string         `json:"stdout"`
	Stderr    string         `json:"stderr"`
	Outputs   []wire.Event   `json:"outputs"` // display, result, chart, clear_output, notice
	Error     *wire.Event    `json:"error,omitempty"`
	// Truncated says that there was more than fits; the events have it all.
	Truncated bool `json:"truncated"`
}

// collect waits until x is over. The request does not own the run: that the
// client has left is not seen here, and changes nothing.
func collect(x *interpreter.Execution) (collected, error) {
	var stdout, stderr strings.Builder
	out := collected{Outputs: []wire.Event{}}
	room := maxCollected
	events := x.Events(1)
	defer events.Close()
	for {
		batch, err := events.Next(context.Background()) // every execution ends
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return collected{}, err
		}
		for i := range batch {
			e := &batch[i]
			if room -= weight(e); room < 0 && e.Type != wire.EventError {
				out.Truncated = true
				continue
			}
			switch e.Type {
			case wire.EventStdout:
				stdout.WriteString(e.Text)
			case wire.EventStderr:
				stderr.WriteString(e.Text)
			case wire.EventError:
				out.Error = e
			case wire.EventState, wire.EventInputRequest:
			default:
				out.Outputs = append(out.Outputs, *e)
			}
		}
	}
	out.Stdout, out.Stderr = stdout.String(), stderr.String()
	out.Execution = showExecution(x)
	return out, nil
}

// weight is about what an event adds to the answer.
func weight(e *wire.Event) int {
	n := len(e.Text) + len(e.Chart) + len(e.Metadata)
	for _, format := range e.Bundle {
		n += len(format)
	}
	return n
}
