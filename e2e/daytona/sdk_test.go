package daytona_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

func TestTypeScriptSDK(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, "typescript.mjs", "SDK="+pkg)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

func TestPythonSDK(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"python_sync.py", "python_async.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

// TestTypeScriptCorners runs the SDK as in a browser, and its event stream.
func TestTypeScriptCorners(t *testing.T) {
	t.Parallel()
	for file, env := range map[string]string{"serverless.mjs": "VERCEL=1", "events.mjs": "VERCEL="} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file, env, "SHELL_HOME="+t.TempDir())
			testserver.Subtests(t, out, errs, err)
		})
	}
}

func TestProgramThatLeavesEverythingOpen(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	out, errs, err := script(t, s, "leave.mjs")
	ended := time.Now()
	var got struct {
		Stdout string
		Done   int64
	}
	if err != nil || json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("%v\n%s\n%s", err, out, errs)
	}
	if got.Stdout != "1\n" {
		t.Errorf("stdout is %q", got.Stdout)
	}
	if idle := ended.Sub(time.UnixMilli(got.Done)); idle > 2*time.Second {
		t.Errorf("the program ended %s after its last line", idle)
	}
}

// TestGuide runs the stateful examples of Daytona's guide.
func TestGuide(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"seed.mjs", "seed.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file)
			if err != nil {
				t.Fatalf("%v\n%s\n%s", err, out, errs)
			}
			for _, want := range []string{"[STDOUT] Counter initialized at 1", "[STDOUT] stored in ctx"} {
				if !strings.Contains(out, want) {
					t.Errorf("%q is not in the output %q", want, out)
				}
			}
		})
	}
}
