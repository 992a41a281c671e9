package commands

import (
	"errors"
	"fmt"
	"io"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/escape"
	"hotcell/process/output"
)

const (
	// inOnePiece is what is answered from memory; what is longer is read from
	// where it is kept at the pace at which the client takes it.
	inOnePiece = 256 << 10
	// blockSize is how much is read at once.
	blockSize = 64 << 10
)

// send answers with the members in head, which is a JSON object, and the output
// as the last of them, result. It closes the output in the end.
func send(c *fiber.Ctx, head []byte, out *output.Kept) error {
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	head = append(head[:len(head)-1], `,"result":"`...)
	if out.Total() <= inOnePiece {
		r := newResult(head, out)
		defer r.Close()
		body, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		return c.Send(body)
	}
	// Its length first: the server writes a body of a known one in large pieces.
	size, err := newResult(head, out).WriteTo(io.Discard)
	if err != nil {
		_ = out.Close()
		return err
	}
	c.Context().SetBodyStream(newResult(head, out), int(size))
	return nil
}

// result is a body: what stands before the output, the output as the inside of a
// JSON string, and what stands behind it.
type result struct {
	out  *output.Kept
	src  io.Reader
	raw  []byte // a block, and before it the bytes of a character that was cut
	cut  int    // how many these are
	buf  []byte
	rest []byte // the part of buf that was not read yet
	over bool
}

func newResult(head []byte, out *output.Kept) *result {
	return &result{out: out, src: out.Reader(), raw: make([]byte, blockSize), rest: head}
}

// Read gives out the next part.
func (r *result) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if r.over {
			return 0, io.EOF
		}
		if err := r.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// WriteTo gives out everything, without a copy in between.
func (r *result) WriteTo(w io.Writer) (total int64, err error) {
	for {
		n, err := w.Write(r.rest)
		total += int64(n)
		if err != nil {
			return total, err
		}
		r.rest = nil
		if r.over {
			return total, nil
		}
		if err := r.fill(); err != nil {
			return total, err
		}
	}
}

// fill makes the next part from the next block.
func (r *result) fill() error {
	n, err := io.ReadFull(r.src, r.raw[r.cut:])
	block := r.raw[:r.cut+n]
	switch {
	case err == nil:
		var taken int
		r.buf, taken = escape.AppendSome(r.buf[:0], block)
		r.cut = copy(r.raw, block[taken:])
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		r.buf = append(escape.Append(r.buf[:0], block), `"}`...)
		r.over = true
	default:
		return fmt.Errorf("read the kept output: %w", err)
	}
	r.rest = r.buf
	return nil
}

// Close frees the output. The server calls it when the answer was sent, or when
// the client has left.
func (r *result) Close() error { return r.out.Close() }
