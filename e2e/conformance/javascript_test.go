package conformance_test

// javascriptSteps are the cases' cells in JavaScript, which are TypeScript too.
func javascriptSteps() map[string][]step {
	return map[string][]step{
		"state": {
			{Code: "let x = 41; const f = a => a + x;"},
			{Code: "x += 1; console.log(f(0))", want: want{out: "42\n"}},
			{Code: "console.log(f(1))", want: want{out: "43\n"}},
		},
		"redefinition": {
			{Code: "function f() { return 'old' }; class A { static v = 1 }; const y = 1; let z = 1;"},
			{Code: "function f() { return 'new' }; class A { static v = 2 }; const y = 'two'; let z = 2;"},
			{Code: "console.log(f(), A.v, y, z)", want: want{out: "new 2 two 2\n"}},
		},
		"imports": {
			{Code: "import { join as j } from 'node:path'\nconst os = require('os');"},
			{Code: "console.log(j('a', 'b'), os.EOL.length)", want: want{out: "a/b 1\n"}},
			{Code: "const m = await import('node:url'); console.log(typeof m.pathToFileURL)", want: want{out: "function\n"}},
			{Code: "require('nosuchmodule_x')", want: want{name: "Error", value: []string{"nosuchmodule_x"}}},
		},
		"streams": {
			{Code: "for (let i = 0; i < 3; i++) { console.log('o', i); console.error('e', i) }", want: want{out: "o 0\no 1\no 2\n", err: "e 0\ne 1\ne 2\n"}},
			{Code: "process.stdout.write('no newline'); undefined", want: want{out: "no newline"}},
		},
		"order":      {{Code: "console.log('one'); display('two'); console.log('three'); 4", want: want{out: "one\nthree\n", result: "4", order: []string{"stdout", "display", "stdout"}}}},
		"multi-byte": {{Code: "for (let i = 0; i < 6000; i++) process.stdout.write('aé€😀'); console.log()", want: want{out: repeat("aé€😀", 6000) + "\n"}}},
		"result": {
			{Code: "1 + 1", want: want{result: "2"}},
			{Code: "var x = 5", want: want{}},
			{Code: "x", want: want{result: "5"}},
			{Code: "undefined", want: want{}},
			{Code: "console.log('a'); 'b'", want: want{out: "a\n", result: "'b'"}},
			{Code: "({a: [1, {b: 2}]})", want: want{result: "{ a: [ 1, { b: 2 } ] }"}},
		},
		"errors": {
			{Code: "globalThis.kept = 1;\nnull.property", want: want{name: "TypeError", value: []string{"null"}, trace: []string{"null.property"}}},
			{Code: "function deep(n) {\n  if (n === 0) throw new RangeError('at the bottom');\n  deep(n - 1);\n}", want: want{}},
			{Code: "deep(3)", want: want{name: "RangeError", value: []string{"at the bottom"}, trace: []string{"deep"}}},
			{Code: "console.log('no'", want: want{name: "SyntaxError"}},
			{Code: "undefinedName", want: want{name: "ReferenceError", value: []string{"undefinedName"}}},
			{Code: "console.log('before'); throw new Error('k'); console.log('after')", want: want{out: "before\n", name: "Error", value: []string{"k"}}},
			{Code: "class Mine extends Error { name = 'Mine' }; throw new Mine('é😀')", want: want{name: "Mine", value: []string{"é😀"}}},
			{Code: "throw 'a string'", want: want{name: ".*", value: []string{"a string"}}},
			{Code: "console.log(kept)", want: want{out: "1\n"}},
		},
		"env of a run": {
			{Code: "console.log(process.env.HOT_A, process.env.HOT_B)", Env: map[string]string{"HOT_A": "é 1", "HOT_B": ""}, want: want{out: "é 1 \n"}},
			{Code: "console.log(process.env.HOT_A, process.env.HOT_B)", want: want{out: "undefined undefined\n"}},
			{Code: "process.env.HOT_A = 'set by the code'", want: want{result: "*"}},
			{Code: "console.log(process.env.HOT_A)", Env: map[string]string{"HOT_A": "of the run"}, want: want{out: "of the run\n"}},
			{Code: "console.log(process.env.HOT_A)", want: want{out: "set by the code\n"}},
			{Code: "throw new Error('x')", Env: map[string]string{"HOT_C": "x"}, want: want{name: "Error"}},
			{Code: "console.log('HOT_C' in process.env)", want: want{out: "false\n"}},
		},
		"env of a context": {
			{Code: "console.log(process.env.HOT_CTX)", want: want{out: "of the context\n"}},
			{Code: "console.log(process.env.HOT_CTX)", Env: map[string]string{"HOT_CTX": "of the run"}, want: want{out: "of the run\n"}},
			{Code: "require('child_process').execSync('printf \"$HOT_CTX\"', {stdio: 'inherit'}); undefined", want: want{out: "of the context"}},
		},
		"cwd": {{Code: "console.log(process.cwd())", want: want{out: "{cwd}\n"}}},
		"timeout": {
			{Code: "let kept = 7"},
			{Code: "console.log('in'); await new Promise(r => setTimeout(r, 60000))", Timeout: 0.3, want: want{out: "in\n", name: "TimeoutError", status: "timeout", value: []string{"300ms", "kept"}}},
			{Code: "console.log(kept)", want: want{out: "7\n"}},
			{Code: "while (true) {}", Timeout: 0.2, want: want{name: "TimeoutError", status: "timeout"}},
			{Code: "console.log(kept)", want: want{out: "7\n"}},
			{Code: "console.log('quick')", Timeout: 30, want: want{out: "quick\n"}},
		},
		"interrupt": {
			{Code: "let kept = 8"},
			{Code: "console.log('in'); while (true) {}", interrupt: "in\n", want: want{out: "in\n", name: ".+", status: "interrupted"}},
			{Code: "console.log(kept)", want: want{out: "8\n"}},
		},
		"death": {
			{Code: "let alpha = 1; const beta = 2;"},
			{Code: "console.log('last words'); process.abort()", want: want{some: true, out: "last words\n", name: "KernelDiedError", status: "died", value: []string{"SIGABRT", "alpha", "beta"}, lost: []string{"alpha", "beta"}}},
			{Code: "console.log(typeof alpha)", want: want{out: "undefined\n", notice: []string{"alpha, beta"}, lost: []string{"alpha", "beta"}, epoch: 2}},
			{Code: "console.log('fine')", want: want{out: "fine\n", epoch: 2}},
		},
		"await": {
			{Code: "const v = await new Promise(r => setTimeout(() => r(5), 5)); console.log(v)", want: want{out: "5\n"}},
			{Code: "console.log(v)", want: want{out: "5\n"}},
			{Code: "await Promise.reject(new RangeError('r'))", want: want{name: "RangeError", value: []string{"r"}}},
		},
		"blank": {{Code: ""}, {Code: "   \n\n"}, {Code: "2", want: want{result: "2"}}},
		"form": {
			{Code: "// only a comment"},
			{Code: "let x = 1\r\nif (x)\r\n    console.log('crlf')\r\n", want: want{out: "crlf\n"}},
			{Code: "console.log('größe', '数', '😀')", want: want{out: "größe 数 😀\n"}},
			{Code: "let größe = 3; größe", want: want{result: "3"}},
		},
		"subprocess": {
			{Code: "console.log('a'); require('child_process').execSync('printf hi', {stdio: 'inherit'}); console.log('after')", want: want{out: "a\nhiafter\n"}},
			{Code: "require('fs').writeSync(1, 'raw\\n'); console.log('after')", want: want{out: "raw\nafter\n"}},
			{Code: "require('child_process').execSync('echo oops >&2', {stdio: 'inherit'}); undefined", want: want{err: "oops\n"}},
		},
	}
}

// typescriptSteps are cells that are not JavaScript.
func typescriptSteps() map[string][]step {
	return map[string][]step{
		"types": {
			{Code: "interface P { x: number }\ntype Q = P & { y?: string }\nconst p: Q = { x: 41 };"},
			{Code: "function add<T extends P>(a: T, n: number): number { return a.x + n }"},
			{Code: "console.log(add(p, 1) as number)", want: want{out: "42\n"}},
			{Code: "enum Colour { Red, Green }\nconsole.log(Colour.Green, Colour[0])", want: want{out: "1 Red\n"}},
			{Code: "const z: Colour = Colour.Red; z", want: want{result: "0"}},
			{Code: "let bad: = 3", want: want{name: "SyntaxError"}},
			{Code: "import { join } from 'node:path'\nimport type { Stats } from 'node:fs'"},
			{Code: "const joined: string = join('a', 'b'); joined!", want: want{result: "'a/b'"}},
			{Code: "interface E { m: string }\nfunction boom(e: E): never {\n  throw new Error(e.m)\n}\nboom({ m: 'typed' })", want: want{name: "Error", value: []string{"typed"}, trace: []string{"boom"}}},
		},
	}
}
