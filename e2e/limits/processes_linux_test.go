package limits_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/internal/jail"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
)

// fork bombs: one whose processes all go on, and those of a shell.
const (
	pythonBomb = "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"
	shellBomb  = "f() { f | f & }; f; sleep 600"
	leftBomb   = "f() { f | f & }; f"
)

// TestForkBombInPython is bounded, told, and gone with its time limit.
func TestForkBombInPython(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Sandbox: limits.Limits{Processes: 400}, Context: limits.Limits{Processes: 60}})
	id := sandbox(t, s, sandboxes.Limits{})
	other := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	e, beside := newContext(t, s, id, "python"), newContext(t, s, id, "python")
	ex, err := e.Execute(interpreter.Request{Code: pythonBomb, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	neighbour(t, other, ex.Done())
	o := finish(t, ex)
	if o.status != wire.StatusTimeout || o.failure == nil ||
		!strings.Contains(o.failure.Value+o.notices, "the context's limit of 60 processes and threads") {
		t.Errorf("%+v %+v", o, o.failure)
	}
	for _, c := range []*contexts.Entry{e, beside} {
		if o := run(t, c, "1+1"); o.status != wire.StatusOK {
			t.Errorf("afterwards: %+v", o)
		}
	}
}

// TestForkIsRefused is code that notices by itself; it is told why all the same.
func TestForkIsRefused(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Context: limits.Limits{Processes: 60}})
	e := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	o := run(t, e, "import subprocess\nps = []\nfor i in range(100): ps.append(subprocess.Popen(['sleep', '600']))")
	if o.failure == nil || o.failure.Name != "BlockingIOError" || o.failure.Cause != nil ||
		!strings.HasPrefix(o.notices, "Too many processes: the system refused to start ") ||
		!strings.HasSuffix(o.notices, " at the context's limit of 60 processes and threads\n") {
		t.Errorf("%+v %+v", o, o.failure)
	}
	if o := run(t, e, "for p in ps: p.kill(); p.wait()\nsubprocess.run(['true'])"); o.status != wire.StatusOK || o.notices != "" {
		t.Errorf("afterwards: %+v", o)
	}
}

// TestForkBombInShell is bounded, and killed with its command, or its sandbox.
func TestForkBombInShell(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Sandbox: limits.Limits{Processes: 400}, Context: limits.Limits{Processes: 300}})
	other := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	for name, bomb := range map[string]string{"foreground": shellBomb, "background": leftBomb} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := sandbox(t, s, sandboxes.Limits{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				status, a := post(t, s, id, "/process/execute", map[string]any{"command": bomb, "timeout": 1})
				// A shell that may not fork tries again for a while, and so may not end.
				if status != 408 && (status != 200 || name == "foreground") {
					t.Errorf("%d %v", status, a)
				}
			}()
			neighbour(t, other, done)
			began := time.Now()
			if _, a := post(t, s, id, "/process/execute", map[string]any{"command": "echo fine"}); a["result"] != "fine\n" {
				t.Errorf("afterwards: %v", a)
			}
			t.Logf("the next command took %s", time.Since(began))
		})
	}
	t.Run("sandbox", func(t *testing.T) {
		t.Parallel()
		id := sandbox(t, s, sandboxes.Limits{})
		post(t, s, id, "/process/session", map[string]any{"sessionId": "s"})
		post(t, s, id, "/process/session/s/exec", map[string]any{"command": leftBomb, "runAsync": true})
		e := newContext(t, s, id, "python")
		watched := begin(t, e, pythonBomb).Events(1) // nothing is kept of a deleted sandbox, but for who looks on
		began := time.Now()
		if _, err := s.Sandboxes.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
		t.Logf("it took %s to delete the sandbox", time.Since(began))
		if o := read(t, watched); o.status != wire.StatusCancelled {
			t.Errorf("%+v", o)
		}
	})
}

// TestNoRoom is a sandbox in which nothing more can be started: whoever asks is told.
func TestNoRoom(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Sandbox: limits.Limits{Processes: 40}})
	id := sandbox(t, s, sandboxes.Limits{})
	e := newContext(t, s, id, "python")
	run(t, e, "import subprocess\nps = []\ntry:\n    while True: ps.append(subprocess.Popen(['sleep', '600']))\nexcept OSError: pass")
	status, a := post(t, s, id, "/process/execute", map[string]any{"command": "echo"})
	message, _ := a["message"].(string)
	if status != 429 || a["code"] != "TOO_MANY_PROCESSES" || !strings.Contains(message, "no room for one more in the sandbox, whose limit is 40 processes and threads") {
		t.Errorf("a command: %d %v", status, a)
	}
	for range 3 { // one may be parked
		_, err := s.Contexts.Create(t.Context(), id, contexts.Options{Cwd: s.Sandboxes.WorkDir(id)})
		if err != nil {
			if !strings.Contains(err.Error(), "no room for one more") {
				t.Errorf("a context: %v", err)
			}
			break
		}
	}
	run(t, e, "for p in ps: p.kill(); p.wait()")
	if status, a := post(t, s, id, "/process/execute", map[string]any{"command": "echo fine"}); a["result"] != "fine\n" {
		t.Errorf("afterwards: %d %v", status, a)
	}
}

// TestDescriptors opens all that there are.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{Sandbox: limits.Limits{Files: 500}})
	id := sandbox(t, s, sandboxes.Limits{})
	for language, code := range map[string]string{
		"python":     "fs = []\nwhile True: fs.append(open('/dev/null'))",
		"javascript": "for (;;) fs.openSync('/dev/null')",
		"go":         "import \"os\"\nfor { if _, err := os.Open(\"/dev/null\"); err != nil { panic(err) } }",
	} {
		e := newContext(t, s, id, language)
		if o := run(t, e, code); o.status != wire.StatusError || !strings.Contains(strings.ToLower(o.failure.Value), "too many open files") {
			t.Errorf("%s: %+v %+v", language, o, o.failure)
		}
	}
	if _, a := post(t, s, id, "/process/execute", map[string]any{"command": "ulimit -n; ulimit -c"}); a["result"] != "500\n0\n" {
		t.Errorf("%v", a)
	}
}

// TestProcessesWithoutGroups are counted by their user, where sandboxes have one each.
func TestProcessesWithoutGroups(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("without root, sandboxes share a user")
	}
	s := testserver.Start(t, testserver.WithIsolation(jail.Namespace, jail.Host),
		testserver.WithLimits(limits.Config{Off: true, Sandbox: limits.Limits{Processes: 80}}))
	const code = "import subprocess\nps = []\ntry:\n    for i in range(200): ps.append(subprocess.Popen(['sleep', '600']))\nexcept BlockingIOError: print(len(ps))"
	for range 2 { // one sandbox's don't count as the other's
		e := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
		o := run(t, e, code)
		n, err := strconv.Atoi(strings.TrimSpace(o.output))
		if err != nil || n < 30 || n > 79 {
			t.Errorf("%d were started: %+v %+v", n, o, o.failure)
		}
	}
}
