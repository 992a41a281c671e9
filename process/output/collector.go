// Package output keeps what a program puts out, when its caller wants all of it
// at once: stdout and stderr in one order, as text, within a bound.
//
// A [Collector] holds the text; a [Reader] fills one from a pipe, and has a
// goroutine that ends when it is finished or the pipe has ended.
package output

import (
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// DefaultLimit is how much of one run is kept. An answer of that size is a
// second of a fast network and still no burden to a client that parses JSON.
const DefaultLimit = 32 << 20

// Collector keeps bytes up to a limit; of more, the beginning and the end, half
// of the limit each: what a program says first and what it died of. Its methods
// may be called from several goroutines.
type Collector struct {
	half int // of the limit

	mu    sync.Mutex
	head  []byte
	tail  []byte // a ring once it is full
	next  int    // where the ring's oldest byte is
	total int64
}

// New returns an empty collector. A limit of 0 is [DefaultLimit].
func New(limit int) *Collector {
	if limit <= 0 {
		limit = DefaultLimit
	}
	return &Collector{half: max(limit/2, 1)}
}

// Write takes all of p and never fails.
func (c *Collector) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := len(p)
	c.total += int64(n)
	if room := c.half - len(c.head); room > 0 {
		k := min(room, len(p))
		c.head = append(c.head, p[:k]...)
		p = p[k:]
	}
	if len(p) > c.half { // the rest would be overwritten at once
		p = p[len(p)-c.half:]
	}
	if room := c.half - len(c.tail); room > 0 {
		k := min(room, len(p))
		c.tail = append(c.tail, p[:k]...)
		p = p[k:]
	}
	for len(p) > 0 {
		k := copy(c.tail[c.next:], p)
		c.next = (c.next + k) % c.half
		p = p[k:]
	}
	return n, nil
}

// Total is how many bytes came.
func (c *Collector) Total() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.total
}

// Omitted is how many of them are not kept.
func (c *Collector) Omitted() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.omitted()
}

func (c *Collector) omitted() int64 { return c.total - int64(len(c.head)+len(c.tail)) }

// String is the text: all of it, or its beginning and its end and between them
// a line that says how much was left out. Nothing is cut inside a character; a
// byte that is no UTF-8 becomes U+FFFD.
func (c *Collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	omitted := c.omitted()
	if omitted == 0 {
		return text(c.head, c.tail)
	}
	head := withoutBrokenEnd(c.head)
	older, newer := c.tail[c.next:], c.tail[:c.next]
	skip := brokenBeginning(older)
	older = older[skip:]
	omitted += int64(len(c.head) - len(head) + skip)
	note := fmt.Sprintf("\n[%d bytes were left out here: of one run the first and the last %s are kept]\n", omitted, size(c.half))
	return text(head) + note + text(older, newer)
}

// Tail is the end of the text, at most n bytes of it.
func (c *Collector) Tail(n int) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := make([]byte, 0, n)
	for _, part := range [][]byte{c.tail[:c.next], c.tail[c.next:], c.head} { // newest first
		if len(part) == 0 {
			continue
		}
		if c.omitted() > 0 && len(last) >= c.half {
			break // what is before has a gap behind it
		}
		k := min(n-len(last), len(part))
		last = append(append(make([]byte, 0, n), part[len(part)-k:]...), last...)
	}
	if int64(len(last)) < c.total {
		last = last[brokenBeginning(last):]
	}
	return text(last)
}

// text joins pieces, which may be cut inside of a character where they meet.
func text(pieces ...[]byte) string {
	size := 0
	for _, p := range pieces {
		size += len(p)
	}
	var b strings.Builder
	b.Grow(size)
	for _, p := range pieces {
		b.Write(p)
	}
	s := b.String()
	if utf8.ValidString(s) {
		return s
	}
	b.Reset()
	b.Grow(len(s))
	for _, r := range s { // of an invalid byte, the loop makes U+FFFD
		b.WriteRune(r)
	}
	return b.String()
}

// withoutBrokenEnd leaves out a character that lacks its last bytes.
func withoutBrokenEnd(p []byte) []byte {
	for i := 1; i < utf8.UTFMax && i <= len(p); i++ {
		if at := len(p) - i; utf8.RuneStart(p[at]) {
			if !utf8.FullRune(p[at:]) {
				return p[:at]
			}
			return p
		}
	}
	return p
}

// brokenBeginning is how many bytes belong to a character that began before.
func brokenBeginning(p []byte) int {
	n := min(utf8.UTFMax-1, len(p))
	for i := range n {
		if utf8.RuneStart(p[i]) {
			return i
		}
	}
	return n
}

func size(n int) string {
	if n >= 1<<20 && n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
