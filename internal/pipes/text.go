package pipes

import (
	"strings"
	"unicode/utf8"
)

// Partial is how many bytes at the end of b begin a character that b cuts off.
func Partial(b []byte) int {
	for i := 1; i <= min(len(b), utf8.UTFMax-1); i++ {
		c := b[len(b)-i]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(b[len(b)-i:]) {
				return i
			}
			return 0
		}
	}
	return 0
}

// Pieces turns bytes into valid text, each byte that is no part of a character
// becoming U+FFFD, in pieces of at most size bytes. b itself is never longer
// than that.
func Pieces(b []byte, size int) []string {
	if utf8.Valid(b) {
		return []string{string(b)}
	}
	var out []string
	var sb strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if sb.Len()+utf8.RuneLen(r) > size {
			out = append(out, sb.String())
			sb.Reset()
		}
		sb.WriteRune(r)
		b = b[n:]
	}
	return append(out, sb.String())
}
