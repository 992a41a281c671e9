// Package output keeps what a program puts out, when its caller wants all of it at
// once, within a bound.
//
// A [Kept] holds it, in memory or in a file without a name; a [Reader] fills one
// from a pipe, and has a goroutine that ends when it is finished or the pipe has
// ended. Whoever made either closes it.
package output

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"hotcell/internal/pipes"
)

const (
	// Half is how much is kept of an output's beginning, and as much of its
	// end: together about what a client can still take in one answer.
	Half = 16 << 20
	// keptMemory is how much of it is in memory; what is more goes to a file
	// without a name, so that many long answers cost disk and not memory.
	keptMemory = 512 << 10
)

// Kept is the output of a command in one piece: all of it, or, if that is too
// long, its beginning and its end. It is written by one goroutine and read once
// that has ended.
type Kept struct {
	dir    string
	half   int64
	memory int
	total  int64 // bytes written to it
	stored int64 // of these, what was kept or has been overwritten by what came later
	fault  error // why nothing was stored after that
	buf    []byte
	file   *os.File
}

// New returns an empty one, whose file will lie in dir. Of more than twice half
// bytes (0: [Half]) only the beginning and the end are kept.
func New(dir string, half int64) *Kept {
	return &Kept{dir: dir, half: cmp.Or(half, Half), memory: keptMemory}
}

// Write takes all of p, always.
func (k *Kept) Write(p []byte) (int, error) {
	n := len(p)
	k.total += int64(n)
	if k.fault != nil {
		return n, nil //nolint:nilerr // it is told with the output
	}
	if k.file == nil {
		if len(k.buf)+n <= k.memory {
			k.buf = append(k.buf, p...)
			k.stored += int64(n)
			return n, nil
		}
		if k.file, k.fault = Unnamed(k.dir, string(k.buf)); k.fault == nil {
			k.buf = nil
		}
	}
	for len(p) > 0 && k.fault == nil {
		off, room := k.place(k.stored)
		m := min(int64(len(p)), room)
		_, k.fault = k.file.WriteAt(p[:m], off)
		if k.fault == nil {
			k.stored += m
		}
		p = p[m:]
	}
	return n, nil
}

// place is where in the file the byte numbered n is, and how many more may
// follow it there. The second half of the file is a ring.
func (k *Kept) place(n int64) (off, room int64) {
	if n < k.half {
		return n, k.half - n
	}
	in := (n - k.half) % k.half
	return k.half + in, k.half - in
}

// Total is how many bytes the command has written.
func (k *Kept) Total() int64 { return k.total }

// Omitted is how many of them are not kept.
func (k *Kept) Omitted() int64 {
	end, begin := k.gap()
	return begin - end + k.total - k.stored
}

// gap is what is left out in the middle: from the byte numbered end to the one
// before begin. Characters are not cut, their pieces count as left out.
func (k *Kept) gap() (end, begin int64) {
	from := max(k.half, k.stored-k.half)
	if k.stored <= 2*k.half {
		return from, from
	}
	end = k.half - int64(pipes.Partial(k.peek(k.half-utf8.UTFMax+1, k.half)))
	return end, from + int64(cutBegin(k.peek(from, from+utf8.UTFMax-1)))
}

// Note adds a line of the service's own, at the end of what was put out.
func (k *Kept) Note(text string) {
	if last := k.Tail(1); last != "" && last != "\n" {
		text = "\n" + text
	}
	_, _ = k.Write([]byte(text + "\n"))
}

// Reader reads what is kept, with a line in each place where something is not.
func (k *Kept) Reader() io.Reader {
	end, begin := k.gap()
	parts := []io.Reader{k.section(0, min(k.stored, end))}
	if begin > end {
		parts = append(parts, strings.NewReader(omission(begin-end)))
	}
	if k.stored > begin {
		parts = append(parts, k.section(begin, k.stored))
	}
	if lost := k.total - k.stored; lost > 0 {
		parts = append(parts, strings.NewReader(fmt.Sprintf("\n[hotcell: %d bytes that followed could not be kept: %v]\n", lost, k.fault)))
	}
	return io.MultiReader(parts...)
}

func omission(bytes int64) string {
	return fmt.Sprintf("\n[hotcell: %d bytes are left out here; to get all of them, write the output to a file]\n", bytes)
}

// section reads the bytes numbered from to end, which are all kept.
func (k *Kept) section(from, end int64) io.Reader {
	if k.file == nil {
		return strings.NewReader(string(k.buf[from:end]))
	}
	off, room := k.place(from)
	if room >= end-from {
		return io.NewSectionReader(k.file, off, end-from)
	}
	return io.MultiReader(io.NewSectionReader(k.file, off, room), k.section(from+room, end))
}

func (k *Kept) peek(from, end int64) []byte {
	b, _ := io.ReadAll(k.section(from, end))
	return b
}

// String is all of what [Kept.Reader] reads, as text: a byte that is part of no
// character becomes U+FFFD.
func (k *Kept) String() string {
	b, _ := io.ReadAll(k.Reader()) // from memory, or from a file of our own
	return text(b)
}

func text(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	s.Grow(len(b))
	for _, r := range string(b) { // of an invalid byte, the loop makes U+FFFD
		s.WriteRune(r)
	}
	return s.String()
}

// Tail is the end of what is kept, at most n bytes of it, as text.
func (k *Kept) Tail(n int64) string {
	b := k.peek(max(0, k.stored-n), k.stored)
	if k.stored > n {
		b = b[cutBegin(b):]
	}
	return text(b)
}

// Close frees what is kept.
func (k *Kept) Close() error {
	k.buf = nil
	if k.file == nil {
		return nil
	}
	return k.file.Close()
}

// cutBegin is how many bytes at the beginning of b are the rest of a character.
func cutBegin(b []byte) int {
	n := 0
	for n < min(len(b), utf8.UTFMax-1) && !utf8.RuneStart(b[n]) {
		n++
	}
	return n
}

// Unnamed is a file with a content and no name, read from its beginning.
func Unnamed(dir, content string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "command-*")
	if err != nil {
		return nil, err
	}
	err = os.Remove(f.Name())
	if err == nil {
		_, err = io.WriteString(f, content)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}
