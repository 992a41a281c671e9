package conformance_test

// pythonSteps are the cases' cells in Python, by the case's name.
func pythonSteps() map[string][]step {
	return map[string][]step{
		"state": {
			{Code: "x = 41\ndef f(a):\n    return a + x"},
			{Code: "x += 1\nprint(f(0))", want: want{out: "42\n"}},
			{Code: "import sys\nprint(f(1), file=sys.stdout)", want: want{out: "43\n"}},
		},
		"redefinition": {
			{Code: "def f(): return 'old'\nclass A:\n    v = 1\ny = 1"},
			{Code: "def f(): return 'new'\nclass A:\n    v = 2\ny = 'two'"},
			{Code: "print(f(), A.v, y)", want: want{out: "new 2 two\n"}},
		},
		"imports": {
			{Code: "import math\nfrom collections import Counter as C"},
			{Code: "print(math.floor(2.5), C('aab')['a'])", want: want{out: "2 2\n"}},
			{Code: "import nosuchmodule_x", want: want{name: "ModuleNotFoundError", value: []string{"nosuchmodule_x"}}},
		},
		"streams": {
			{Code: "import sys\nfor i in range(3):\n    print('o', i)\n    print('e', i, file=sys.stderr)", want: want{out: "o 0\no 1\no 2\n", err: "e 0\ne 1\ne 2\n"}},
			{Code: "sys.stdout.write('no newline')\nNone", want: want{out: "no newline"}},
		},
		"order":      {{Code: "print('one')\ndisplay('two')\nprint('three')\n4", want: want{out: "one\nthree\n", result: "4", order: []string{"stdout", "display", "stdout"}}}},
		"multi-byte": {{Code: "for i in range(6000):\n    print('aé€😀', end='')\nprint()", want: want{out: repeat("aé€😀", 6000) + "\n"}}},
		"result": {
			{Code: "1 + 1", want: want{result: "2"}},
			{Code: "x = 5", want: want{}},
			{Code: "x", want: want{result: "5"}},
			{Code: "x;", want: want{}},
			{Code: "None", want: want{}},
			{Code: "print('a')\n'b'", want: want{out: "a\n", result: "'b'"}},
		},
		"errors": {
			{Code: "kept = 1\nlost = 1/0", want: want{name: "ZeroDivisionError", value: []string{"division by zero"}, trace: []string{"lost = 1/0", "line 2"}}},
			{Code: "def deep(n):\n    if n == 0:\n        raise ValueError('at the bottom')\n    deep(n - 1)", want: want{}},
			{Code: "deep(3)", want: want{name: "ValueError", value: []string{"at the bottom"}, trace: []string{"raise ValueError('at the bottom')", "deep(n - 1)", "deep(3)"}}},
			{Code: "print('no'\n", want: want{name: "SyntaxError", trace: []string{"print('no'"}}},
			{Code: "undefined_name", want: want{name: "NameError", value: []string{"undefined_name"}}},
			{Code: "print('before')\nraise KeyError('k')\nprint('after')", want: want{out: "before\n", name: "KeyError", value: []string{"k"}}},
			{Code: "class Mine(Exception): pass\nraise Mine('é😀')", want: want{name: "Mine", value: []string{"é😀"}}},
			{Code: "print(kept)", want: want{out: "1\n"}},
		},
		"env of a run": {
			{Code: "import os\nprint(os.environ.get('HOT_A'), os.environ.get('HOT_B'))", Env: map[string]string{"HOT_A": "é 1", "HOT_B": ""}, want: want{out: "é 1 \n"}},
			{Code: "print(os.environ.get('HOT_A'), os.environ.get('HOT_B'))", want: want{out: "None None\n"}},
			{Code: "os.environ['HOT_A'] = 'set by the code'"},
			{Code: "print(os.environ['HOT_A'])", Env: map[string]string{"HOT_A": "of the run"}, want: want{out: "of the run\n"}},
			{Code: "print(os.environ['HOT_A'])", want: want{out: "set by the code\n"}},
			{Code: "1/0", Env: map[string]string{"HOT_C": "x"}, want: want{name: "ZeroDivisionError"}},
			{Code: "print('HOT_C' in os.environ)", want: want{out: "False\n"}},
		},
		"env of a context": {
			{Code: "import os\nprint(os.environ['HOT_CTX'])", want: want{out: "of the context\n"}},
			{Code: "print(os.environ['HOT_CTX'])", Env: map[string]string{"HOT_CTX": "of the run"}, want: want{out: "of the run\n"}},
			{Code: "os.system('printf \"$HOT_CTX\"')\nNone", want: want{out: "of the context"}},
		},
		"cwd": {{Code: "import os\nprint(os.getcwd())", want: want{out: "{cwd}\n"}}},
		"timeout": {
			{Code: "kept = 7\nimport time"},
			{Code: "print('in'); time.sleep(60)", Timeout: 0.3, want: want{out: "in\n", name: "TimeoutError", status: "timeout", value: []string{"300ms", "kept"}}},
			{Code: "print(kept)", want: want{out: "7\n"}},
			{Code: "while True: pass", Timeout: 0.2, want: want{name: "TimeoutError", status: "timeout", trace: []string{"while True: pass"}}},
			{Code: "print(kept)", want: want{out: "7\n"}},
			{Code: "print('quick')", Timeout: 30, want: want{out: "quick\n"}},
		},
		"interrupt": {
			{Code: "kept = 8\nimport time"},
			{Code: "print('in')\nwhile True: time.sleep(0.01)", interrupt: "in\n", want: want{out: "in\n", name: "KeyboardInterrupt", status: "interrupted", trace: []string{"time.sleep(0.01)"}}},
			{Code: "print(kept)", want: want{out: "8\n"}},
		},
		"death": {
			{Code: "alpha = 1\nbeta = 2\nimport os"},
			{Code: "print('last words', flush=True)\nos._exit(3)", want: want{out: "last words\n", name: "KernelDiedError", status: "died", value: []string{"exit status 3", "alpha", "beta"}, lost: []string{"alpha", "beta"}}},
			{Code: "print('alpha' in globals())", want: want{out: "False\n", notice: []string{"alpha, beta"}, lost: []string{"alpha", "beta"}, epoch: 2}},
			{Code: "print('fine')", want: want{out: "fine\n", epoch: 2}},
		},
		"await": {
			{Code: "import asyncio\nasync def f():\n    await asyncio.sleep(0)\n    return 5"},
			{Code: "print(await f())", want: want{out: "5\n"}},
			{Code: "asyncio.run(f())", want: want{result: "5"}},
			{Code: "t = asyncio.create_task(f())\nawait asyncio.sleep(0.01)"},
			{Code: "print(t.result())", want: want{out: "5\n"}},
		},
		"input": {
			{Code: "a = input('name? ')\nprint('hello', a)\nb = input()\nprint(a + b)", answers: []string{"é", "2"}, want: want{some: true, out: "hello é\né2\n"}},
			{Code: "input()", want: want{name: "EOFError"}},
		},
		"blank": {{Code: ""}, {Code: "   \n\n"}, {Code: "2", want: want{result: "2"}}},
		"form": {
			{Code: "# only a comment"},
			{Code: "x = 1\r\nif x:\r\n    print('crlf')\r\n", want: want{out: "crlf\n"}},
			{Code: "print('größe', '数', '😀')", want: want{out: "größe 数 😀\n"}},
			{Code: "größe = 3\ngröße", want: want{result: "3"}},
		},
		"subprocess": {
			{Code: "import os\nos.system('printf hi'); print('after')", want: want{out: "hiafter\n"}},
			{Code: "import subprocess\nprint('a'); subprocess.run(['echo', 'b']); print('c')\nNone", want: want{out: "a\nb\nc\n"}},
			{Code: "os.write(1, b'raw\\n'); print('after')", want: want{out: "raw\nafter\n"}},
			{Code: "subprocess.run('echo oops >&2', shell=True)\nNone", want: want{err: "oops\n"}},
		},
		"exit": {
			{Code: "kept = 1\nimport sys"},
			{Code: "print('before')\nsys.exit()\nprint('after')", want: want{out: "before\n"}},
			{Code: "print(kept)", want: want{out: "1\n"}},
		},
	}
}
