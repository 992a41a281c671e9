package faults_test

import (
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/internal/jail"
	"hotcell/interpreter"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
)

// TestJailsEnd: when the first process of a sandbox is killed, everything in it ends;
// what ran is told so, the sandbox goes on in another jail, and others notice nothing.
func TestJailsEnd(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Skip(err)
	}
	s := testserver.Start(t, testserver.WithIsolation(jail.Namespace, jail.Host))
	box, err := s.Sandboxes.Create(sandboxes.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	first := func() *jail.Jail {
		j, err := s.Isolation.Jail(t.Context(), isolation.Sandbox{ID: box.ID, Work: s.Sandboxes.WorkDir(box.ID), UID: box.UID})
		if err != nil {
			t.Fatal(err)
		}
		return j
	}
	create := func(owner, language string) *contexts.Entry {
		e, err := s.Contexts.Create(t.Context(), owner, contexts.Options{Language: language, Cwd: s.Sandboxes.WorkDir(owner)})
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	other := create(sandboxes.DefaultID, "python")
	in := map[string]string{
		"python":     "import time; kept = 1; print('in', flush=True); time.sleep(600)",
		"javascript": "globalThis.kept = 1; console.log('in'); await new Promise(r => setTimeout(r, 600000))",
	}
	running := map[*contexts.Entry]*interpreter.Execution{}
	for language, code := range in {
		e := create(box.ID, language)
		ex, err := e.Execute(interpreter.Request{Code: code})
		if err != nil {
			t.Fatal(err)
		}
		untilSaid(t, ex, "in\n")
		running[e] = ex
	}
	if err := syscall.Kill(first().Pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for e, ex := range running {
		<-ex.Done()
		words := untilSaid(t, ex, "")
		for _, want := range []string{"KernelDiedError", " with all else in its sandbox, whose first process has ended"} {
			if !strings.Contains(words, want) {
				t.Errorf("%s: it is not told %q: %s", e.Language(), want, words)
			}
		}
		next, err := e.Execute(interpreter.Request{Code: "1+1"})
		if err != nil {
			t.Fatal(err)
		}
		<-next.Done()
		if status := next.Snapshot().Status; status != "ok" {
			t.Errorf("%s: the next run: %s, %s", e.Language(), status, untilSaid(t, next, ""))
		}
	}
	if other.Status().Epoch != 1 {
		t.Error("the kernel of another sandbox was replaced")
	}
}

// untilSaid reads what an execution says, up to the given words, or to its end.
func untilSaid(t *testing.T, ex *interpreter.Execution, words string) string {
	t.Helper()
	var said strings.Builder
	for r := ex.Events(1); words == "" || !strings.Contains(said.String(), words); {
		events, err := r.Next(t.Context())
		if err != nil {
			break
		}
		for _, e := range events {
			said.WriteString(e.Text + e.Name + e.Value + "\n")
		}
	}
	return said.String()
}
