package e2b_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

// scriptTimeout is for one whole script; the machine may be busy.
const scriptTimeout = 2 * time.Minute

// script runs a client program against a server and returns its output.
func script(t *testing.T, s *testserver.Server, env []string, program string, args ...string) (string, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), scriptTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "E2B_DEBUG=true", "E2B_SANDBOX_URL="+s.E2BURL, "PYTHONDONTWRITEBYTECODE=1")
	cmd.Env = append(cmd.Env, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	return out.String(), errs.String(), err
}

func node(t *testing.T, s *testserver.Server, file string, env ...string) (string, string, error) {
	t.Helper()
	env = append(env, "HOTCELL_E2E_NODE_MODULES="+testserver.NodeModules(t))
	return script(t, s, env, "node", scriptPath(t, file))
}

func python(t *testing.T, s *testserver.Server, file string, env ...string) (string, string, error) {
	t.Helper()
	env = append(env, "PYTHONPATH="+scriptPath(t, "../../daytona/scripts")) // report.py
	return script(t, s, env, testserver.ClientPython(t), scriptPath(t, file))
}

func scriptPath(t *testing.T, file string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("scripts", file))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPythonSDK(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithPandas())
	out, errs, err := python(t, s, "sdk.py")
	subtests(t, out, errs, err)
}

func TestJavaScriptSDK(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	out, errs, err := node(t, s, "sdk.mjs")
	subtests(t, out, errs, err)
}

// subtests turns a script's lines into subtests, and wants at least one.
func subtests(t *testing.T, out, errs string, err error) {
	t.Helper()
	n := 0
	lines := bufio.NewScanner(strings.NewReader(out))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var check struct {
			Name, Fault string
			MS          int
		}
		if json.Unmarshal(lines.Bytes(), &check) != nil || check.Name == "" {
			continue
		}
		n++
		t.Run(check.Name, func(t *testing.T) {
			t.Parallel()
			t.Logf("%d ms", check.MS)
			if check.Fault != "" {
				t.Error(check.Fault)
			}
		})
	}
	if err != nil || n == 0 {
		t.Fatalf("the script failed: %v\n%s\n%s", err, out, errs)
	}
}
