package node

import (
	"encoding/json"
	"strings"

	"hotcell/runtimes"
)

// Translate turns a cell into what the driver's V8 takes: TypeScript into
// JavaScript, and import and export, which V8 refuses in evaluated text, into
// calls of the driver. Lines keep their numbers. JavaScript is never refused
// here: what this package does not understand goes to V8 as it is.
func (r *Runtime) Translate(language, code string) (string, *runtimes.UserError) {
	// A source map of invalid UTF-8 keeps the TypeScript compiler busy for ever.
	code = strings.ToValidUTF8(code, "\uFFFD")
	original := code
	if language == "typescript" {
		stripped, fault := strip(code)
		if fault != nil {
			return "", fault
		}
		code = stripped
	}
	// Most JavaScript cells have neither word, and cost nothing.
	if strings.Contains(code, "import") || strings.Contains(code, "export") {
		code = rewriteModules(code)
	}
	return withOriginal(code, original), nil
}

// originalMark stands before the original text of a cell, see kernel.mjs.
const originalMark = "\n//# hotcell-source="

// longestOriginal is the length of a cell whose lines tracebacks show.
const longestOriginal = 64 << 10

// withOriginal adds what the user wrote, so that tracebacks can show it.
func withOriginal(code, original string) string {
	if code == original || len(original) > longestOriginal {
		return code
	}
	quoted, err := json.Marshal(original) // in one line, whatever is in it
	if err != nil {
		return code
	}
	return code + originalMark + string(quoted)
}
