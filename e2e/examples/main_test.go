// Package examples_test runs the programs of examples/ as a newcomer would, with
// the official SDKs, and compares what they say with what is computed here from
// the same data sets.
package examples_test

import (
	"bytes"
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// run runs a program in a directory of its own and returns what it prints.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s: %v\n%s\n%s", name, err, out.String(), errs.String())
	}
	return out.String()
}

// example is the path of a file in examples/.
func example(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(filepath.Join("..", "..", "examples", filepath.FromSlash(path)))
	if err != nil {
		t.Fatal(err)
	}
	return full
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// table reads a CSV file without its head.
func table(t *testing.T, path string) [][]string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(read(t, path))).ReadAll()
	if err != nil || len(rows) < 2 {
		t.Fatalf("%s: %d rows: %v", path, len(rows), err)
	}
	return rows[1:]
}

// documented is what examples/README.md says that a program prints: the block
// behind its heading.
func documented(t *testing.T, heading string) string {
	t.Helper()
	_, rest, ok := strings.Cut(read(t, example(t, "README.md")), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("no heading %q", heading)
	}
	_, rest, _ = strings.Cut(rest, "\n```text\n")
	text, _, _ := strings.Cut(rest, "```\n")
	return text
}
