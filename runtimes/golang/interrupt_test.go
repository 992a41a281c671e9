package golang_test

import (
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
)

// interrupted runs code, interrupts it once it has printed its first word, and
// returns how it ended.
func (c *client) interrupted(code string, signal bool) (outcome, time.Duration) {
	c.t.Helper()
	c.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: `fmt.Println("begun")` + "\n" + code})
	c.out.until(c.t, "begun\n")
	began := time.Now()
	c.send(wire.Request{Type: wire.ReqInterrupt})
	if signal { // behind the frame, as the server does it
		if err := c.kernel.Process.Signal(syscall.SIGINT); err != nil {
			c.t.Fatal(err)
		}
	}
	o := c.finish()
	return o, time.Since(began)
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"endless loop":       "for {}",
		"counting":           "n := 0\nfor { n++ }",
		"empty select":       "select {}",
		"sleep":              "time.Sleep(time.Minute)",
		"receive":            "ch := make(chan int)\n<-ch",
		"send":               "ch := make(chan int)\nch <- 1",
		"range over channel": "for range make(chan int) {}",
		"select":             "select { case <-make(chan int): case <-time.After(time.Hour): }",
		"wait group":         "var wg sync.WaitGroup\nwg.Add(1)\nwg.Wait()",
		"pipe":               "r, w, _ := os.Pipe()\n_ = w\nr.Read(make([]byte, 1))",
		"subprocess":         `err := exec.Command("sleep", "60").Run(); fmt.Println(err)`,
		"in a function":      "func f() { for { g() } }\nfunc g() {}\nf()",
		"goroutines":         "for range 3 { go func() { for {} }() }\nselect {}",
		"recovering":         "for { func() { defer func() { recover() }(); for {} }() }",
		"sorting":            "s := make([]int, 1000)\nsort.Slice(s, func(i, j int) bool { time.Sleep(time.Second); return true })",
	}
	for name, code := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := start(t)
			c.run("kept := 41\nbump := func() int { kept++; return kept }\nch0 := make(chan int, 1)")
			for _, signal := range []bool{true, false} {
				o, took := c.interrupted(code, signal)
				if o.status != "interrupted" || o.err.Name != "Interrupted" {
					t.Fatalf("status %q, error %+v", o.status, o.err)
				}
				if took > time.Second {
					t.Errorf("the interrupt took %v", took)
				}
			}
			// Functions and channels made before still work.
			o := c.run("ch0 <- bump()\n<-ch0")
			if o.status != "ok" || o.result != "42" {
				t.Errorf("afterwards: %s %q %+v", o.status, o.result, o.err)
			}
		})
	}
}

func TestInterruptedGoroutineStaysDead(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.interrupted("time.Sleep(400 * time.Millisecond)\nfmt.Println(\"zombie\")\nx := 1", true)
	if o := c.run("time.Sleep(600 * time.Millisecond)\nfmt.Println(\"next\")"); o.stdout != "next\n" {
		t.Errorf("stdout %q", o.stdout)
	}
}

func TestInterruptBetweenCells(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.run("x := 1")
	for range 3 {
		if err := c.kernel.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		c.send(wire.Request{Type: wire.ReqInterrupt})
		if o := c.run("x++\nx"); o.status != "ok" {
			t.Fatalf("%s %+v", o.status, o.err)
		}
	}
	if o := c.run("1"); o.status != "ok" {
		t.Fatalf("%s %+v", o.status, o.err)
	}
}
