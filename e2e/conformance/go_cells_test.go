package conformance_test

// goSteps are the cases' cells in Go.
func goSteps() map[string][]step {
	return map[string][]step{
		"state": {
			{Code: "import \"fmt\"\nx := 41\nfunc f(a int) int { return a + x }"},
			{Code: "x++\nfmt.Println(f(0))", want: want{out: "42\n"}},
			{Code: "fmt.Println(f(1))", want: want{out: "43\n"}},
		},
		"redefinition": {
			{Code: "import \"fmt\"\nfunc f() string { return \"old\" }\ntype A struct{ V int }\ny := 1"},
			{Code: "func f() string { return \"new\" }\ntype A struct{ V, W int }\ny := \"two\""},
			{Code: "fmt.Println(f(), A{1, 2}, y)", want: want{out: "new {1 2} two\n"}},
		},
		"imports": {
			{Code: "import (\n\t\"fmt\"\n\tstr \"strings\"\n)"},
			{Code: "fmt.Println(str.ToUpper(\"a\"))", want: want{out: "A\n"}},
			{Code: "import \"nosuch/module_x\"\nmodule_x.F()", want: want{name: ".+", value: []string{"module_x"}}},
		},
		"streams": {
			{Code: "import (\"fmt\"; \"os\")\nfor i := range 3 {\n\tfmt.Println(\"o\", i)\n\tfmt.Fprintln(os.Stderr, \"e\", i)\n}", want: want{out: "o 0\no 1\no 2\n", err: "e 0\ne 1\ne 2\n"}},
			{Code: "fmt.Print(\"no newline\")", want: want{out: "no newline", result: "*"}},
		},
		"multi-byte": {{Code: "import \"fmt\"\nfor range 6000 { fmt.Print(\"aé€😀\") }\nfmt.Println()", want: want{out: repeat("aé€😀", 6000) + "\n", result: "*"}}},
		"result": {
			{Code: "1 + 1", want: want{result: "2"}},
			{Code: "x := 5", want: want{}},
			{Code: "x", want: want{result: "5"}},
			{Code: "x = 6", want: want{}},
			{Code: "import \"fmt\"\nfmt.Println(\"a\")\n\"b\"", want: want{out: "a\n", result: `"b"`}},
		},
		"mixed": {
			{
				Code: "import \"fmt\"\nimport \"slices\"\nxs := []int{3, 1, 2}\nslices.Sort(xs)\nfunc total(v []int) (s int) {\n\tfor _, n := range v { s += n }\n\treturn\n}\nfmt.Println(xs, total(xs), min(4, 2), max(1, 9))",
				want: want{out: "[1 2 3] 6 2 9\n", result: "*"},
			},
			{Code: "import \"maps\"\nm := map[string]int{\"b\": 2, \"a\": 1}\nks := slices.Sorted(maps.Keys(m))\nfmt.Println(ks)", want: want{out: "[a b]\n", result: "*"}},
			{Code: "func Map[T, U any](s []T, f func(T) U) []U {\n\tvar r []U\n\tfor _, v := range s { r = append(r, f(v)) }\n\treturn r\n}"},
			{Code: "fmt.Println(Map(xs, func(i int) string { return fmt.Sprint(i * 2) }))", want: want{out: "[2 4 6]\n", result: "*"}},
			{Code: "c := make(chan int)\ngo func() { c <- 42 }()\nfmt.Println(<-c)", want: want{out: "42\n", result: "*"}},
		},
		"errors": {
			{Code: "import \"fmt\"\nkept := 1\nvar m map[string]int\nm[\"a\"] = 1", want: want{name: ".+", value: []string{"nil map"}}},
			{Code: "func deep(n int) {\n\tif n == 0 { panic(\"at the bottom\") }\n\tdeep(n - 1)\n}"},
			{Code: "deep(3)", want: want{name: ".+", value: []string{"at the bottom"}}},
			{Code: "fmt.Println(\"no\"", want: want{name: ".+"}},
			{Code: "undefinedName", want: want{name: ".+", value: []string{"undefinedName"}}},
			{Code: "fmt.Println(\"before\")\npanic(\"k\")", want: want{out: "before\n", name: ".+", value: []string{"k"}}},
			{Code: "panic(fmt.Errorf(\"é😀\"))", want: want{name: ".+", value: []string{"é😀"}}},
			{Code: "fmt.Println(kept)", want: want{out: "1\n", result: "*"}},
		},
		"env of a run": {
			{Code: "import (\"fmt\"; \"os\")\nfmt.Println(os.Getenv(\"HOT_A\"))", Env: map[string]string{"HOT_A": "é 1", "HOT_B": ""}, want: want{out: "é 1\n", result: "*"}},
			{Code: "_, there := os.LookupEnv(\"HOT_A\")\nfmt.Println(there)", want: want{out: "false\n", result: "*"}},
			{Code: "os.Setenv(\"HOT_A\", \"set by the code\")", want: want{result: "*"}},
			{Code: "fmt.Println(os.Getenv(\"HOT_A\"))", Env: map[string]string{"HOT_A": "of the run"}, want: want{out: "of the run\n", result: "*"}},
			{Code: "fmt.Println(os.Getenv(\"HOT_A\"))", want: want{out: "set by the code\n", result: "*"}},
		},
		"env of a context": {
			{Code: "import (\"fmt\"; \"os\")\nfmt.Println(os.Getenv(\"HOT_CTX\"))", want: want{out: "of the context\n", result: "*"}},
			{Code: "fmt.Println(os.Getenv(\"HOT_CTX\"))", Env: map[string]string{"HOT_CTX": "of the run"}, want: want{out: "of the run\n", result: "*"}},
		},
		"cwd": {{Code: "import (\"fmt\"; \"os\")\nd, _ := os.Getwd()\nfmt.Println(d)", want: want{out: "{cwd}\n", result: "*"}}},
		"timeout": {
			{Code: "import (\"fmt\"; \"time\")\nkept := 7"},
			{Code: "fmt.Println(\"in\"); time.Sleep(time.Minute)", Timeout: 0.3, want: want{out: "in\n", name: "TimeoutError", status: "timeout", value: []string{"300ms", "kept"}}},
			{Code: "fmt.Println(kept)", want: want{out: "7\n", result: "*"}},
			{Code: "for {}", Timeout: 0.2, want: want{name: "TimeoutError", status: "timeout"}},
			{Code: "fmt.Println(kept)", want: want{out: "7\n", result: "*"}},
			{Code: "fmt.Println(\"quick\")", Timeout: 30, want: want{out: "quick\n", result: "*"}},
		},
		"interrupt": {
			{Code: "import \"fmt\"\nkept := 8"},
			{Code: "fmt.Println(\"in\"); for {}", interrupt: "in\n", want: want{out: "in\n", name: ".+", status: "interrupted"}},
			{Code: "fmt.Println(kept)", want: want{out: "8\n", result: "*"}},
		},
		"death": {
			{Code: "import (\"fmt\"; \"os\")\nalpha := 1\nbeta := 2"},
			{Code: "fmt.Println(\"last words\"); os.Exit(3)", want: want{out: "last words\n", name: "KernelDiedError", status: "died", value: []string{"exit status 3", "alpha", "beta"}, lost: []string{"alpha", "beta"}}},
			{Code: "import \"fmt\"\nfmt.Println(\"fine\")", want: want{out: "fine\n", result: "*", notice: []string{"alpha, beta"}, lost: []string{"alpha", "beta"}, epoch: 2}},
		},
		"blank": {{Code: ""}, {Code: "   \n\n"}, {Code: "2", want: want{result: "2"}}},
		"form": {
			{Code: "// only a comment"},
			{Code: "import \"fmt\"\r\nx := 1\r\nif x == 1 {\r\n\tfmt.Println(\"crlf\")\r\n}\r\n", want: want{out: "crlf\n"}},
			{Code: "fmt.Println(\"größe\", \"数\", \"😀\")", want: want{out: "größe 数 😀\n", result: "*"}},
			{Code: "größe := 3\ngröße", want: want{result: "3"}},
		},
	}
}
