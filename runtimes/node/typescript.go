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
	var res api.TransformResult
	if kept := keepConstant(code); kept != code {
		res = transform(kept)
	}
	if len(res.Code) == 0 {
		res = transform(code)
	}
	if len(res.Errors) > 0 {
		fault := syntaxError("cell", res.Errors)
		fault.Incomplete = incomplete(code, fault.Value)
		return "", fault
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

// compileProgram makes JavaScript of a whole program. Its imports are those that
// it uses, and a map says where everything was in the text that its author knows.
func compileProgram(code, file string) (string, *runtimes.UserError) {
	res := api.Transform(strings.ToValidUTF8(code, "\uFFFD"), api.TransformOptions{
		Loader:        api.LoaderTS,
		Target:        api.ESNext,
		Supported:     map[string]bool{"decorators": false}, // V8 has none yet
		TsconfigRaw:   `{"compilerOptions": {"useDefineForClassFields": true}}`,
		Sourcemap:     api.SourceMapInline,
		Sourcefile:    file,
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsNone,
		TreeShaking:   api.TreeShakingFalse,
		LogLevel:      api.LogLevelSilent,
	})
	if len(res.Errors) > 0 {
		return "", syntaxError(file, res.Errors)
	}
	return string(res.Code), nil
}

func transform(code string) api.TransformResult {
	return api.Transform(code, api.TransformOptions{
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
}

// syntaxError tells the first fault, as V8's own are told.
func syntaxError(file string, faults []api.Message) *runtimes.UserError {
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
	e.Traceback = fmt.Sprintf("%s:%d:%d\n%s\n%s^\n\n%s",
		file, at.Line, utf8.RuneCountInString(at.LineText[:column])+1, line, strings.Repeat(" ", caret), last)
	return e
}

// incomplete says whether a fault is that the text ends too early. A string
// between quotes would have to end in its own line; of a template, about which
// the compiler says the same, more may follow.
func incomplete(code, fault string) bool {
	if strings.HasPrefix(fault, unterminated) {
		errs := transform(code + "`").Errors
		return len(errs) == 0 || !strings.HasPrefix(errs[0].Text, unterminated)
	}
	return strings.Contains(fault, "end of file") || strings.HasSuffix(fault, "to terminate multi-line comment")
}

const unterminated = "Unterminated string literal"
