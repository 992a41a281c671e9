package escape_test

import (
	"encoding/json"
	"strings"
	"testing"

	"hotcell/handlers/escape"
)

// wanted is s as every reader of JSON should see it.
func wanted(s string) string {
	var b strings.Builder
	for _, r := range s { // gives U+FFFD for each byte that is no part of a character
		b.WriteRune(r)
	}
	return b.String()
}

func FuzzAppend(f *testing.F) {
	for _, s := range []string{"", "a\"b\\c\n\r\t\x00\x1f\x7f", "ä€🙂", "\xff\xc3", "a\xe2\x82", "\xe2\x82a", "\xed\xa0\x80", "\xf0\x9f\x99", "\u2028</script>"} {
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, at int) {
		whole := string(escape.Append([]byte{'"'}, s)) + `"`
		var got string
		if err := json.Unmarshal([]byte(whole), &got); err != nil || got != wanted(s) {
			t.Fatalf("%q became %s: %v", s, whole, err)
		}
		if at < 0 || at > len(s) {
			return
		}
		parts, n := escape.AppendSome([]byte{'"'}, []byte(s[:at]))
		parts = append(escape.Append(parts, []byte(s[n:])), '"')
		if string(parts) != whole {
			t.Errorf("in two parts %q became %s, not %s", s, parts, whole)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	s := strings.Repeat("1234567\n", 8<<10)
	b.SetBytes(int64(len(s)))
	var buf []byte
	for b.Loop() {
		buf = escape.Append(buf[:0], s)
	}
}
