package chaos_test

import (
	"fmt"
	"strings"
	"time"
)

// deed is a kind of execution.
type deed struct {
	name    string
	weight  int
	timeout time.Duration
	stdin   bool
	wish    bool // its client interrupts it once it has put something out
	status  string
	cell    func(language, id string, n int) string
	// stdout is what it prints if it comes to its end.
	stdout func(id string, n int) string
}

// name says which deed a ledger's line is of.
func deedNamed(name string) *deed {
	for _, d := range deeds() {
		if d.name == name {
			return &d
		}
	}
	return nil
}

func counted(id string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s %d\n", id, i)
	}
	return b.String()
}

// deeds is what clients have the server do. Nothing takes longer than a few seconds,
// whatever happens to its client.
func deeds() []deed {
	first := func(id string, _ int) string { return id + " 0\n" }
	return []deed{
		{name: "quick", weight: 40, status: "ok", cell: count(""), stdout: counted},
		{name: "count", weight: 25, status: "ok", cell: count("pause"), stdout: counted},
		{name: "bulk", weight: 6, status: "ok", cell: bulk, stdout: func(_ string, n int) string { return strings.Repeat("x", n*4096) + "\n" }},
		{name: "error", weight: 6, status: "error", cell: raise, stdout: first},
		{name: "loop", weight: 4, timeout: 300 * time.Millisecond, status: "timeout", cell: loop, stdout: first},
		{name: "wish", weight: 6, timeout: 20 * time.Second, wish: true, status: "interrupted", cell: loop, stdout: first},
		{name: "exit", weight: 3, status: "died", cell: exit, stdout: first},
		{name: "input", weight: 4, timeout: 5 * time.Second, stdin: true, status: "ok", cell: input, stdout: func(id string, _ int) string { return id + " 0\nread " + id + "\n" }},
	}
}

// count prints n lines, with a pause behind each.
func count(pause string) func(string, string, int) string {
	return func(language, id string, n int) string {
		code := map[string]string{
			"python":     "import time\nfor i in range(%[2]d):\n    print('%[1]s', i)\n    PAUSE\n6 * 7",
			"javascript": "for (let i = 0; i < %[2]d; i++) { console.log('%[1]s ' + i); PAUSE }\n6 * 7",
			"typescript": "for (let i: number = 0; i < %[2]d; i++) { console.log('%[1]s ' + i); PAUSE }\n6 * 7",
			"go":         "import (\"fmt\"; \"time\")\nfor i := 0; i < %[2]d; i++ { fmt.Println(\"%[1]s\", i); PAUSE }\n_ = time.Now",
		}[language]
		rest := map[string][2]string{
			"python": {"pass", "time.sleep(0.01)"}, "go": {"", "time.Sleep(10 * time.Millisecond)"},
			"javascript": {"", "await new Promise(r => setTimeout(r, 10))"}, "typescript": {"", "await new Promise(r => setTimeout(r, 10))"},
		}[language]
		after := rest[0]
		if pause != "" {
			after = rest[1]
		}
		return fmt.Sprintf(strings.ReplaceAll(code, "PAUSE", after), id, n)
	}
}

func bulk(language, _ string, n int) string {
	return fmt.Sprintf(map[string]string{
		"python": "print('x' * %d)", "javascript": "console.log('x'.repeat(%d))", "typescript": "console.log('x'.repeat(%d))",
		"go": "import (\"fmt\"; \"strings\")\nfmt.Println(strings.Repeat(\"x\", %d))",
	}[language], n*4096)
}

// says begins a cell with a first line.
func says(language, id, rest string) string {
	return fmt.Sprintf(map[string]string{
		"python": "print('%s 0', flush=True)\n", "javascript": "console.log('%s 0')\n", "typescript": "console.log('%s 0')\n",
		"go": "import (\"fmt\"; \"os\")\nfmt.Println(\"%s 0\")\n_ = os.Exit\n",
	}[language], id) + rest
}

func raise(language, id string, _ int) string {
	return says(language, id, map[string]string{
		"python": "1 / 0", "javascript": "throw new Error('no')", "typescript": "throw new Error('no')", "go": "panic(\"no\")",
	}[language])
}

func loop(language, id string, _ int) string {
	return says(language, id, map[string]string{
		"python": "import time\nwhile True: time.sleep(0.001)", "javascript": "for (;;) await new Promise(r => setTimeout(r, 1))",
		"typescript": "for (;;) await new Promise(r => setTimeout(r, 1))", "go": "for { }",
	}[language])
}

func exit(language, id string, _ int) string {
	return says(language, id, map[string]string{
		"python": "import os\nos._exit(7)", "javascript": "process.exit(7)", "typescript": "process.exit(7)", "go": "os.Exit(7)",
	}[language])
}

// input is Python's alone.
func input(_, id string, _ int) string {
	return says("python", id, "print('read', input())")
}
