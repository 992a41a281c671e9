package sessions

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"github.com/gofiber/fiber/v2"

	"hotcell/process/session"
	"hotcell/stream"
)

// atOnce is how much of a log is answered from memory. A longer one is sent as
// it is read, as often as the answer needs it.
const atOnce = 1 << 20

// part is one member of an answer that holds text of the log.
type part struct {
	name   string
	format format
	kind   session.Kind // 0: both streams
}

// toEnd stands for all pieces up to the command's end.
const toEnd = math.MaxUint64

// answer is what a client is told of a log: an object of parts and perhaps
// others, or one part alone as text.
type answer struct {
	text  bool
	head  []byte // the object's beginning
	parts []part
	cmd   *session.Command
	upto  uint64 // pieces, or toEnd
}

// answer is for a command that has ended.
func (d Deps) answer(c *fiber.Ctx, cmd *session.Command) error {
	code, _ := cmd.Exit()
	head := fmt.Appendf(nil, `{"cmdId":%q,"exitCode":%d`, cmd.ID(), code)
	a := answer{head: head, cmd: cmd, upto: toEnd}
	switch f := formatFor(c); f {
	case split:
		a.parts = []part{{name: "output"}, {name: "stdout", kind: session.Stdout}, {name: "stderr", kind: session.Stderr}}
		if cmd.Stored() <= atOnce {
			a.parts = append(a.parts, part{name: "result"}) // what output is called in older guides
		}
	default:
		a.parts = []part{{name: "output", format: f}}
	}
	return a.send(c)
}

// wholeLog is for a command that may still run, or still print.
func (d Deps) wholeLog(c *fiber.Ctx, cmd *session.Command) error {
	a := answer{cmd: cmd, upto: cmd.Recorded()}
	if f := formatFor(c); f == split {
		a.head = []byte{'{'}
		a.parts = []part{{name: "output"}, {name: "stdout", kind: session.Stdout}, {name: "stderr", kind: session.Stderr}}
	} else {
		a.text, a.parts = true, []part{{format: f}}
	}
	return a.send(c)
}

// send writes the answer, in one piece if it isn't long.
func (a answer) send(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	if a.text {
		c.Set(fiber.HeaderContentType, fiber.MIMETextPlainCharsetUTF8)
	}
	readers := make([]*stream.Reader[session.Piece], 0, len(a.parts))
	for range a.parts {
		readers = append(readers, a.cmd.Pieces()) // they hold the log until they were closed
	}
	if a.cmd.Stored() <= atOnce {
		var buf bytes.Buffer
		if err := a.write(&buf, readers); err != nil {
			return err
		}
		return c.Send(buf.Bytes())
	}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		_ = a.write(w, readers) // what fails leaves the answer visibly unfinished, or nobody to see it
	})
	return nil
}

// write writes everything, and closes the readers.
func (a answer) write(w io.Writer, readers []*stream.Reader[session.Piece]) error {
	out := &errWriter{w: w}
	out.Write(a.head)
	for i, p := range a.parts {
		if !a.text {
			if i > 0 || len(a.head) > 1 {
				out.Write([]byte{','})
			}
			out.Write([]byte(`"` + p.name + `":"`))
		}
		err := a.writePart(out, p, readers[i])
		readers[i].Close()
		switch {
		case err != nil && a.text:
			out.Write([]byte("\nhotcell: the log cannot be read: " + err.Error() + "\n"))
		case err != nil:
			out.err = err
		case !a.text:
			out.Write([]byte{'"'})
		}
	}
	if !a.text {
		out.Write([]byte{'}'})
	}
	return out.err
}

// writePart writes the pieces of one part, as text or within a JSON string.
func (a answer) writePart(out *errWriter, p part, pieces *stream.Reader[session.Piece]) error {
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	last := session.End // the kind of the piece before
	for left := a.upto; left > 0 && out.err == nil; {
		ps, err := pieces.Next(context.Background()) // what is asked for is there
		if err != nil {
			return err
		}
		ps = ps[:min(uint64(len(ps)), left)]
		left -= uint64(len(ps))
		for _, piece := range ps {
			if piece.Kind == session.End && a.upto == toEnd {
				return nil
			}
			if piece.Kind == session.End || p.kind != 0 && p.kind != piece.Kind {
				continue
			}
			text := piece.Text
			if p.format == marked && piece.Kind != last {
				text = marker(piece.Kind) + text
			}
			last = piece.Kind
			if a.text {
				out.Write([]byte(text))
				continue
			}
			quoted.Reset()
			_ = enc.Encode(text) // a string can always be
			out.Write(quoted.Bytes()[1 : quoted.Len()-2])
		}
	}
	return nil
}

// errWriter remembers the first failure.
type errWriter struct {
	w   io.Writer
	err error
}

// Write writes unless an earlier Write failed.
func (e *errWriter) Write(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}
