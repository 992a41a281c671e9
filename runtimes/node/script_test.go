package node_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/runtimes/scripttest"
)

// settled is output without the frames of Node's own below the program's, and
// without what its releases say differently.
func settled(output string) string {
	for pattern, replacement := range map[string]string{
		`(?m)^ +(?:at [^\n]*\(?node:internal[^\n]*|\.\.\. \d+ lines matching cause stack trace \.\.\.)\n`: "",
		`(?s)Warning: Detected unsettled top-level await.*`:                                               "",
		`\n{3,}`: "\n\n",
	} {
		output = regexp.MustCompile(pattern).ReplaceAllString(output, replacement)
	}
	return output
}

// TestScriptIsAPlainRun compares scripts with runs of node.
func TestScriptIsAPlainRun(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for name, p := range plainPrograms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := "script.cjs"
			if strings.HasPrefix(name, "module") {
				file = "script.mjs"
			}
			p.Language = "javascript"
			got, want := scripttest.Run(t, r, p), scripttest.Plainly(t, p, file, r.Info().Program)
			if d := cmp.Diff(settled(want.Output), settled(got.Output)); d != "" {
				t.Errorf("output:\n%s", d)
			}
			if got.Code != want.Code {
				t.Errorf("exit code %d, want %d", got.Code, want.Code)
			}
		})
	}
}

func plainPrograms() map[string]scripttest.Program {
	files := map[string]string{
		"lib.cjs":                          "exports.x = 41; exports.file = __filename",
		"lib.mjs":                          "export let count = 0; export function up() { count++ } export default 'default'",
		"data.json":                        `{"a": 1}`,
		"data.txt":                         "the data",
		"broken.cjs":                       "function f() {\n  throw new Error('in lib')\n}\nf()",
		"node_modules/pack/package.json":   `{"name": "pack", "exports": {"import": "./a.mjs", "require": "./a.cjs"}}`,
		"node_modules/pack/a.mjs":          "export default 'as a module'",
		"node_modules/pack/a.cjs":          "module.exports = 'as common'",
		"node_modules/modern/package.json": `{"name": "modern", "type": "module", "exports": {"import": "./a.js"}}`,
		"node_modules/modern/a.js":         "export const modern = 1",
	}
	p := func(code string, args ...string) scripttest.Program {
		return scripttest.Program{Code: code, Args: args, Files: files}
	}
	env := p("console.log(process.env.FOO, process.env.EMPTY, process.env.TZ, new Date(0).getHours(), process.cwd() === process.env.PWD, Object.keys(process.env).sort().join())")
	env.Vars = map[string]string{"FOO": "BAR é", "EMPTY": "", "TZ": "Asia/Tokyo"}
	return map[string]scripttest.Program{
		"print":              p("console.log(1)"),
		"nothing":            p(""),
		"arguments":          p("console.log(process.argv.slice(2), process.argv.length)", "a b", `"q"`, "\n", "ünï €😀", "", "$HOME", "--x"),
		"environment":        env,
		"its child's":        p("console.log(require('child_process').execSync('echo $PWD; pwd').toString())"),
		"exit 3":             p("console.log('a'); process.exit(3); console.log('b')"),
		"exit code":          p("process.exitCode = 4; console.log('goes on')"),
		"exit of much":       p("process.stdout.write('x'.repeat(60000)); process.exit(1)"),
		"error":              p("const x = 1\nfunction f() { throw new Error('boom') }\nf()"),
		"thrown text":        p("throw 'text'"),
		"thrown nothing":     p("throw undefined"),
		"error with cause":   p("throw new Error('outer', {cause: new TypeError('inner')})"),
		"type error":         p("\n\nnull.property"),
		"reference error":    p("console.log(nothingLikeThis)"),
		"syntax error":       p("let x = 1\nlet y = = 2"),
		"redeclared":         p("let x = 1\nlet x = 2"),
		"rejection":          p("Promise.reject(new Error('lost'))"),
		"rejected text":      p("Promise.reject('lost')"),
		"error in a timer":   p("setTimeout(() => { throw new Error('late') }, 1)"),
		"error in a library": p("require('./broken.cjs')"),
		"uncaught handler":   p("process.on('uncaughtException', (e, origin) => { console.log('caught', e.message, origin) }); throw new Error('x')"),
		"exit handler":       p("process.on('exit', (c) => console.log('exit', c)); process.on('beforeExit', () => console.log('before'))"),
		"order":              p("console.log('a'); console.error('b'); process.stdout.write('c'); process.stderr.write('d'); require('child_process').execSync('echo e; echo f >&2', {stdio: 'inherit'}); console.log('g'); require('fs').writeSync(1, 'h')"),
		"ticks":              p("setTimeout(() => console.log('timeout'), 2); Promise.resolve().then(() => console.log('micro')); process.nextTick(() => console.log('tick')); queueMicrotask(() => console.log('queued')); console.log('main')"),
		"timer":              p("const t = Date.now(); setTimeout(() => { const d = Date.now() - t; console.log(d >= 99 && d < 3000) }, 100)"),
		"stdin":              p("process.stdin.on('data', (d) => console.log('data', d)); process.stdin.on('end', () => console.log('end'))"),
		"stdin at once":      p("console.log(require('fs').readFileSync(0, 'utf8') === '')"),
		"streams":            p("console.log(process.stdout.isTTY, process.stdout.fd, process.stdout.writable, process.stdout._type, process.stderr.fd, process.stdout === console._stdout)"),
		"require":            p("console.log(require('./lib.cjs').x, require('./lib.cjs').file, require('fs') === require('node:fs'), require('pack'), require('./data.json').a)"),
		"main":               p("console.log(require.main === module, module.id, module.children.length, module.parent, module.paths[0], typeof exports, this === exports, Object.keys(require).join())"),
		"main guard":         p("if (require.main === module) console.log('main')"),
		"its file":           p("console.log(__filename === process.argv[1], __dirname === process.cwd(), require('fs').readFileSync(__filename, 'utf8').length, require('fs').readFileSync(require('path').join(__dirname, 'data.txt'), 'utf8'))"),
		"missing":            p("require('./nothing.js')"),
		"missing package":    p("require('nothing-like-this')"),
		"import()":           p("import('./lib.mjs').then((m) => console.log(m.default)).then(() => import('modern')).then((m) => console.log(m.modern))"),
		"sloppy":             p("x = 5; console.log(x, delete globalThis.x, (function () { return this === globalThis })())"),
		"return":             p("console.log(1); return; console.log(2)"),
		"hashbang":           p("#!/usr/bin/env node\nconsole.log(1)"),
		"named like one":     p("const require1 = 1; const importing = 'import x from y'; console.log(require1, importing)"),
		"async":              p("async function main() { await null; console.log('in main', await Promise.resolve(5)) }\nmain()"),
		"globals":            p("console.log(Object.keys(globalThis).join(), Object.getOwnPropertySymbols(globalThis).length, typeof display, typeof prompt, typeof __hotcell)"),
		"process":            p("console.log(process.execArgv, process.execPath, process.argv0.endsWith('node'), process.title, process.listenerCount('exit'), process.listenerCount('uncaughtException'), process.connected, process.exitCode)"),
		"caches":             p("console.log(Object.keys(require.cache).length, Object.keys(require.cache)[0] === __filename)"),
		"worker":             p("const {Worker, isMainThread} = require('worker_threads')\nif (isMainThread) new Worker(__filename).on('exit', (c) => console.log('worker', c))\nelse console.log('in worker', require('./lib.cjs').x)"),
		"cluster":            p("const cluster = require('cluster')\nif (cluster.isPrimary) { cluster.fork().on('exit', (c) => console.log('child', c)) } else { console.log('in child'); process.exit(0) }"),
		"fork":               p("if (process.argv[2]) console.log('child', process.argv[2])\nelse require('child_process').fork(__filename, ['x'])"),
		"kill":               p("process.kill(process.pid, 'SIGKILL'); setTimeout(() => {}, 9999)"),
		"abort":              p("process.kill(process.pid, 'SIGABRT'); setTimeout(() => {}, 9999)"),
		"signal":             p("process.on('SIGUSR2', () => { console.log('got it'); process.exit(0) }); process.kill(process.pid, 'SIGUSR2'); setTimeout(() => {}, 9999)"),
		"large":              p("console.log('x'.repeat(3_000_000))"),
		"many lines":         p("for (let i = 0; i < 20000; i++) console.log(i)"),
		"descriptors":        p("const open = []; for (let fd = 3; fd < 9; fd++) try { const s = require('fs').fstatSync(fd); if (s.isSocket()) open.push(fd) } catch {}\nconsole.log(open)"),
		"stack depth":        p("function f(n) { return f(n + 1) }\ntry { f(0) } catch (e) { console.log(e.message) }"),
		"http":               p("const s = require('http').createServer((q, r) => r.end('hi')).listen(0, () => fetch(`http://localhost:${s.address().port}`).then((r) => r.text()).then((t) => { console.log(t); s.close() }).then(() => process.exit()))"),

		"module":                    p("import fs, {readFileSync} from 'fs'\nimport d, {count, up} from './lib.mjs'\nimport pack from 'pack'\nimport {modern} from 'modern'\nimport common from './lib.cjs'\nup()\nconsole.log(readFileSync === fs.readFileSync, d, count, pack, modern, common.x, this)"),
		"module hoisted":            p("up(); console.log(count)\nimport {count, up} from './lib.mjs'"),
		"module await":              p("const x = await Promise.resolve(5)\nconsole.log(x)"),
		"module for await":          p("for await (const x of (async function* () { yield 1 })()) console.log(x)"),
		"module export":             p("export const x = 1\nexport default function f() { return 2 }\nconsole.log(x, f())"),
		"module meta":               p("import {existsSync, readFileSync} from 'fs'\nimport {fileURLToPath} from 'url'\nimport {dirname, join} from 'path'\nconst here = dirname(fileURLToPath(import.meta.url))\nconsole.log(here === process.cwd(), fileURLToPath(import.meta.url) === process.argv[1], readFileSync(join(here, 'data.txt'), 'utf8'), readFileSync(new URL('./data.txt', import.meta.url), 'utf8'), existsSync(process.argv[1]))"),
		"module own names":          p("import {createRequire} from 'module'\nimport {fileURLToPath} from 'url'\nconst require = createRequire(import.meta.url)\nconst __filename = fileURLToPath(import.meta.url)\nconsole.log(require('./lib.cjs').x, __filename === process.argv[1])"),
		"module error":              p("import fs from 'fs'\nconst x = 1\nfunction f() { throw new Error('boom') }\nf()"),
		"module rejection":          p("await Promise.reject(new TypeError('x'))"),
		"module syntax error":       p("import fs from 'fs'\nconst = 3"),
		"module missing":            p("import fs from 'nothing-like-this'"),
		"module missing file":       p("import fs from './nothing.js'"),
		"module missing name":       p("import {nothing} from './lib.mjs'"),
		"module unsettled":          p("console.log('a')\nawait new Promise(() => {})\nconsole.log('b')"),
		"module exits":              p("import fs from 'fs'\nprocess.exit(5)"),
		"module arguments":          p("import fs from 'fs'\nconsole.log(process.argv.slice(2))", "a b"),
		"module without a trace":    p("import {readdirSync} from 'fs'\nconsole.log(readdirSync('.').filter((f) => f.startsWith('.')), Object.getOwnPropertySymbols(globalThis).length, process.listenerCount('beforeExit'))"),
		"module worker":             p("import {Worker, isMainThread} from 'worker_threads'\nif (isMainThread) new Worker(new URL(import.meta.url)).on('exit', (c) => console.log('worker', c))\nelse console.log('in worker')"),
		"module strict":             p("import fs from 'fs'\nundeclared = 1"),
		"module import attributes":  p("const {default: d} = await import('./data.json', {with: {type: 'json'}})\nconsole.log(d.a)"),
		"module that logs in order": p("import fs from 'fs'\nconsole.log('a'); console.error('b'); fs.writeSync(1, 'c'); console.log('d')"),
	}
}

// TestScriptMixture: programs that people paste, which Node itself refuses.
func TestScriptMixture(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for name, c := range map[string]struct{ code, output string }{
		"require and await":     {"const fs = require('fs')\nconst x = await Promise.resolve(typeof fs.readFileSync)\nconsole.log(x)", "function\n"},
		"require and import":    {"import os from 'os'\nconst fs = require('fs')\nconsole.log(typeof fs, typeof os)", "object object\n"},
		"main guard and await":  {"await null\nif (require.main === module) console.log('main')", "main\n"},
		"names and import":      {"import os from 'os'\nconsole.log(__dirname, __filename)", "DIR SCRIPT\n"},
		"module.exports":        {"import os from 'os'\nmodule.exports = {a: 1}\nexports.b = 2\nconsole.log(module.exports.a)", "1\n"},
		"own name, unseen":      {"import os from 'os'\nlet [\n  require\n] = [5]\nconsole.log(require)", "5\n"},
		"relative require":      {"await null\nconsole.log(require('./lib.cjs').x)", "41\n"},
		"error line":            {"const fs = require('fs')\nawait null\nthrow new Error('boom')", "file://SCRIPT:3\nthrow new Error('boom')\n      ^\n\nError: boom\n    at file://SCRIPT:3:7\n\nNode.js v" + r.Info().Version + "\n"},
		"exit loses no byte":    {"process.stdout.write('x'.repeat(3e6)); process.exit(0)", strings.Repeat("x", 3e6)},
		"children's pipe":       {"process.stdout.write(''); require('child_process').execSync(`head -c 2000000 /dev/zero | tr '\\\\0' y`, {stdio: 'inherit'})", strings.Repeat("y", 2e6)},
		"ES module named .mjs?": {"console.log(typeof require, await 1)", "function 1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scripttest.Run(t, r, scripttest.Program{Language: "javascript", Code: c.code, Files: map[string]string{"lib.cjs": "exports.x = 41"}})
			if d := cmp.Diff(c.output, settled(got.Output)); d != "" {
				t.Errorf("exit code %d, output:\n%s", got.Code, d[:min(len(d), 2000)])
			}
		})
	}
}

func TestScriptTypeScript(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	for name, c := range map[string]struct {
		code, output string
		exit         int
	}{
		"types":           {"interface P { x: number }\nconst p: P = {x: 1}\nconst f = <T,>(a: T): T => a\nconsole.log(f(p.x as number)!)", "1\n", 0},
		"enum":            {"enum E { A = 1, B }\nnamespace N { export const x = E.B }\nconsole.log(N.x, E[1])", "2 A\n", 0},
		"class":           {"abstract class A { constructor(private readonly x: number) {} get y(): number { return this.x } }\nclass B extends A {}\nconsole.log(new B(5).y)", "5\n", 0},
		"decorator":       {"function d(v: unknown, c: ClassMethodDecoratorContext) { console.log(c.name) }\nclass A { @d m() {} }\nnew A()", "m\n", 0},
		"import":          {"import * as fs from 'fs'\nimport { join } from 'path'\nimport type { Stats } from 'fs'\nimport { Unused } from './nothing'\nlet s: Stats | Unused\nconsole.log(typeof fs.statSync, join('a', 'b'))", "function a/b\n", 0},
		"import require":  {"import fs = require('fs')\nconsole.log(typeof fs.statSync)", "function\n", 0},
		"await":           {"const x: number = await Promise.resolve(3)\nconsole.log(x, typeof require)", "3 function\n", 0},
		"arguments":       {"console.log(process.argv[2] as string)", "arg\n", 0},
		"main":            {"if (require.main === module) console.log('main')\nexport {}", "main\n", 0},
		"type error":      {"const x: number = 'text'\nconsole.log(x)", "text\n", 0},
		"empty":           {"", "", 0},
		"syntax error":    {"const x: number = 1\nlet y: = 2", "SCRIPT:2:8\nlet y: = 2\n       ^\n\nSyntaxError: Unexpected \"=\"\n", 1},
		"invalid":         {"invalid typescript code", "SCRIPT:1:9\ninvalid typescript code\n        ^\n\nSyntaxError: Expected \";\" but found \"typescript\"\n", 1},
		"error":           {"interface P {\n  x: number\n}\n\nfunction f(p: P): never {\n  throw new Error('boom')\n}\nf({x: 1} as P)", "SCRIPT:6\n  throw new Error('boom')\n  ^\n\nError: boom\n    at f (SCRIPT:6:9)\n    at Object.<anonymous> (SCRIPT:8:1)\n\nNode.js v" + r.Info().Version + "\n", 1},
		"error in module": {"import fs from 'fs'\ntype T = string\nconst x: T = fs.sep\nfunction f(p: T): never { throw new TypeError(p) }\nf('boom')", "SCRIPT:4\nfunction f(p: T): never { throw new TypeError(p) }\n                                ^\n\nTypeError: boom\n    at f (SCRIPT:4:33)\n    at <anonymous> (SCRIPT:5:1)\n\nNode.js v" + r.Info().Version + "\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := scripttest.Run(t, r, scripttest.Program{Language: "typescript", Code: c.code, Args: []string{"arg"}})
			if d := cmp.Diff(c.output, settled(got.Output)); d != "" || got.Code != c.exit {
				t.Errorf("exit code %d, output:\n%s", got.Code, d)
			}
		})
	}
}

// TestScriptsAreFresh: a process that waited runs one program, and variables
// that matter to a start make a new one.
func TestScriptsAreFresh(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	p := scripttest.Program{Language: "javascript", Code: "console.log(globalThis.seen ?? 'fresh', process.pid, process.uptime()); globalThis.seen = 1"}
	pids := map[string]bool{}
	for range 4 {
		got := scripttest.Run(t, r, p)
		words := strings.Fields(got.Output)
		if len(words) != 3 || words[0] != "fresh" || pids[words[1]] || !strings.HasPrefix(got.Engine, "node ") {
			t.Fatalf("%+v", got)
		}
		pids[words[1]] = true
	}
	p.Vars = map[string]string{"NODE_OPTIONS": "--stack-trace-limit=1"}
	p.Code = "console.log(Error.stackTraceLimit)"
	if got := scripttest.Run(t, r, p); got.Output != "1\n" {
		t.Errorf("%+v", got)
	}
}

func TestScriptHasNoOtherVariables(t *testing.T) {
	t.Parallel()
	got := scripttest.Run(t, newRuntime(t), scripttest.Program{Language: "javascript", Code: "console.log(process.env.HOME, require('child_process').execSync('echo $HOME').toString())", Unset: "HOME"})
	if got.Output != "undefined \n\n" {
		t.Errorf("%q", got.Output)
	}
}
