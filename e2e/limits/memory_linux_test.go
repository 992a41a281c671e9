package limits_test

import (
	"strings"
	"testing"

	"hotcell/internal/wire"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
)

// hogs use memory until they may not.
var hogs = map[string]string{
	"python":     "l = []\nwhile True: l.append(' ' * 10**7)",
	"javascript": "const l = []; for (;;) l.push(Buffer.alloc(1e7, 1))",
	"go":         "var l [][]byte\nfor { b := make([]byte, 10000000); for i := 0; i < len(b); i += 4096 { b[i] = 1 }; l = append(l, b) }",
}

// TestContextOutOfMemory lets each language hit its sandbox's limit.
func TestContextOutOfMemory(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	other := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	for language, code := range hogs {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			id := sandbox(t, s, sandboxes.Limits{Memory: 400 * mib})
			e, beside := newContext(t, s, id, language), newContext(t, s, id, "python")
			run(t, beside, "kept = 5")
			ex := begin(t, e, code)
			neighbour(t, other, ex.Done())
			o := finish(t, ex)
			if o.status != wire.StatusDied || o.failure == nil || o.failure.Cause == nil {
				t.Fatalf("%+v", o)
			}
			want := wire.Cause{Reason: "out_of_memory", Signal: "SIGKILL", Killed: 1, LimitOf: "sandbox", Limit: 400 * mib}
			if *o.failure.Cause != want || o.failure.Name != "OutOfMemoryError" ||
				!strings.Contains(o.failure.Value, "out of memory: the system killed 1 process at the sandbox's limit of 400 MiB") {
				t.Errorf("%s: %s, %+v", o.failure.Name, o.failure.Value, *o.failure.Cause)
			}
			// The one beside it, and the next kernel, are well.
			if o := run(t, beside, "assert kept == 5"); o.status != wire.StatusOK || o.notices != "" {
				t.Errorf("beside: %+v", o)
			}
			if o := run(t, e, "1+1"); o.status != wire.StatusOK || !strings.Contains(o.notices, "out of memory") {
				t.Errorf("afterwards: %+v", o)
			}
		})
	}
}

// TestContextLimit is a context's own, below its sandbox's.
func TestContextLimit(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Context: limits.Limits{Memory: 300 * mib}})
	e := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	o := run(t, e, hogs["python"])
	if o.failure == nil || !strings.Contains(o.failure.Value, "the context's limit of 300 MiB") {
		t.Errorf("%+v", o.failure)
	}
}

// TestChildOutOfMemory is a process of a kernel's that is killed: the kernel lives.
func TestChildOutOfMemory(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	e := newContext(t, s, sandbox(t, s, sandboxes.Limits{Memory: 300 * mib}), "python")
	o := run(t, e, "import subprocess, sys\nr = subprocess.run([sys.executable, '-c', '''"+hogs["python"]+"'''])\nprint(r.returncode)")
	if o.status != wire.StatusOK || o.output != "-9\n" ||
		o.notices != "Out of memory: the system killed 1 process at the sandbox's limit of 300 MiB\n" {
		t.Errorf("%+v", o)
	}
	if o := run(t, e, "1"); o.notices != "" {
		t.Errorf("told twice: %s", o.notices)
	}
}

// TestCommandsOutOfMemory is everything that runs beside contexts.
func TestCommandsOutOfMemory(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	id := sandbox(t, s, sandboxes.Limits{Memory: 200 * mib})
	told := "hotcell: out of memory: the system killed 1 process at the sandbox's limit of 200 MiB\n"
	eat := "python3 -c \"\n" + hogs["python"] + "\""

	status, a := post(t, s, id, "/process/execute", map[string]any{"command": "echo on; " + eat})
	if text, _ := a["result"].(string); status != 200 || !strings.HasSuffix(text, told) || a["exitCode"] != 137.0 {
		t.Errorf("a command: %d %v", status, a)
	}
	status, a = post(t, s, id, "/process/code-run", map[string]any{"code": "print('on')\n" + hogs["python"], "language": "python"})
	if text, _ := a["result"].(string); status != 200 || text != "on\n"+told || a["exitCode"] != 137.0 {
		t.Errorf("a script: %d %v", status, a)
	}
	post(t, s, id, "/process/session", map[string]any{"sessionId": "s"})
	status, a = post(t, s, id, "/process/session/s/exec", map[string]any{"command": eat})
	if text, _ := a["output"].(string); status != 200 || !strings.Contains(text, told) || a["exitCode"] != 137.0 {
		t.Errorf("a session: %d %v", status, a)
	}
	_, a = post(t, s, id, "/process/session/s/exec", map[string]any{"command": "echo fine"})
	if text, _ := a["output"].(string); !strings.Contains(text, "fine") || strings.Contains(text, "memory") {
		t.Errorf("afterwards: %v", a)
	}
}
