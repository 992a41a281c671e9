package node

import (
	"strings"
	"unicode/utf16"

	"github.com/tdewolff/parse/v2/js"
)

// relay puts generated code back on the lines that it comes from, so that a
// stack trace's line is the user's without any map at run time. It moves line
// ends only: the generator ends every statement with a semicolon, so one that
// it has put is never needed, and one that is added here stands where the
// grammar allows it.
func relay(code, mappings string) string {
	tokens, ok := tokenize(code)
	if !ok {
		return code
	}
	origin := origins(mappings)
	var out strings.Builder
	out.Grow(len(code) + len(code)/8)
	var here position // in the generated code
	line := 0         // of out
	var last token
	gap, forced := false, false
	for i, t := range tokens {
		started := here
		here = here.after(t.text)
		switch t.kind {
		case js.WhitespaceToken, js.LineTerminatorToken:
			gap = true
			continue
		default:
		}
		want, mapped := origin[started]
		if !mapped && js.IsIdentifierName(t.kind) {
			// A word like throw or return, after which no line may end.
			want, mapped = origin[following(tokens[i+1:], here)]
		}
		switch {
		case mapped && want > line && mayBreak(last, t):
			out.WriteString(strings.Repeat("\n", want-line))
			line = want
		case forced:
			out.WriteByte('\n')
			line++
		case gap:
			out.WriteByte(' ')
		}
		gap = false
		// Nothing may follow a comment that runs to the end of its line.
		forced = t.blank() && (strings.HasPrefix(t.text, "//") || strings.HasPrefix(t.text, "<!--") || strings.HasPrefix(t.text, "-->") || strings.HasPrefix(t.text, "#!"))
		out.WriteString(t.text)
		line += strings.Count(t.text, "\n")
		if !t.blank() {
			last = t
		}
	}
	return out.String()
}

// following is where the first token that is not blank begins.
func following(tokens []token, at position) position {
	for _, t := range tokens {
		if !t.blank() {
			break
		}
		at = at.after(t.text)
	}
	return at
}

// mayBreak says whether a line may end between two tokens. After a word it may
// mean something (return, async, yield …), and before some operators.
func mayBreak(before, after token) bool {
	switch after.kind {
	case js.ArrowToken, js.IncrToken, js.DecrToken:
		return false
	default:
	}
	return !js.IsIdentifierName(before.kind) || after.kind == js.DotToken || after.kind == js.OptChainToken
}

// position is a place in a text, as source maps count: both from 0, and
// columns in UTF-16.
type position struct{ line, column int }

func (p position) after(text string) position {
	if i := strings.LastIndexByte(text, '\n'); i >= 0 {
		p.line += strings.Count(text, "\n")
		p.column = 0
		text = text[i+1:]
	}
	for _, r := range text {
		p.column += max(1, utf16.RuneLen(r))
	}
	return p
}

// origins decodes the mappings of a version 3 source map of one source: the
// original line of each generated position that has one.
func origins(mappings string) map[position]int {
	out := make(map[position]int)
	original := 0
	for i, group := range strings.Split(mappings, ";") {
		column := 0
		for segment := range strings.SplitSeq(group, ",") {
			var fields [5]int
			n := decodeVLQ(segment, fields[:])
			if n == 0 {
				continue
			}
			column += fields[0]
			if n >= 4 {
				original += fields[2]
				out[position{i, column}] = original
			}
		}
	}
	return out
}

const base64Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

// decodeVLQ reads the numbers of one segment and returns how many there were.
func decodeVLQ(segment string, into []int) int {
	n, value, shift := 0, 0, 0
	for i := 0; i < len(segment) && n < len(into); i++ {
		digit := strings.IndexByte(base64Digits, segment[i])
		if digit < 0 {
			return 0
		}
		value |= (digit & 31) << shift
		shift += 5
		if digit&32 != 0 {
			continue
		}
		if value&1 != 0 {
			into[n] = -(value >> 1)
		} else {
			into[n] = value >> 1
		}
		n, value, shift = n+1, 0, 0
	}
	return n
}
