package node_test

import (
	"testing"

	"hotcell/internal/wire"
)

// The cells say "go" when they are where the interrupt is to find them.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for _, test := range []struct{ name, code string }{
		{"loop", `let kept = 1; console.log('go'); while (true) {}`},
		{"loop that prints", `console.log('go'); while (true) console.log('x')`},
		{"pending await", `console.log('go'); await new Promise(() => {})`},
		{"timer", `console.log('go'); await new Promise(r => setTimeout(r, 1e6))`},
		{"loop after await", `await new Promise(r => setTimeout(r, 1)); console.log('go'); for (;;);`},
		{"loop in a promise", `Promise.resolve().then(() => { console.log('go'); for (;;); }); 1`},
		{"loop in a tick", `process.nextTick(() => { console.log('go'); for (;;); }); await new Promise(() => {})`},
		{"loop in a timer", `setTimeout(() => { console.log('go'); for (;;); }, 1); await new Promise(() => {})`},
		{"loop in an immediate", `setImmediate(() => { console.log('go'); for (;;); }); await new Promise(() => {})`},
		{"loop in an interval", `setInterval(function () { clearInterval(this); console.log('go'); for (;;); }, 1); await new Promise(() => {})`},
		{"loop in a file callback", `fs.readFile('/dev/null', () => { console.log('go'); for (;;); }); await new Promise(() => {})`},
		{"loop in a microtask", `queueMicrotask(() => { console.log('go'); for (;;); }); await new Promise(() => {})`},
		{"loop in an exit of a child", `require('child_process').exec('true', () => { console.log('go'); for (;;); }); await new Promise(() => {})`},
		{"promise chain", `console.log('go'); for (;;) await null`},
		{"finally", `console.log('go'); for (;;) { try { for (;;); } finally { continue } }`},
		{"child", `require('child_process').execSync('echo go; sleep 60', {stdio: 'inherit'})`},
		{"asynchronous child", `const {exec} = require('child_process'); const {promisify} = require('util'); console.log('go'); await promisify(exec)('sleep 60')`},
		{"atomics", `console.log('go'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)`},
		{"listener removed", `process.removeAllListeners('SIGINT'); console.log('go'); for (;;);`},
		{"all listeners removed", `process.removeAllListeners(); console.log('go'); for (;;);`},
		{"own listener", `process.on('SIGINT', () => {}); console.log('go'); for (;;);`},
		{"display", `console.log('go'); for (;;) display(1)`},
		{"custom inspect", `({ [Symbol.for('nodejs.util.inspect.custom')]() { console.log('go'); for (;;); } })`},
		{"regular expression", `console.log('go'); /(a*)*b/.test('a'.repeat(40))`},
		{"stack overflow", `console.log('go'); for (;;) { try { (function f() { f() })() } catch {} }`},
	} {
		c.forget(&c.stdout)
		c.begin(wire.Request{Code: test.code})
		c.await(&c.stdout, "go")
		c.interrupt()
		o := c.finish()
		if o.Status != "interrupted" || o.Name == "" {
			t.Errorf("%s: %+v", test.name, o)
		}
		if o := c.run("kept + 1"); o.Result != "2" || o.Status != "ok" {
			t.Errorf("%s: afterwards: %+v", test.name, o)
		}
		// Every queue of the event loop still works.
		if o := c.run(`await new Promise(r => setTimeout(r, 1)); await new Promise(r => setImmediate(r));
			await new Promise(r => process.nextTick(r)); await fs.promises.stat('.');
			await new Promise(r => require('child_process').exec('true', r)); require('async_hooks').executionAsyncId() >= 0`); o.Result != "true" {
			t.Errorf("%s: event loop: %+v", test.name, o)
		}
	}
}

// An interrupt that comes late, early or in the middle of an end does no harm
// to the next cell.
func TestInterruptRaces(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for i := range 300 {
		c.begin(wire.Request{Code: []string{"1", "await 1", "console.log(1)", "({a: 1})", "display(1)"}[i%5]})
		c.interrupt()
		if o := c.finish(); o.Status != "ok" && o.Status != "interrupted" {
			t.Fatalf("%d: %+v", i, o)
		}
		c.interrupt()
		if o := c.run("40 + 2"); o.Status == "ok" && o.Result != "42" || o.Status == "died" || o.Status == "error" {
			t.Fatalf("%d: afterwards: %+v", i, o)
		}
		if o := c.run("40 + 2"); o.Result != "42" {
			t.Fatalf("%d: undisturbed: %+v", i, o)
		}
	}
}

func TestInterruptWhenIdle(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for range 50 {
		c.interrupt()
		if o := c.run("await new Promise(r => setImmediate(r)); 42"); o.Status != "ok" && o.Status != "interrupted" {
			t.Fatalf("%+v", o)
		}
	}
}

// What an interrupted callback leaves behind in Node must not end the process
// once asynchronous contexts are in use.
func TestInterruptThenAsyncContexts(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	for range 3 {
		c.begin(wire.Request{Code: `setTimeout(() => { process.stdout.write('go\n'); for (;;); }, 1); await new Promise(() => {})`})
		c.await(&c.stdout, "go\n")
		c.interrupt()
		if o := c.finish(); o.Status != "interrupted" {
			t.Fatalf("%+v", o)
		}
		c.forget(&c.stdout)
	}
	o := c.run(`const als = new (require('async_hooks').AsyncLocalStorage)();
		await als.run(5, async () => { await new Promise(r => setTimeout(r, 1)); return als.getStore() })`)
	if o.Result != "5" {
		t.Errorf("%+v", o)
	}
	if said := c.written(&c.stderr); said != "" {
		t.Error(said)
	}
}
