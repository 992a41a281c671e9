package cell

import (
	"go/token"
	"strings"
)

// IsComplete says whether a cell can run as it is: complete, incomplete (with
// the indent that the next line would have), or invalid.
func IsComplete(code string) (status, indent string) {
	if acceptable("cell", code) != nil {
		return "invalid", ""
	}
	code = strings.ReplaceAll(code, "\r\n", "\n")
	toks, serr := scan(code)
	if serr != nil {
		if strings.Contains(serr.msg, "raw string literal not terminated") || strings.Contains(serr.msg, "comment not terminated") {
			return "incomplete", ""
		}
		return "invalid", ""
	}
	depth := 0
	var last token.Token
	for _, t := range toks {
		switch t.tok {
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth--
		}
		if t.tok != token.EOF {
			last = t.tok
		}
	}
	if depth > 0 {
		return "incomplete", strings.Repeat("\t", depth)
	}
	if _, err := newDraft(token.NewFileSet(), "cell", code); err == nil {
		return "complete", ""
	}
	// A line that ends in an operator or a comma goes on in the next one.
	if depth == 0 && (last.IsOperator() && last != token.SEMICOLON && last != token.RPAREN && last != token.RBRACK && last != token.RBRACE || last.IsKeyword()) {
		return "incomplete", "\t"
	}
	return "invalid", ""
}
