package testserver

import (
	"errors"
	"os"
	"os/exec"
	"testing"

	"hotcell/internal/jail"
)

// Behind runs tests of the same binary again, those whose names match a pattern,
// once for each kind of boundary around the files of their sandboxes.
func Behind(t *testing.T, pattern string) {
	t.Helper()
	if os.Getenv(isolation) != "" {
		t.Skip("this is such a run")
	}
	for _, mode := range Modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run", pattern, "-test.short", "-test.v=true") //nolint:forbidigo // it is this test
			cmd.Env = append(os.Environ(), isolation+"="+string(mode))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// Modes are the kinds of boundaries that this machine has.
func Modes(t *testing.T) []jail.Mode {
	t.Helper()
	modes := []jail.Mode{jail.Process}
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Log("bubblewrap is not installed, so there are no namespaces to try")
	} else {
		modes = append(modes, jail.Namespace)
	}
	j := Jails{mode: jail.Process, data: t.TempDir(), open: map[string]*jail.Jail{}, tb: t}
	defer j.close()
	work := t.TempDir()
	if _, err := j.Of(work); errors.Is(err, jail.ErrUnavailable) {
		t.Skip(err)
	}
	return modes
}
