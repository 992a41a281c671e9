package node

import (
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
	if language == "typescript" {
		stripped, fault := strip(code)
		if fault != nil {
			return "", fault
		}
		code = stripped
	}
	// Most cells have neither word, and cost nothing.
	if !strings.Contains(code, "import") && !strings.Contains(code, "export") {
		return code, nil
	}
	return rewriteModules(code), nil
}
