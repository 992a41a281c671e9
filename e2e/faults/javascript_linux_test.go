package faults_test

import "time"

func javascriptFaults() []fault {
	timedOut := func(name, code string, s state) fault {
		return fault{name: name, code: code, timeout: soon, status: "timeout", errname: "TimeoutError", state: s}
	}
	raises := func(name, code, errname string) fault {
		return fault{name: name, code: code, status: "error", errname: errname}
	}
	dies := func(name, code, how string) fault {
		return fault{name: name, code: code, status: "died", errname: "KernelDiedError", value: []string{how, "kept"}, state: lost}
	}
	return []fault{
		timedOut("endless loop", "while (true) {}", kept),
		timedOut("endless loop in try", "for (;;) { try { for (;;); } catch {} finally { continue } }", kept),
		timedOut("sleep", "await new Promise(r => setTimeout(r, 60000))", kept),
		timedOut("promise that never ends", "await new Promise(() => {})", kept),
		timedOut("promise chain without end", "for (;;) await null", kept),
		timedOut("microtasks without end", "await new Promise(() => { const f = () => Promise.resolve().then(f); f() })", kept),
		timedOut("ticks without end", "await new Promise(() => { const f = () => process.nextTick(f); f() })", kept),
		timedOut("listens to SIGINT", "process.on('SIGINT', () => {}); for (;;);", kept),
		timedOut("execSync", "require('child_process').execSync('sleep 60')", kept),
		timedOut("a shell that ignores SIGINT", "require('child_process').execSync('trap \"\" INT; sleep 60; sleep 60')", either),
		timedOut("Atomics.wait", "Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", kept),
		timedOut("regular expression", "/(a*)*b/.test('a'.repeat(40))", kept),
		timedOut("prints without end", "for (;;) console.log('x'.repeat(100))", kept),
		timedOut("stops itself", "process.kill(process.pid, 'SIGSTOP'); await new Promise(() => {})", lost),
		{name: "interrupt of a loop", code: "console.log('in'); for (;;);", interrupt: true, status: "interrupted", errname: ".+", out: "in"},
		{name: "process.exit", code: "process.exit(7)", status: "*", errname: ".*", state: either},
		dies("abort", "process.abort()", "SIGABRT"),
		dies("segfault", "process.kill(process.pid, 'SIGSEGV'); for (;;);", "SIGSEGV"),
		{name: "SIGKILL in mid-run", code: "console.log('in'); for (;;);", kill: true, status: "died", errname: "KernelDiedError", value: []string{"SIGKILL", "kept"}, state: lost, out: "in"},
		{name: "SIGKILL when idle", code: "console.log('in')", kill: true, idle: true, state: lost, out: "in"},
		{name: "heap", env: map[string]string{"NODE_OPTIONS": "--max-old-space-size=48"}, code: "const hog = []; for (;;) hog.push(new Array(1e5).fill(hog.length))", timeout: 20 * time.Second, status: "died", errname: "KernelDiedError", value: []string{"kept"}, state: lost},
		raises("huge string", "'x'.repeat(2 ** 30)", "RangeError"),
		raises("huge array", "new Uint8Array(2 ** 43)", "RangeError"),
		raises("stack overflow", "(function f() { f() })()", "RangeError"),
		{name: "unhandled rejection", code: "Promise.reject(new Error('nobody cares')); await new Promise(r => setTimeout(r, 20))", status: "*", errname: ".*"},
		{name: "throws in a timer", code: "setTimeout(() => { throw new Error('late') }, 1); await new Promise(r => setTimeout(r, 30))", status: "*", errname: ".*"},
		{name: "throws in a timer afterwards", code: "setTimeout(() => { throw new Error('late') }, 30)"},
		{name: "rejects afterwards", code: "setTimeout(() => Promise.reject(new Error('late')), 30)"},
		{name: "microtasks without end afterwards", code: "setTimeout(() => { const f = () => Promise.resolve().then(f); f() }, 1); await new Promise(r => setTimeout(r, 50))", timeout: soon, status: "timeout", errname: "TimeoutError"},
		{name: "closes 0, 1 and 2", code: "for (const fd of [0, 1, 2]) try { require('fs').closeSync(fd) } catch {}"},
		dies("closes every descriptor", "for (let fd = 0; fd < 256; fd++) try { require('fs').closeSync(fd) } catch {}\nawait new Promise(r => setTimeout(r, 30000))", ""),
		{name: "overrides console", code: "console.log = console.error = null; globalThis.console = {log: 1}"},
		{name: "overrides process.stdout.write", code: "process.stdout.write = () => { throw new Error('no') }; process.stderr.write = null"},
		{name: "overrides JSON", code: "JSON.stringify = JSON.parse = null; globalThis.JSON = null"},
		{name: "overrides Promise", code: "Promise.prototype.then = null; globalThis.Promise = null"},
		{name: "breaks prototypes", code: "Array.prototype.map = Array.prototype.push = Object.keys = Buffer.from = String.prototype.slice = Map.prototype.get = null"},
		{name: "poisons Object.prototype", code: "Object.defineProperty(Object.prototype, 'get', {get() { throw new Error('poison') }, configurable: true}); Object.defineProperty(Object.prototype, 'toJSON', {get() { throw new Error('poison') }, configurable: true})"},
		{name: "a child stays", code: "require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'ignore'}).pid"},
		{name: "a worker spins", code: "new (require('worker_threads').Worker)('for (;;);', {eval: true}); 0"},
		{name: "an interval prints", code: "let n = 0; const iv = setInterval(() => { if (++n > 20) clearInterval(iv); console.log('tick') }, 1)"},
		{name: "a throwing inspect", code: "({ [Symbol.for('nodejs.util.inspect.custom')]() { throw new TypeError('no inspect') } })", status: "*", errname: ".*"},
		raises("a throwing message", "throw Object.defineProperty(new Error('x'), 'message', {get() { throw new Error('no') }})", ".+"),
		raises("throws null", "throw null", ".*"),
	}
}
