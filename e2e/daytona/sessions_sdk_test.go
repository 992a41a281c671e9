package daytona_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/e2e/testserver"
)

func TestSessionsTypeScript(t *testing.T) {
	t.Parallel()
	for name, env := range map[string][]string{
		"0.218.0":      {"SDK=@daytonaio/sdk"},
		"0.190.1":      {"SDK=daytona-sdk-0190"},
		"in a browser": {"SDK=@daytonaio/sdk", "VERCEL=1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, "sessions.mjs", env...)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

func TestSessionsPython(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"sessions_sync.py", "sessions_async.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

// pip stands in for the one of the guides, which asks before it removes something.
const pip = `#!/bin/sh
echo "Found existing installation: $2 2.32.0"
printf 'Proceed (Y/n)? '
read answer
test "$answer" = y && echo "  Successfully uninstalled $2"
`

// TestSessionsGuide runs the examples of Daytona's guides, which have a directory
// /workspace and a pip.
func TestSessionsGuide(t *testing.T) {
	t.Parallel()
	programs := t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "pip"), []byte(pip), 0o755); err != nil {
		t.Fatal(err)
	}
	workspace(t)
	for file, wants := range map[string][]string{
		"seed_sessions.mjs": {
			"\n/workspace\n", "Command: cd /workspace, Exit Code: 0", "Command pwd completed successfully", "Log chunk: /workspace",
			"Session my-session:\n- cd /workspace (0)", "[STDOUT]: y", "Successfully uninstalled requests",
		},
		"seed_sessions.py": {
			"/workspace\n\nHello\n", "Command: cd /workspace, Exit Code: 0", "Command cd /workspace completed successfully",
			"stdout='Done\\n'", "Session my-session:\n  Commands: 5", "[STDOUT]: y", "Successfully uninstalled requests",
		},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t, testserver.WithVisible(programs))
			out, errs, err := script(t, s, file, "PATH_WITH_PIP="+programs+":"+os.Getenv("PATH"))
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, out, errs)
			}
			for _, want := range wants {
				if !strings.Contains("\n"+out, want) {
					t.Errorf("%q is not in the output %s", want, out)
				}
			}
		})
	}
}

// workspace makes the directory that the guides take for given, if it isn't there.
func workspace(t *testing.T) {
	t.Helper()
	err := os.Mkdir("/workspace", 0o755)
	switch {
	case err == nil:
		t.Cleanup(func() { _ = os.Remove("/workspace") })
	case !errors.Is(err, os.ErrExist):
		t.Skipf("the guides' /workspace cannot be made: %v", err)
	}
}
