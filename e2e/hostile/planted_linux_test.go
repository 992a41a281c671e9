package hostile_test

import "strings"

// evil is what a planted file does: it looks around with the rights that it has, and
// leaves a word. Whatever runs it must be inside.
const evil = `cat > evil.sh <<'END'
#!/bin/sh
cat DATA/api-key VICTIM/file HOSTFILE /proc/SERVER/environ >> "WORK/evidence" 2>/dev/null
echo ran >> "WORK/evidence"
END
chmod +x evil.sh
cat > evil.py <<'END'
import os
os.system("WORK/evil.sh")
END
cat > evil.cjs <<'END'
require("child_process").execSync("WORK/evil.sh");
END
`

// with plants files, does something else, and reads what they have done: how often
// they ran. What they have seen is among what the attempt's author reads.
func with(plant string, by way) way {
	return func(s *scene, box, code string, env map[string]string) (string, error) {
		here := strings.NewReplacer("WORK", s.workDir(box))
		set := map[string]string{}
		for name, value := range env {
			set[name] = here.Replace(s.words(value))
		}
		if told, err := command(s, box, here.Replace(s.words(evil+plant)), nil); err != nil || told != "" {
			return told, err
		}
		told, err := by(s, box, here.Replace(code), set)
		if err != nil {
			return "", err
		}
		seen, err := command(s, box, "sort evidence 2>/dev/null | uniq; true", nil)
		return strings.TrimSpace(told) + "\n" + seen, err
	}
}

// planted are files where a driver, a template or a compiler might look for its own.
func planted() []attempt {
	py := cell("python")
	modules := "for m in sitecustomize usercustomize json asyncio ast io os struct IPython traceback selectors _hotcell; do cp evil.py $m.py; done; "
	return []attempt{
		{name: "modules of Python's", by: with(modules, py), code: "print(6 * 7)", stopped: "42"},
		{name: "modules that a cell wants", by: with(modules+"mkdir -p _hotcell IPython; cp evil.py _hotcell/__init__.py; ", py), code: "print(6 * 7)\nimport json\nprint(json.__file__)", stopped: "42\n/\\S+/lib/python3[.0-9]*/json/__init__.py"},
		{name: "modules beside a program", by: with(modules, script("python")), code: "print(6 * 7)", stopped: "42"},
		{
			name: ".pth files and user's packages", by: with(`d=.local/lib/python3.11/site-packages; mkdir -p $d; cp evil.py $d/evil.py; echo 'import evil' > $d/evil.pth; cp $d/evil.pth .; cp evil.py $d/usercustomize.py; cp evil.py $d/sitecustomize.py`, script("python")),
			code: "print(6 * 7)", stopped: "42",
		},
		{
			name: "IPython's startup files", by: with(`mkdir -p .ipython/profile_default/startup .config/matplotlib; cp evil.py .ipython/profile_default/startup/00.py; cp evil.py .ipython/profile_default/ipython_config.py; cp evil.py ipython_config.py; cp evil.py .pythonrc.py`, py),
			code: "print(6 * 7)", stopped: "42",
		},
		{
			name: "Node's modules", by: with(`mkdir -p node_modules/fs node_modules/inspector node_modules/esbuild node_modules/typescript; for m in fs inspector esbuild typescript; do cp evil.cjs node_modules/$m/index.js; done; echo '{"type":"commonjs","main":"evil.cjs","imports":{"#x":"./evil.cjs"}}' > package.json; echo 'script-shell=WORK/evil.sh' > .npmrc`, cell("typescript")),
			code: "const n: number = 42; console.log(n)", stopped: "42",
		},
		{
			name: "Node's modules beside a program", by: with(`mkdir -p node_modules/fs node_modules/module; cp evil.cjs node_modules/fs/index.js; cp evil.cjs node_modules/module/index.js; cp evil.cjs index.js; echo '{"type":"module"}' > package.json; echo '{"extends":"./evil.cjs"}' > tsconfig.json`, script("typescript")),
			code: "const n: number = 42; console.log(n)", stopped: "42",
		},
		{name: "programs named like the interpreters", by: with(`mkdir -p bin; for p in python python3 node go esbuild sh bash bwrap hotcell ls; do cp evil.sh bin/$p; cp evil.sh $p; done`, command), code: "echo 42", env: map[string]string{"PATH": "WORK/bin:/usr/bin:/bin"}, stopped: "42"},
		{name: "programs named like them, for a program", by: with(`mkdir -p bin; for p in python python3 node go esbuild sh bash; do cp evil.sh bin/$p; cp evil.sh $p; done`, script("javascript")), code: "console.log(42)", env: map[string]string{"PATH": "WORK/bin:WORK"}, stopped: "42"},
		{
			name: "Go's settings and sources", by: with(`echo 'module evil' > go.mod; echo 'go 1.25; toolchain go9.9.9' > go.work; mkdir -p vendor/fmt fmt .config/go; echo 'GOFLAGS=-toolexec=WORK/evil.sh' > .config/go/env; printf 'package fmt\nfunc Println(a ...any) { panic("planted") }\n' | tee fmt/fmt.go > vendor/fmt/fmt.go`, script("go")),
			code: "package main\nimport \"fmt\"\nfunc main() { fmt.Println(42) }", stopped: "go: parsing buildID[^\n]* \\[1\\]\nran", users: "42",
		},
		{name: "the shell's files", by: with(`for f in .bashrc .bash_profile .profile .bash_login .inputrc .bash_logout; do echo WORK/evil.sh > $f; done`, command), code: "echo 42", stopped: "42"},
		{name: "the shell's files, for a session", by: with(`for f in .bashrc .bash_profile .profile .bash_login .inputrc; do echo WORK/evil.sh > $f; done`, session), code: "echo 42", stopped: "42"},
		{name: "the shell's files, for a terminal", by: with(`for f in .bashrc .bash_profile .profile .bash_login; do echo WORK/evil.sh > $f; done`, terminal), code: "echo 42", stopped: "42\nran"},
	}
}

// environment are variables that make programs load something, where the API takes
// variables. They hold inside, for what is started inside.
func environment() []attempt {
	py := cell("python")
	loader := "cp $(find /lib/ /usr/lib/ -name libm.so.6 2>/dev/null | head -1) evil.so"
	return []attempt{
		{name: "PYTHONSTARTUP and its like", by: with("", py), code: "print(6 * 7)", env: map[string]string{"PYTHONSTARTUP": "WORK/evil.py", "PYTHONPATH": "WORK", "PYTHONINSPECT": "1", "PYTHONBREAKPOINT": "evil", "PYTHONUSERBASE": "WORK", "IPYTHONDIR": "WORK"}, stopped: "42"},
		{name: "PYTHONSTARTUP and its like, for a program", by: with("cp evil.py sitecustomize.py", script("python")), code: "print(6 * 7)", env: map[string]string{"PYTHONSTARTUP": "WORK/evil.py", "PYTHONPATH": "WORK", "PYTHONINSPECT": "1"}, stopped: "42\nran"},
		{name: "NODE_OPTIONS", by: with("", cell("javascript")), code: "console.log(42)", env: map[string]string{"NODE_OPTIONS": "--require WORK/evil.cjs", "NODE_PATH": "WORK", "ESBUILD_BINARY_PATH": "WORK/evil.sh", "NODE_REPL_EXTERNAL_MODULE": "WORK/evil.cjs"}, stopped: "42\nran"},
		{name: "NODE_OPTIONS, for a program", by: with("", script("javascript")), code: "console.log(42)", env: map[string]string{"NODE_OPTIONS": "--require WORK/evil.cjs --inspect=0"}, stopped: "Debugger listening [^\n]*\n[^\n]*\n42\nran"},
		{name: "LD_PRELOAD", by: with(loader, command), code: "echo 42", env: map[string]string{"LD_PRELOAD": "WORK/evil.so", "LD_LIBRARY_PATH": "WORK", "LD_AUDIT": "WORK/evil.so", "GCONV_PATH": "WORK"}, stopped: "(ERROR: [^\n]*\n)?42"},
		{name: "LD_PRELOAD, for a kernel", by: with(loader, cell("javascript")), code: "console.log(42)", env: map[string]string{"LD_PRELOAD": "WORK/evil.so", "LD_AUDIT": "WORK/evil.so"}, stopped: "42(\nERROR: [^\n]*)?"},
		{name: "LD_PRELOAD, for a Python kernel", by: with(loader, py), code: "print(42)", env: map[string]string{"LD_PRELOAD": "WORK/evil.so"}, stopped: "42"},
		{name: "BASH_ENV", by: with("", command), code: "bash -c 'echo 42'", env: map[string]string{"BASH_ENV": "WORK/evil.sh", "ENV": "WORK/evil.sh"}, stopped: "42\nran"},
		{name: "PROMPT_COMMAND", by: with("", terminal), code: "echo 42", env: map[string]string{"PROMPT_COMMAND": "WORK/evil.sh", "PS1": "$(WORK/evil.sh)", "SHELL": "WORK/evil.sh", "HOME": "/root", "TERM": "../../x"}, stopped: "42\nran"},
		{name: "GOFLAGS", by: with("", script("go")), code: "package main\nimport \"fmt\"\nfunc main() { fmt.Println(42) }", env: map[string]string{"GOFLAGS": "-toolexec=WORK/evil.sh", "GOROOT": "WORK", "GOPATH": "WORK", "GOCACHE": "WORK", "GOTOOLCHAIN": "go9.9.9", "GOENV": "WORK/env", "CC": "WORK/evil.sh", "GODEBUG": "x=1", "GOCOVERDIR": "WORK"}, stopped: "go: invalid GOTOOLCHAIN \"go9.9.9\" \\[1\\]", users: "42"},
		{name: "the server's own variables", by: with("", py), code: "import os; print(*[n for n in os.environ if 'HOTCELL' in n or 'SECRET' in n])", env: map[string]string{"HOTCELL_DATA_DIR": "DATA"}, stopped: "HOTCELL_.ATA_DIR"},
		{name: "HOME and TMPDIR elsewhere", by: with("", py), code: "import tempfile\nprint(6 * 7)", env: map[string]string{"HOME": "VICTIM", "TMPDIR": "VICTIM", "XDG_CONFIG_HOME": "DATA"}, stopped: "42"},
		{name: "a directory of another's", by: command, code: "cd VICTIM && ls", stopped: "[^\n]*(No such file or directory|Permission denied) \\[[12]\\]"},
	}
}
