package limits_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"hotcell/contexts"
	"hotcell/internal/wire"
	"hotcell/sandboxes"
	"hotcell/sandboxes/limits"
)

// memberships are the lines of /proc/PID/cgroup that name a server's group.
func memberships(t *testing.T, pid int) (found []string) {
	t.Helper()
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if strings.Contains(line, "/hotcell-") {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// TestEveryKernelIsInside covers parked kernels, those with an environment of their
// own from the start, those that were replaced, and what they start.
func TestEveryKernelIsInside(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	if own := memberships(t, os.Getpid()); len(own) > 0 {
		t.Fatalf("the server is in a sandbox's group: %q", own)
	}
	id := sandbox(t, s, sandboxes.Limits{})
	seen := make(map[string]bool)
	inside := func(name string, pid int) {
		t.Helper()
		in := memberships(t, pid)
		if len(in) < 2 {
			t.Errorf("%s is in %q", name, in)
			return
		}
		group := ""
		for _, line := range in {
			if i := strings.LastIndex(line, "/g"); i >= 0 {
				group = line[i:]
			}
		}
		if group == "" || seen[group] {
			t.Errorf("%s shares its group: %q", name, in)
		}
		seen[group] = true
	}
	for _, language := range []string{"python", "javascript", "go"} {
		e := newContext(t, s, id, language)
		inside(language, e.Status().Pid)
	}
	born, err := s.Contexts.Create(t.Context(), id, contexts.Options{Cwd: s.Sandboxes.WorkDir(id), Env: map[string]string{"PYTHONHASHSEED": "1"}})
	if err != nil {
		t.Fatal(err)
	}
	inside("one with an environment", born.Status().Pid)
	e := newContext(t, s, id, "python")
	run(t, e, "import os; os._exit(1)")
	o := run(t, e, "import subprocess; subprocess.run(['grep', 'hotcell-', '/proc/self/cgroup'], start_new_session=True)")
	if o.status != wire.StatusOK || strings.Count(o.output, "/hotcell-") < 2 {
		t.Errorf("a child: %+v", o)
	}
	inside("a second kernel", e.Status().Pid)
	for path, body := range map[string]any{
		"/process/execute":  map[string]any{"command": "grep hotcell- /proc/self/cgroup | sed 's/.*hotcell-[^/]*//'"},
		"/process/code-run": map[string]any{"code": "print(*[l.split('/hotcell-')[1].strip() for l in open('/proc/self/cgroup') if '/hotcell-' in l], sep='\\n')"},
	} {
		_, a := post(t, s, id, path, body)
		if text, _ := a["result"].(string); strings.Count(text, "\n") < 2 || !strings.Contains(text, "/g") {
			t.Errorf("%s: %v", path, a)
		}
	}
}

// TestGroupsAreRemoved counts directories: those of contexts go, or wait to be used
// again; those of sandboxes and of the server go with them.
func TestGroupsAreRemoved(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	beside := start(t, limits.Config{}) // a second server, in the same process
	kept := newContext(t, beside, sandbox(t, beside, sandboxes.Limits{}), "python")
	id := sandbox(t, s, sandboxes.Limits{})
	base := s.Limits.Dirs()
	count := func(depth string) (n int) {
		for _, dir := range base {
			found, _ := filepath.Glob(filepath.Join(dir, depth))
			n = max(n, len(found))
		}
		return n
	}
	for range 3 {
		var made []*contexts.Entry
		for range 20 {
			made = append(made, newContext(t, s, id, "python"))
		}
		if n := count("s*/g*"); n < 20 {
			t.Errorf("%d groups for 20 contexts", n)
		}
		for _, e := range made {
			if err := s.Contexts.End(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
	}
	if n := count("s*/g*"); n > 20 {
		t.Errorf("%d groups are left", n)
	}
	if _, err := s.Sandboxes.Delete(t.Context(), id); err != nil {
		t.Error(err)
	}
	if n := count("s*"); n != 0 {
		t.Errorf("%d sandboxes are left", n)
	}
	s.Close(t)
	for _, dir := range base {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	if o := run(t, kept, "1+1"); o.status != wire.StatusOK {
		t.Errorf("another server's: %+v", o)
	}
}

// TestBusySandbox uses all that a sandbox may have of the processors.
func TestBusySandbox(t *testing.T) {
	t.Parallel()
	s := start(t, limits.Config{})
	if !s.Limits.Status().CPU {
		t.Skip("the processor isn't limited here")
	}
	other := newContext(t, s, sandbox(t, s, sandboxes.Limits{}), "python")
	id := sandbox(t, s, sandboxes.Limits{CPU: 0.5})
	spin := "import time\nbegan = time.time()\nwhile time.time() - began < 2: pass\nprint(time.process_time())"
	first := begin(t, newContext(t, s, id, "python"), spin)
	for range 3 {
		begin(t, newContext(t, s, id, "python"), spin)
	}
	neighbour(t, other, first.Done())
	used, err := strconv.ParseFloat(strings.TrimSpace(finish(t, first).output), 64)
	if err != nil || used > 1 {
		t.Errorf("one of four has used %g s in 2 s, %v", used, err)
	}
}
