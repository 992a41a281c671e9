package node_test

import (
	"testing"

	"hotcell/internal/wire"
)

// Chains of callbacks that never let the event loop have a turn: what is told as
// interrupted leaves the kernel free for the next cell.
func TestInterruptOfEndlessChains(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.run("let kept = 1")
	for _, code := range []string{
		"console.log('go'); for (;;) await null",
		"await new Promise(() => { console.log('go'); const f = () => Promise.resolve().then(f); f() })",
		"await new Promise(() => { console.log('go'); const f = () => process.nextTick(f); f() })",
		"setTimeout(() => { console.log('go'); const f = () => Promise.resolve().then(f); f() }, 1); await new Promise(r => setTimeout(r, 50))",
		"console.log('go'); const f = async () => { for (;;) await null }; for (let i = 0; i < 3; i++) f(); await f()",
	} {
		for range 3 {
			c.forget(&c.stdout)
			c.begin(wire.Request{Code: code})
			c.await(&c.stdout, "go")
			c.interrupt()
			if o := c.finish(); o.Status != "interrupted" {
				t.Errorf("%s: %+v", code, o)
			}
			if o := c.run("kept"); o.Result != "1" {
				t.Fatalf("%s: afterwards: %+v", code, o)
			}
		}
	}
}

// A chain that an earlier cell has left behind keeps the next one from its
// beginning, which an interrupt can end all the same.
func TestInterruptBeforeTheBeginning(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.run("let kept = 1; setTimeout(() => { console.log('go'); const f = () => Promise.resolve().then(f); f() }, 1)")
	c.await(&c.stdout, "go")
	c.begin(wire.Request{Code: "kept = 2"})
	c.interrupt()
	if o := c.finish(); o.Status != "interrupted" {
		t.Errorf("%+v", o)
	}
	if o := c.run("kept"); o.Result != "1" {
		t.Errorf("%+v", o)
	}
}
