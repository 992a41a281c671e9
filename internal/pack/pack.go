// Package pack writes the fields of a record one after another as bytes, for files of
// our own that are written on the way of every execution, where JSON would take most of
// the time. Texts have their length before them; numbers are varints.
package pack

import (
	"encoding/binary"
	"math"
	"time"
)

// TimeSize is what a time occupies.
const TimeSize = 8

// Text appends a text.
func Text[S ~string | ~[]byte](dst []byte, s S) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Number appends a number that isn't negative.
func Number(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }

// Float appends a number.
func Float(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

// Time appends a time, to the nanosecond, without its zone. The zero time stays zero.
func Time(dst []byte, t time.Time) []byte {
	n := int64(math.MinInt64)
	if !t.IsZero() {
		n = t.UnixNano()
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(n))
}

// Reader takes fields apart in the same order. What isn't there is zero, and OK
// false from then on.
type Reader struct {
	src []byte
	bad bool
}

// NewReader returns a reader of src, of which its Rest is a part.
func NewReader(src []byte) *Reader { return &Reader{src: src} }

// OK reports that all that was asked for was there.
func (r *Reader) OK() bool { return !r.bad }

// More reports that there is something left.
func (r *Reader) More() bool { return len(r.src) > 0 }

// Byte reads one.
func (r *Reader) Byte() byte {
	if b := r.next(1); b != nil {
		return b[0]
	}
	return 0
}

// Text reads a text.
func (r *Reader) Text() string { return string(r.next(r.Number())) }

// Bytes reads a text as a slice of its own.
func (r *Reader) Bytes() []byte { return append([]byte(nil), r.next(r.Number())...) }

// Number reads a number.
func (r *Reader) Number() uint64 {
	n, size := binary.Uvarint(r.src)
	if size <= 0 {
		r.bad, r.src = true, nil
		return 0
	}
	r.src = r.src[size:]
	return n
}

// Float reads a number.
func (r *Reader) Float() float64 { return math.Float64frombits(r.fixed()) }

// Time reads a time.
func (r *Reader) Time() time.Time {
	n := int64(r.fixed())
	if r.bad || n == math.MinInt64 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

// Rest reads all that is left.
func (r *Reader) Rest() []byte {
	rest := r.src
	r.src = nil
	return rest
}

func (r *Reader) fixed() uint64 {
	b := r.next(8)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}

// next reads so many bytes.
func (r *Reader) next(n uint64) []byte {
	if r.bad || n > uint64(len(r.src)) {
		r.bad, r.src = true, nil
		return nil
	}
	out := r.src[:n:n]
	r.src = r.src[n:]
	return out
}
