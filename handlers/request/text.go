package request

import (
	"strconv"
	"unicode/utf8"

	"hotcell/handlers/fault"
)

// CheckText refuses a body whose text could not be kept as it is: bytes that
// are no UTF-8, and halves of characters (\ud800 without its other half), for
// which decoding would silently put something else.
func CheckText(body []byte) error {
	if !utf8.Valid(body) {
		return fault.BadRequest("the request body is not UTF-8")
	}
	for i := 0; i+1 < len(body); i++ {
		if body[i] != '\\' {
			continue
		}
		unit := escaped(body[i:])
		switch {
		case unit < 0:
			i++ // what is escaped is no backslash that begins another
		case unit < 0xD800 || unit > 0xDFFF:
			i += 5
		default:
			next := -1
			if i+6 < len(body) {
				next = escaped(body[i+6:])
			}
			if unit > 0xDBFF || next < 0xDC00 || next > 0xDFFF {
				return fault.BadRequest("the request body has half of a character at byte %d (%s): no program's text can carry it", i, body[i:i+6])
			}
			i += 11
		}
	}
	return nil
}

// escaped is the number in a \uXXXX that text begins with, or -1.
func escaped(text []byte) int {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return -1
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(n)
}
