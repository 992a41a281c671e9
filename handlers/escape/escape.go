// Package escape writes output as JSON strings. Output is nearly everything that
// is ever sent, so this is done by hand, several times faster than encoding/json
// does it. It owns nothing.
package escape

import "unicode/utf8"

const hexDigits = "0123456789abcdef"

// text is what can be escaped.
type text interface{ ~string | ~[]byte }

// Append appends s to the inside of a JSON string. Each byte that is no part of a
// character becomes U+FFFD.
func Append[T text](dst []byte, s T) []byte {
	dst, _ = appendSome(dst, s, true)
	return dst
}

// AppendSome is Append for the beginning of a longer text: it leaves out, and
// does not count in n, what may be the first bytes of a character.
func AppendSome[T text](dst []byte, s T) (out []byte, n int) { return appendSome(dst, s, false) }

func appendSome[T text](dst []byte, s T, all bool) ([]byte, int) {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := decode(s[i:])
			if r != utf8.RuneError || size != 1 {
				i += size
				continue
			}
			if !all && cut(s[i:]) {
				return append(dst, s[start:i]...), i
			}
			dst = append(append(dst, s[start:i]...), "\uFFFD"...)
			i++
			start = i
			continue
		}
		if c >= 0x20 && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[start:i]...)
		i++
		start = i
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, s[start:]...), len(s)
}

// decode decodes one character.
func decode[T text](s T) (rune, int) {
	var b [utf8.UTFMax]byte
	return utf8.DecodeRune(b[:copy(b[:], s)])
}

// cut reports whether s is the beginning of a character, and nothing more.
func cut[T text](s T) bool {
	var b [utf8.UTFMax]byte
	n := copy(b[:], s)
	return len(s) < utf8.UTFMax && !utf8.FullRune(b[:n])
}
