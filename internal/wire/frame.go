package wire

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// MaxFrame is the largest frame body either side may send. A frame carries one
// cell or one bundle; 64 MiB fits a large inline picture or a generated
// program and still bounds what a hostile driver can make the server hold.
const MaxFrame = 64 << 20

// headSize is that of the length before a frame's body.
const headSize = 4

// ErrFrameTooLarge is returned for a frame whose declared length is over [MaxFrame].
var ErrFrameTooLarge = errors.New("frame is larger than 64 MiB")

// ErrNoMessage is returned for a frame that was read whole and isn't what it should hold.
var ErrNoMessage = errors.New("frame is no message")

// WriteFrame writes v as one frame: a 4-byte big-endian length, then JSON.
// The frame leaves in a single Write, so concurrent writers that share a
// lock-free descriptor still have to serialise their calls.
func WriteFrame(w io.Writer, v any) error {
	var frame bytes.Buffer
	frame.Write(make([]byte, headSize))
	enc := json.NewEncoder(&frame)
	enc.SetEscapeHTML(false) // six bytes for each < and & would make code outgrow a frame
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	buf := bytes.TrimSuffix(frame.Bytes(), []byte("\n")) // which Encode appends
	if body := buf[headSize:]; !utf8.Valid(body) {       // raw JSON is taken as it is
		buf = append(buf[:headSize:headSize], bytes.ToValidUTF8(body, []byte("\ufffd"))...)
	}
	n := len(buf) - headSize
	if n > MaxFrame {
		return fmt.Errorf("write frame of %d bytes: %w", n, ErrFrameTooLarge)
	}
	binary.BigEndian.PutUint32(buf, uint32(n))
	if _, err := w.Write(buf); err != nil {
		return fmt.Errorf("write frame: %w", err)
	}
	return nil
}

// ReadFrame reads one frame into v. It returns io.EOF only at a frame boundary.
func ReadFrame(r io.Reader, v any) error {
	var head [headSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("read frame length: %w", err)
		}
		return err
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxFrame {
		return fmt.Errorf("read frame of %d bytes: %w", n, ErrFrameTooLarge)
	}
	body, err := readBody(r, int(n))
	if err != nil {
		return fmt.Errorf("read frame body: %w", err)
	}
	if !utf8.Valid(body) { // each such byte would become three when it is decoded
		return fmt.Errorf("decode frame: %w: it is not valid UTF-8", ErrNoMessage)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return fmt.Errorf("decode frame: %w: %w", ErrNoMessage, err)
	}
	return nil
}

// FrameBuffered reports whether r holds another whole frame already.
func FrameBuffered(r *bufio.Reader) bool {
	if r.Buffered() < headSize {
		return false
	}
	head, err := r.Peek(headSize)
	return err == nil && uint64(binary.BigEndian.Uint32(head))+headSize <= uint64(r.Buffered())
}

// readBody grows with what really arrives, so that a length prefix alone
// cannot make the server allocate 64 MiB.
func readBody(r io.Reader, n int) ([]byte, error) {
	const step = 1 << 20
	body := make([]byte, 0, min(n, step))
	for len(body) < n {
		k := min(n-len(body), step)
		if cap(body)-len(body) < k {
			grown := make([]byte, len(body), min(n, 2*cap(body)+k))
			copy(grown, body)
			body = grown
		}
		got, err := io.ReadFull(r, body[len(body):len(body)+k])
		body = body[:len(body)+got]
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return body, nil
}
