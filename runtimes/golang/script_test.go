package golang_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/runtimes"
	"hotcell/runtimes/golang"
	"hotcell/runtimes/scripttest"
)

// settled is output without addresses and without the depth of a stack.
func settled(output string) string {
	output = regexp.MustCompile(` \+0x[0-9a-f]+`).ReplaceAllString(output, "")
	return regexp.MustCompile(`0x[0-9a-f]+`).ReplaceAllString(output, "ADDRESS")
}

// scriptCase is a program and what is expected of it. Where the interpreter's
// words differ from the compiler's, it has its own.
type scriptCase struct {
	code        string
	args        []string
	vars        map[string]string
	files       map[string]string
	output      string
	interpreted string
	exit        int
}

func scriptCases() map[string]scriptCase {
	head := "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n)\n\n"
	return map[string]scriptCase{
		"hello":       {code: "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n", output: "hello\n"},
		"println":     {code: "package main\nfunc main() { println(\"a\", 1) }\n", output: "a 1\n"},
		"arguments":   {code: head + "func main() { fmt.Printf(\"%q %d\", os.Args[1:], len(os.Args)) }", args: []string{"a b", `"q"`, "\n", "ü€😀", "", "$HOME"}, output: `["a b" "\"q\"" "\n" "ü€😀" "" "$HOME"] 7`},
		"environment": {code: head + "func main() { d, _ := os.Getwd(); fmt.Println(os.Getenv(\"FOO\"), d == os.Getenv(\"PWD\"), os.Getenv(\"GOWORK\")) }", vars: map[string]string{"FOO": "BAR é"}, output: "BAR é true \n"},
		"files":       {code: head + "func main() { b, err := os.ReadFile(\"data.txt\"); fmt.Println(string(b), err) }", files: map[string]string{"data.txt": "the data"}, output: "the data <nil>\n"},
		"exit 3":      {code: head + "func main() { fmt.Print(\"a\"); os.Exit(3) }", output: "a", exit: 3},
		"order":       {code: head + "func main() { fmt.Print(\"a\"); fmt.Fprint(os.Stderr, \"b\"); fmt.Print(\"c\"); os.Stderr.WriteString(\"d\") }", output: "abcd"},
		"stdin":       {code: "package main\nimport (\"fmt\"; \"io\"; \"os\")\nfunc main() { b, err := io.ReadAll(os.Stdin); fmt.Println(len(b), err) }", output: "0 <nil>\n"},
		"fatal":       {code: "package main\nimport \"log\"\nfunc main() { log.SetFlags(0); log.Fatal(\"no\") }", output: "no\n", exit: 1},
		"panic":       {code: "package main\n\nfunc f() {\n\tpanic(\"boom\")\n}\n\nfunc main() {\n\tf()\n}\n", output: "panic: boom\n\ngoroutine 1 [running]:\nmain.f(...)\n\tmain.go:4\nmain.main()\n\tmain.go:8\n", interpreted: "panic: boom\n\ngoroutine 1 [running]:\nin main, script.go:8\nin f, script.go:4\npanic: boom\n", exit: 2},
		"index":       {code: head + "func main() {\n\ta := []int{}\n\tfmt.Println(a[len(os.Args)+2])\n}\n", output: "panic: runtime error: index out of range [3] with length 0\n\ngoroutine 1 [running]:\nmain.main()\n\tmain.go:10\n", interpreted: "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nin main, script.go:9\nruntime error: index out of range\n", exit: 2},
		"compile error": {
			code: "package main\n\nfunc main() {\n\tx := 1\n\tundefinedName()\n}\n", output: "./main.go:4:2: declared and not used: x\n./main.go:5:2: undefined: undefinedName\n",
			interpreted: "script.go:5:2: undefined: undefinedName\n    \tundefinedName()\n    \t^\n", exit: 1,
		},
		"syntax error":    {code: "package main\n\nfunc main() {\n\tx := = 1\n}\n", output: "./main.go:4:7: syntax error: unexpected =, expected expression\n", interpreted: "-", exit: 1},
		"no package":      {code: "package\n", output: "main.go:1:9: expected 'IDENT', found 'EOF'\n", interpreted: "-", exit: 1},
		"not main":        {code: "package other\nfunc F() {}\n", output: "main.go:1: package other is not a main package\n", exit: 1},
		"no main":         {code: "package main\nfunc F() {}\n", output: "-", interpreted: "-", exit: -1},
		"unknown package": {code: "package main\nimport \"nothing/like/this\"\nfunc main() { this.X() }\n", output: "-", interpreted: "-", exit: 1},
		"generics":        {code: "package main\nimport (\"fmt\"; \"slices\"; \"maps\")\nfunc Map[T, U any](s []T, f func(T) U) []U { var r []U; for _, v := range s { r = append(r, f(v)) }; return r }\nfunc main() { for i := range 2 { fmt.Print(i) }; fmt.Println(Map([]int{1, 2}, func(i int) string { return fmt.Sprint(i * 2) }), slices.Sorted(maps.Keys(map[string]int{\"b\": 1, \"a\": 2}))) }", output: "01[2 4] [a b]\n"},
		"goroutines":      {code: "package main\nimport (\"fmt\"; \"sync\")\nfunc main() { var wg sync.WaitGroup; c := make(chan int, 9); for i := range 9 { wg.Add(1); go func() { defer wg.Done(); c <- i }() }; wg.Wait(); close(c); s := 0; for v := range c { s += v }; fmt.Println(s) }", output: "36\n"},
		"killed":          {code: "package main\nimport (\"os\"; \"syscall\"; \"time\")\nfunc main() { syscall.Kill(os.Getpid(), syscall.SIGTERM); time.Sleep(5 * time.Second) }", exit: 143},

		"snippet":           {code: "import \"strings\"\nx := strings.Repeat(\"ab\", 2)\nfmt.Println(x)\nfor i := range 2 { fmt.Println(i) }", output: "abab\n0\n1\n"},
		"snippet's value":   {code: "x := 1\nx + 1", output: ""},
		"without a package": {code: "import \"fmt\"\n\nfunc main() { fmt.Println(\"main\") }", output: "main\n"},
		"snippet arguments": {code: "fmt.Println(os.Args[1], os.Getenv(\"FOO\"))", args: []string{"a b"}, vars: map[string]string{"FOO": "BAR"}, output: "a b BAR\n"},
		"snippet exits":     {code: "fmt.Print(1)\nos.Exit(4)", output: "1", exit: 4},
		"snippet panics":    {code: "x := []int{}\n\nfmt.Println(x[5])", output: "panic: runtime error: index out of range\n\ngoroutine 1 [running]:\nscript.go:3\n    fmt.Println(x[5])\nruntime error: index out of range\n", exit: 2},
		"snippet fails":     {code: "x := 1\nundefinedName()", output: "script.go:2:1: undefined: undefinedName\n    undefinedName()\n    ^\n", exit: 1},
		"snippet goroutine": {code: "done := make(chan bool)\ngo func() { panic(\"late\") }()\n<-done", output: "-", exit: 2},
		"snippet displays":  {code: "import \"hotcell/display\"\nfmt.Println(1)\ndisplay.HTML(\"<b>\")\ndisplay.JSON(map[string]int{\"a\": 1})\nfmt.Println(2)", output: "1\n<b>\n{\"a\":1}\n2\n"},
		"nothing":           {code: "", output: ""},
		"comment":           {code: "// package main", output: ""},
		"NUL":               {code: "package main\nfunc main() { \x00 }", output: "-", interpreted: "-", exit: 1},
	}
}

// TestScript runs programs with the go command, and again without one.
func TestScript(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command")
	}
	compiler := golang.New(golang.Config{ScratchDir: t.TempDir()})
	none := golang.New(golang.Config{ScratchDir: t.TempDir(), Toolchain: filepath.Join(t.TempDir(), "go")})
	for name, c := range scriptCases() {
		for engine, r := range map[string]*golang.Runtime{"compiled": compiler, "interpreted": none} {
			t.Run(name+" "+engine, func(t *testing.T) {
				t.Parallel()
				got := scripttest.Run(t, r, scripttest.Program{Language: "go", Code: c.code, Args: c.args, Vars: c.vars, Files: c.files})
				want := c.output
				if engine == "interpreted" && c.interpreted != "" {
					want = c.interpreted
				}
				if want == "-" { // its words are somebody else's
					want = settled(got.Output)
				}
				if d := cmp.Diff(want, settled(got.Output)); d != "" {
					t.Errorf("output:\n%s", d)
				}
				if got.Code != c.exit && c.exit >= 0 {
					t.Errorf("exit code %d, want %d: %s", got.Code, c.exit, got.Output)
				}
				compiled := (engine == "compiled" || name == "not main") && strings.HasPrefix(c.code, "package")
				if strings.HasPrefix(got.Engine, "go ") != compiled {
					t.Errorf("it was run by %s", got.Engine)
				}
				if strings.Contains(got.Output, "OWN") {
					t.Errorf("the run's directory is in the output: %s", got.Output)
				}
			})
		}
	}
}

// TestScriptTimeIncludesCompiling ends a compilation by its context.
func TestScriptTimeIncludesCompiling(t *testing.T) {
	t.Parallel()
	r := golang.New(golang.Config{ScratchDir: t.TempDir()})
	// Long for any compiler.
	var code strings.Builder
	code.WriteString("package main\nfunc main() {}\nvar x = []any{\n")
	for i := range 200_000 {
		code.WriteString("struct{a int; b string}{" + strings.Repeat("1", 1+i%9) + ", \"x\"},\n")
	}
	code.WriteString("}\n")
	late := errors.New("too late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, late)
	defer cancel()
	began := time.Now()
	_, _, err := r.RunScript(ctx, runtimes.Script{Language: "go", Code: code.String(), Dir: t.TempDir(), Own: t.TempDir(), Env: map[string]string{"PATH": "/usr/bin:/bin"}})
	if !errors.Is(err, late) {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestScriptHasNoOtherVariables(t *testing.T) {
	t.Parallel()
	r := golang.New(golang.Config{ScratchDir: t.TempDir()})
	got := scripttest.Run(t, r, scripttest.Program{Language: "go", Code: `fmt.Println(os.LookupEnv("HOME"))`, Unset: "HOME"})
	if got.Output != " false\n" {
		t.Errorf("%q", got.Output)
	}
}
