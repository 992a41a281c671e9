package testserver

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
)

// scriptTimeout is for one whole script; the machine may be busy.
const scriptTimeout = 2 * time.Minute

// Script runs a client program, a .mjs or .py file in the test's folder scripts,
// with more of an environment, and returns what it put out.
func Script(t *testing.T, file string, env ...string) (out, errs string, err error) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("scripts", file))
	if err != nil {
		t.Fatal(err)
	}
	program := "node"
	if strings.HasSuffix(file, ".py") {
		program = ClientPython(t)
	} else {
		env = append(env, "HOTCELL_E2E_NODE_MODULES="+NodeModules(t))
	}
	ctx, cancel := context.WithTimeout(t.Context(), scriptTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, path) //nolint:forbidigo // a client, which belongs to its test
	cmd.Dir = t.TempDir()                          // the SDKs read .env files of the working directory
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	cmd.Env = append(cmd.Env, env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	return stdout.String(), stderr.String(), err
}

// Subtests turns a script's lines into subtests, and wants at least one.
func Subtests(t *testing.T, out, errs string, err error) {
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
