package golang_test

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// update makes the expected outputs again, with the real toolchain.
var update = flag.Bool("update", false, "run the programs with the go command and keep what they print")

// TestPrograms runs whole Go programs, once as they are and once as a cell of
// declarations and statements, and expects what compiled Go printed.
func TestPrograms(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/programs/*.go.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no programs: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".go.txt"), func(t *testing.T) {
			t.Parallel()
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".go.txt") + ".out"
			if *update {
				compileAndRun(t, string(raw), golden)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			for form, code := range map[string]string{"program": string(raw), "cell": asCell(string(raw))} {
				o := start(t).run(code)
				if o.status != "ok" {
					t.Errorf("as a %s: %s: %s: %s\n%s%s", form, o.status, o.err.Name, o.err.Value, o.err.Traceback, o.stderr)
					continue
				}
				if diff := cmp.Diff(string(want), o.stdout); diff != "" {
					t.Errorf("as a %s: output differs (-compiled +interpreted):\n%s", form, diff)
				}
			}
		})
	}
}

func compileAndRun(t *testing.T, code, golden string) {
	t.Helper()
	dir := t.TempDir()
	main := filepath.Join(dir, "main.go")
	if err := os.WriteFile(main, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "go", "run", main)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go run: %v", err)
	}
	if err := os.WriteFile(golden, out, 0o600); err != nil {
		t.Fatal(err)
	}
}

// asCell takes the package clause and the frame of main away.
func asCell(program string) string {
	code := strings.TrimPrefix(program, "package main\n")
	head, body, ok := strings.Cut(code, "\nfunc main() {\n")
	if !ok {
		return program
	}
	body, _, _ = strings.Cut(body, "\n}\n")
	return head + "\n" + body + "\n"
}
