// Package isolation_test runs things in sandboxes that are kept apart, and lets
// them try what they must not be able to do.
package isolation_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
	"hotcell/internal/jail"
	"hotcell/process/command"
	"hotcell/sandboxes"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// modes are those that can be tried here.
func modes(t *testing.T) []jail.Mode {
	t.Helper()
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Log("bubblewrap is not installed: namespaces are not tried")
		return []jail.Mode{jail.Process}
	}
	return []jail.Mode{jail.Namespace, jail.Process}
}

// serve starts a server, and reports what is in force.
func serve(t *testing.T, mode jail.Mode, network jail.Network) *testserver.Server {
	t.Helper()
	s := testserver.Start(t, testserver.WithIsolation(mode, network))
	if got := s.Isolation.Status(); got.Mode != mode || got.Network != network {
		t.Fatalf("in force is %+v", got)
	}
	return s
}

// sandbox makes one more.
func sandbox(t *testing.T, s *testserver.Server) string {
	t.Helper()
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Intervals: sandboxes.Intervals{AutoDelete: -1}})
	if err != nil {
		t.Fatal(err)
	}
	return sb.ID
}

// sh runs a shell's command in a sandbox.
func sh(t *testing.T, s *testserver.Server, sandbox, text string) (string, int) {
	t.Helper()
	r, err := s.Tools.Commands.Run(t.Context(), command.Spec{Place: s.Place(t, sandbox), Text: text, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Output.Close()
	return strings.TrimSpace(r.Output.String()), r.Code
}
