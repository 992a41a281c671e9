package testserver

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"hotcell/internal/jail"
	"hotcell/sandboxes/isolation"
)

// isolationVar is the mode of the servers that aren't given one. Where it isn't set,
// that is what serve's is: the strongest that works here.
const isolationVar = "HOTCELL_TEST_ISOLATION"

// UsualMode is what is around sandboxes if nobody says otherwise.
func UsualMode() jail.Mode {
	return jail.Mode(cmp.Or(os.Getenv(isolationVar), string(isolation.Auto)))
}

// Repeated reports whether this is a run of [Again].
func Repeated() bool { return os.Getenv(isolationVar) != "" }

// Again runs tests of the same binary once more, those whose names match a pattern,
// without a boundary around their sandboxes, and behind the weaker ones if all are to
// be tried.
func Again(t *testing.T, pattern string) {
	t.Helper()
	if Repeated() {
		t.Skip("this is such a run")
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	modes := []jail.Mode{jail.None}
	if All() {
		modes = append(modes, jail.Process)
	}
	for _, mode := range modes {
		t.Run(string(mode), func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), exe, "-test.run", pattern, "-test.short") //nolint:forbidigo // it is this test
			cmd.Env = append(os.Environ(), isolationVar+"="+string(mode))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// allVar makes tests that repeat themselves try every boundary, which takes minutes.
const allVar = "HOTCELL_TEST_ALL"

// All reports whether every boundary is to be tried, and not the strongest alone.
func All() bool { return os.Getenv(allVar) != "" }

// Modes are the kinds of boundaries that are tried here.
func Modes(t *testing.T) []jail.Mode {
	t.Helper()
	modes := []jail.Mode{jail.Process}
	if _, err := exec.LookPath("bwrap"); err != nil {
		t.Log("bubblewrap is not installed: namespaces are not tried")
		return modes
	}
	if modes = append(modes, jail.Namespace); !All() {
		return modes[1:]
	}
	return modes
}

// Dir is a new directory in a sandbox's work directory, which has the same path for
// the test and for what runs inside; both may write to it.
func (s *Server) Dir(tb testing.TB, sandbox string) string {
	tb.Helper()
	place := s.Place(tb, sandbox)
	dir, err := os.MkdirTemp(place.Dir, "test-") //nolint:usetesting // it has to lie there
	if err == nil {
		err = own(dir, place.Inside.UID)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Own gives what a test has put into a sandbox's work directory to the sandbox's
// user.
func (s *Server) Own(tb testing.TB, sandbox string) {
	tb.Helper()
	place := s.Place(tb, sandbox)
	if err := own(place.Dir, place.Inside.UID); err != nil {
		tb.Fatal(err)
	}
}

// own makes everything in a directory a user's.
func own(dir string, uid int) error {
	if uid == 0 {
		return nil
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, uid, uid))
	})
}
