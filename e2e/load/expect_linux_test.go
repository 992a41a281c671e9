package load_test

import (
	"fmt"
	"iter"
	"strconv"
	"strings"
)

// expectation compares text to what is wanted as it comes, piece by piece, so
// that nobody has to hold all of it.
type expectation struct {
	next  func() (string, bool)
	stop  func()
	rest  string // of the piece that is wanted next
	bytes int64  // that have come so far
	fault error
}

func expect(want iter.Seq[string]) *expectation {
	e := &expectation{}
	e.next, e.stop = iter.Pull(want)
	return e
}

func (e *expectation) take(got string) {
	for got != "" && e.fault == nil {
		if e.rest == "" {
			var more bool
			if e.rest, more = e.next(); !more {
				e.fault = fmt.Errorf("%.60q came after the end, at byte %d", got, e.bytes)
				return
			}
			continue
		}
		n := min(len(got), len(e.rest))
		if got[:n] != e.rest[:n] {
			e.fault = fmt.Errorf("%.60q came where %.60q was wanted, near byte %d", got, e.rest, e.bytes)
			return
		}
		got, e.rest = got[n:], e.rest[n:]
		e.bytes += int64(n)
	}
}

// end says whether all of it has come.
func (e *expectation) end() error {
	defer e.stop()
	if e.fault != nil {
		return e.fault
	}
	for e.rest == "" {
		var more bool
		if e.rest, more = e.next(); !more {
			return nil
		}
	}
	return fmt.Errorf("only %d bytes came; %.60q did not", e.bytes, e.rest)
}

// numbers are the lines 0 to n-1.
func numbers(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(strconv.Itoa(i) + "\n") {
				return
			}
		}
	}
}

// blocks are n times size bytes, each of a letter of its own.
func blocks(n, size int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range n {
			if !yield(strings.Repeat(string(rune('a'+i%26)), size)) {
				return
			}
		}
	}
}

// letters are n digits, 0 to 9 over and over.
func letters(n int) iter.Seq[string] {
	return func(yield func(string) bool) {
		for range n / 10 {
			if !yield("0123456789") {
				return
			}
		}
	}
}
