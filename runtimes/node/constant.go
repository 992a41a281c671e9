package node

import "regexp"

const (
	constant = "(?:undefined|null|true|false|[0-9][0-9A-Za-z_.]*|'[^'\\\\\n]*'|\"[^\"\\\\\n]*\")"
	operand  = `(?:(?:(?:void|typeof)\b|[!~+-])[ \t]*)*` + constant
	operator = `(?:===?|!==?|&&|\|\||\?\?|[<>]=?|[-+*/%])`
	// A sign at the beginning of a line goes on with the line before.
	begin = `(?:(?:^|;)\s*[+-]?|[}\n][ \t]*)`
)

// The compiler folds constants and drops a statement that has become one, so
// that the value of the statement before would be the cell's. What these find
// is kept by a call.
var (
	lastConstant = regexp.MustCompile(begin +
		`((?:(?:(?:void|typeof)\b|[!~])[ \t]*)*` + constant + `(?:[ \t]*` + operator + `[ \t]*` + operand + `)*)` +
		`(?:!|[ \t]+as[ \t]+[A-Za-z]+)?\s*;?\s*(?://[^\n]*)?\s*$`)
	plainConstant = regexp.MustCompile(`^` + constant + `$`)
)

// keepConstant puts the constant that a cell ends with into a call, which is
// not folded. In the rare place where no call may stand the compiler refuses
// what comes out, and the cell is compiled as it was.
func keepConstant(code string) string {
	// Only a cell's last line or two can match: expressions run over the rest for nothing.
	from := max(0, len(code)-longestConstant)
	at := lastConstant.FindStringSubmatchIndex(code[from:])
	if at == nil || (at[0] == 0 && from > 0) {
		return code
	}
	first, last := from+at[2], from+at[3]
	if text := code[first:last]; text != "undefined" && plainConstant.MatchString(text) && !signed(code, first) {
		return code // not dropped, and perhaps 'use strict'
	}
	for first > 0 && signed(code, first) {
		first--
	}
	return code[:first] + "__hotcell.same(" + code[first:last] + ")" + code[last:]
}

// longestConstant is more than anybody writes as one.
const longestConstant = 1 << 10

func signed(code string, at int) bool {
	return at > 0 && (code[at-1] == '-' || code[at-1] == '+')
}
