package conformance_test

import "strings"

func repeat(s string, n int) string { return strings.Repeat(s, n) }

// cases are all of them, with their cells in every language that has some.
func cases() []testCase {
	table := []testCase{
		{name: "state"},
		{name: "redefinition"},
		{name: "imports"},
		{name: "streams"},
		{name: "order", native: true},
		{name: "multi-byte"},
		{name: "result"},
		{name: "mixed"},
		{name: "types"},
		{name: "errors"},
		{name: "env of a run"},
		{name: "env of a context", env: map[string]string{"HOT_CTX": "of the context"}},
		{name: "cwd", cwd: true},
		{name: "timeout"},
		{name: "interrupt", native: true},
		{name: "death"},
		{name: "await"},
		{name: "input", native: true},
		{name: "blank", native: true},
		{name: "form"},
		{name: "subprocess"},
		{name: "exit"},
	}
	cells := map[string]map[string][]step{
		"python": pythonSteps(), "javascript": javascriptSteps(), "typescript": typescriptSteps(), "go": goSteps(),
	}
	for i := range table {
		table[i].steps = map[string][]step{}
		for language, steps := range cells {
			if own, ok := steps[table[i].name]; ok {
				table[i].steps[language] = own
			}
		}
	}
	return table
}
