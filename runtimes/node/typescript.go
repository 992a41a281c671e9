package node

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"

	"hotcell/runtimes"
)

// compilerOptions keep imports that the cell itself does not use: a later cell
// may. Class fields are JavaScript's own.
const compilerOptions = `{"compilerOptions": {"verbatimModuleSyntax": true, "useDefineForClassFields": true}}`

// strip makes JavaScript of TypeScript, each statement on its own line still.
func strip(code string) (string, *runtimes.UserError) {
	res := api.Transform(code, api.TransformOptions{
		Loader:        api.LoaderTS,
		Target:        api.ESNext,
		Supported:     map[string]bool{"decorators": false}, // V8 has none yet
		TsconfigRaw:   compilerOptions,
		Sourcemap:     api.SourceMapExternal,
		Sourcefile:    "cell",
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		TreeShaking:   api.TreeShakingFalse,
		LogLevel:      api.LogLevelSilent,
	})
	if len(res.Errors) > 0 {
		return "", syntaxError(res.Errors)
	}
	var sourceMap struct {
		Mappings string `json:"mappings"`
	}
	out := string(res.Code)
	if json.Unmarshal(res.Map, &sourceMap) != nil {
		return out, nil
	}
	return relay(out, sourceMap.Mappings), nil
}

// syntaxError tells the first fault, as V8's own are told.
func syntaxError(faults []api.Message) *runtimes.UserError {
	first := faults[0]
	e := &runtimes.UserError{Name: "SyntaxError", Value: first.Text}
	last := "SyntaxError: " + first.Text
	if more := len(faults) - 1; more > 0 {
		last += fmt.Sprintf(" (and %d more)", more)
	}
	at := first.Location
	if at == nil {
		e.Traceback = last
		return e
	}
	column := min(at.Column, len(at.LineText))
	line, caret := at.LineText, utf8.RuneCountInString(at.LineText[:column])
	if utf8.RuneCountInString(line) > 300 {
		// A generated line may be megabytes long; its neighbourhood is enough.
		runes := []rune(line)
		from := max(0, min(caret-100, len(runes)-300))
		line, caret = string(runes[from:min(len(runes), from+300)]), caret-from
	}
	e.Traceback = fmt.Sprintf("cell:%d:%d\n%s\n%s^\n\n%s",
		at.Line, utf8.RuneCountInString(at.LineText[:column])+1, line, strings.Repeat(" ", caret), last)
	return e
}
