package python_test

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
)

// running starts a cell that prints "go" when it is where it should be interrupted.
func (k *kernel) running(code string) {
	k.t.Helper()
	k.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: code})
	k.untilGo()
}

// untilGo takes the "go" of a cell or a task.
func (k *kernel) untilGo() {
	k.t.Helper()
	buf := make([]byte, 64)
	if err := k.Stdout.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		k.t.Fatal(err)
	}
	n, err := k.Stdout.Read(buf)
	if err != nil || !strings.HasPrefix(string(buf[:n]), "go") {
		k.t.Fatalf("read %q: %v", buf[:n], err)
	}
}

func (k *kernel) interrupt() {
	k.t.Helper()
	k.send(wire.Request{Type: wire.ReqInterrupt})
	if err := k.Process.Signal(syscall.SIGINT); err != nil {
		k.t.Fatal(err)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, code, status string }{
		{"loop", "print('go')\nwhile True: pass", "interrupted"},
		{"sleep", "import time\nprint('go')\ntime.sleep(60)", "interrupted"},
		{"await", "import asyncio\nprint('go')\nawait asyncio.sleep(60)", "interrupted"},
		{"loop in an async cell", "import asyncio\nawait asyncio.sleep(0)\nprint('go')\nwhile True: pass", "interrupted"},
		{"asyncio.run", "import asyncio\nasync def main():\n    print('go')\n    await asyncio.sleep(60)\nasyncio.run(main())", "interrupted"},
		{"another task", "import asyncio\nasync def spin():\n    print('go')\n    while True: pass\nt = asyncio.create_task(spin())\nawait asyncio.sleep(60)", "interrupted"},
		{"os.system", "import os\nprint('go')\nos.system('sleep 60')", "interrupted"},
		{"subprocess", "import subprocess\nprint('go')\nsubprocess.run(['sleep', '60'])", "interrupted"},
		{"shell", "print('go')\n!sleep 60", "interrupted"},
		{"own handler", "import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\nprint('go')\nwhile True: pass", "interrupted"},
		{"caught", "import time\ntry:\n    print('go')\n    time.sleep(60)\nexcept KeyboardInterrupt:\n    caught = 1", "ok"},
		{"finally", "import time\ntry:\n    print('go')\n    time.sleep(60)\nfinally:\n    caught = 1", "interrupted"},
		{"callback", "import asyncio\ndef spin():\n    print('go')\n    while True: pass\nasyncio.get_running_loop().call_soon(spin)\nawait asyncio.sleep(60)", "interrupted"},
		{"swallowed cancel", "import asyncio\ntry:\n    print('go')\n    await asyncio.sleep(60)\nexcept (asyncio.CancelledError, KeyboardInterrupt):\n    caught = 1", "ok"},
		{"repr", "class R:\n    def __repr__(self):\n        print('go')\n        while True: pass\nR()", "interrupted"},
		{"thread join", "import threading, time\nth = threading.Thread(target=time.sleep, args=(3,), daemon=True); th.start()\nprint('go')\nth.join()", "interrupted"},
		{"printing", "print('go')\nwhile True: print('x' * 1000)", "interrupted"},
		{"displaying", "print('go')\nwhile True: display('x')", "interrupted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			k := configured(t)
			k.ok("kept = 5")
			k.running(c.code)
			k.interrupt()
			r := k.await()
			if r.done.Status != c.status {
				t.Fatalf("status %s, %s", r.done.Status, r.first(wire.MsgError).Traceback)
			}
			if e := r.first(wire.MsgError); c.status == "interrupted" && e.Name != "KeyboardInterrupt" {
				t.Errorf("error %+v", e)
			}
			if got := k.ok("kept").result(); got != "5" {
				t.Errorf("state after the interrupt: %s", got)
			}
		})
	}
}

func TestInterruptBetweenCells(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("x = 1\nimport signal\nsignal.signal(signal.SIGINT, signal.SIG_DFL)")
	for range 20 {
		k.interrupt()
		if err := k.Process.Signal(syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		if got := k.ok("x").result(); got != "1" {
			t.Fatalf("after a late interrupt: %s", got)
		}
	}
}

// TestInterruptOvertakesItsCell sends the interrupt so early that the signal
// arrives before the driver has begun the cell.
func TestInterruptOvertakesItsCell(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for range 20 {
		k.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: "import time\ntime.sleep(60)"})
		k.interrupt()
		if r := k.await(); r.done.Status != "interrupted" {
			t.Fatalf("status %s", r.done.Status)
		}
	}
}

// TestInterruptBackgroundTask frees a kernel whose leftover task never yields.
func TestInterruptBackgroundTask(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok("import asyncio\nev = asyncio.Event()\nasync def spin():\n    await ev.wait()\n    print('go')\n    while True: pass\nt = asyncio.create_task(spin())\nkept = 3")
	if r := k.ok("ev.set()"); r.stdout.Len() == 0 {
		k.untilGo()
	}
	k.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: "kept"})
	k.interrupt()
	// The interrupt is for the cell, which begins when the task is out of its way.
	if r := k.await(); r.done.Status != "ok" && r.done.Status != "interrupted" {
		t.Errorf("status %s", r.done.Status)
	}
	if got := k.ok("kept").result(); got != "3" {
		t.Errorf("state: %s", got)
	}
}
