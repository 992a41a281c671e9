package python_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// parked starts a kernel and lets it wait until it has rehearsed: then it
// sleeps in its event loop.
func parked(t *testing.T) *kernel {
	t.Helper()
	k := start(t)
	for until := time.Now().Add(5 * time.Second); time.Now().Before(until); {
		raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/wchan", k.Process.Pid()))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "ep_") || strings.Contains(string(raw), "epoll") {
			return k
		}
	}
	t.Skip("this kernel doesn't tell where a process waits")
	return nil
}

// seen is all that a user could notice of cells that ran before.
const seen = `import sys, os, asyncio, threading, linecache, inspect, warnings, gc, json, signal
_found = {
	'cells': [n for n in linecache.cache if n.startswith('<cell')],
	'names': sorted(n for n in globals() if n != '_found'),
	'modules': sorted(sys.modules),
	'in': In[:-1], 'out': list(Out), 'last': [_, __, ___], 'count': get_ipython().execution_count,
	'errors': [n for n in ('last_type', 'last_value', 'last_traceback', 'last_exc') if hasattr(sys, n)],
	'threads': threading.active_count(), 'tasks': len(asyncio.all_tasks(asyncio.get_event_loop_policy().get_event_loop())),
	'finders': [type(f).__name__ for f in sys.meta_path], 'path': sys.path, 'filters': len(warnings.filters),
	'env': sorted(os.environ), 'cwd': os.getcwd(), 'gc': gc.isenabled(),
	'history': list(get_ipython().history_manager.input_hist_raw)[:-1],
	'files': sorted(f for f in os.listdir('/proc/self/fd') if int(f) < 200),
	'sigint': signal.getsignal(signal.SIGINT) is not signal.SIG_IGN,
}
print(json.dumps(_found))
`

// TestParked: a kernel that has rehearsed is like one that has not.
func TestParked(t *testing.T) {
	t.Parallel()
	fresh := start(t)
	fresh.configure(wire.Request{Cwd: "/"})
	waited := parked(t)
	waited.configure(wire.Request{Cwd: "/"})
	var found [2]map[string]any
	for i, k := range []*kernel{fresh, waited} {
		r := k.ok(seen)
		if err := json.Unmarshal([]byte(r.stdout.String()), &found[i]); err != nil {
			t.Fatalf("%v: %q, stderr %q", err, r.stdout.String(), r.stderr.String())
		}
		if len(r.done.Names) > 0 {
			t.Errorf("names %v", r.done.Names)
		}
	}
	if d := cmp.Diff(found[0], found[1]); d != "" {
		t.Errorf("parked (+) is not as fresh (-):\n%s", d)
	}
	want := map[string]any{"cells": []any{"<cell 1>"}, "in": []any{""}, "out": []any{}, "last": []any{"", "", ""}, "count": 2.0, "errors": []any{}}
	for name, value := range want {
		if d := cmp.Diff(value, found[1][name]); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
	for _, k := range []*kernel{fresh, waited} {
		if trace := k.execute("1/0").first(wire.MsgError).Traceback; !strings.Contains(trace, `"<cell 2>", line 1`) {
			t.Errorf("traceback %s", trace)
		}
	}
}

// TestParkedIsWarm: what a first cell writes to is the kernel's own already.
func TestParkedIsWarm(t *testing.T) {
	t.Parallel()
	k := parked(t)
	before := faults(t, k.Kernel)
	k.configure(wire.Request{})
	k.ok("import pandas, matplotlib.pyplot; 1+1")
	touched := faults(t, k.Kernel) - before
	t.Logf("%d page faults", touched)
	if touched > 150 { // about 15; 500 without a rehearsal
		t.Errorf("a first cell made %d page faults", touched)
	}
}

// TestParkedApart: kernels that rehearsed don't repeat each other's random numbers.
func TestParkedApart(t *testing.T) {
	t.Parallel()
	a, b := parked(t), parked(t)
	for _, k := range []*kernel{a, b} {
		k.configure(wire.Request{})
	}
	const code = "import random, numpy; random.random(), float(numpy.random.rand())"
	if x, y := a.ok(code).result(), b.ok(code).result(); x == y {
		t.Errorf("both have %s", x)
	}
}

// TestUnparked: whoever comes in the middle of a rehearsal ends it.
func TestUnparked(t *testing.T) {
	t.Parallel()
	for i := range 24 {
		k := start(t)
		moment := time.NewTimer(4*time.Millisecond + time.Duration(i)*200*time.Microsecond)
		<-moment.C
		switch i % 3 {
		case 0: // without a configuration
		case 1:
			k.configure(wire.Request{Env: map[string]string{"MINE": "1"}})
		case 2: // everything at once
			k.send(wire.Request{Type: wire.ReqConfigure, Language: "python"})
			k.send(wire.Request{Type: wire.ReqExecute, ID: "y", Code: "print('early')"})
			if m := k.read(); m.Type != wire.MsgReady {
				t.Fatalf("configure: %+v", m)
			}
			if r := k.await(); r.stdout.String() != "early\n" || r.done.ID != "y" {
				t.Fatalf("early: %q %+v", r.stdout.String(), r.done)
			}
		}
		r := k.ok("import linecache; [n for n in linecache.cache if n.startswith('<cell')], [n for n in globals() if n[0] != '_' and n not in get_ipython().user_ns_hidden]")
		want := "(['<cell 1>'], ['linecache'])"
		if i%3 == 2 {
			want = "(['<cell 1>', '<cell 2>'], ['linecache'])"
		}
		if r.result() != want || r.stdout.Len()+r.stderr.Len() > 0 || r.count(wire.MsgResult) != 1 {
			t.Errorf("round %d: %s, %v, stdout %q, stderr %q", i, r.result(), r.order, r.stdout.String(), r.stderr.String())
		}
	}
}

// TestParkedEnds: the server may leave at any moment of a rehearsal.
func TestParkedEnds(t *testing.T) {
	t.Parallel()
	for i := range 12 {
		k := startOf(t, shared, runtimes.Spec{})
		moment := time.NewTimer(time.Duration(i) * 800 * time.Microsecond)
		<-moment.C
		k.Conn.Close()
		<-k.Process.Done()
		if got := k.Process.Exit().String(); got != "exit status 0" {
			t.Errorf("after %d steps: %s", i, got)
		}
	}
}

// TestWokenByAThread: a kernel that waits for the server hears a thread of its own,
// and not one of a kernel beside it.
func TestWokenByAThread(t *testing.T) {
	t.Parallel()
	const code = `import asyncio, threading, time
loop = asyncio.get_event_loop_policy().get_event_loop()
def call():
	for i in range(20):
		time.sleep(0.01)
		loop.call_soon_threadsafe(print, i)
threading.Thread(target=call).start()`
	kernels := []*kernel{configured(t), configured(t), parked(t)}
	kernels[2].configure(wire.Request{})
	for _, k := range kernels {
		k.ok(code)
	}
	want := "0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n18\n19\n"
	for i, k := range kernels {
		if err := k.Stdout.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(want))
		if n, err := io.ReadFull(k.Stdout, got); err != nil || string(got) != want {
			t.Errorf("kernel %d: %q, %v", i, got[:n], err)
		}
	}
}
