package cli_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell/internal/jail"
)

// TestStrongestByDefault: without a word, sandboxes are kept apart, and the start says
// how, and why it isn't better where it could be.
func TestStrongestByDefault(t *testing.T) {
	t.Parallel()
	if err := jail.Usable(jail.Process, 0); err != nil {
		t.Skip(err)
	}
	bare := t.TempDir() // a PATH without bubblewrap
	for _, name := range []string{"true", "sh"} {
		path, err := exec.LookPath(name)
		if err == nil {
			err = os.Symlink(path, filepath.Join(bare, name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		name, path  string
		args        []string
		level, says string
		words       string // of the reason
	}{
		{"with bubblewrap", os.Getenv("PATH"), nil, `"INFO"`, `"isolation":"namespace"`, ""},
		{"without", bare, nil, `"WARN"`, `"isolation":"process"`, "apt-get install bubblewrap"},
		{"unwanted", os.Getenv("PATH"), []string{"--isolation", "none"}, `"INFO"`, "sandboxes are not kept apart", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := exec.LookPath("bwrap"); err != nil && c.name == "with bubblewrap" {
				t.Skip(err)
			}
			s := start(t, t.TempDir(), []string{"PATH=" + c.path}, append([]string{"--warm", "1", "--log-format", "json", "--log-level", "info"}, c.args...)...)
			s.stop(syscall.SIGTERM)
			lines := 0
			for line := range strings.Lines(s.errs.String()) {
				if !strings.Contains(line, "kept apart") {
					continue
				}
				lines++
				for _, want := range []string{c.level, c.says, c.words} {
					if !strings.Contains(line, want) {
						t.Errorf("it doesn't say %q: %s", want, line)
					}
				}
			}
			if lines != 1 {
				t.Errorf("%d lines say so: %s", lines, s.errs)
			}
			// Nothing is left of what was made for sandboxes that nobody wanted.
			left, err := os.ReadDir(filepath.Join(s.home, ".local/share/hotcell/sandboxes"))
			if err != nil || len(left) != 1 {
				t.Errorf("left: %v, %v", left, err)
			}
		})
	}
}
