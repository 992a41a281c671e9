package jail_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"hotcell/internal/jail"
)

// TestWorldReadable shows root's code in /etc what all may read, and no more: the
// machine's keys lie in directories that all may list.
func TestWorldReadable(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	for path, mode := range map[string]os.FileMode{
		"passwd": 0o644, "shadow": 0o600, "ssh/config": 0o644, "ssh/key": 0o600, "fonts/a/one": 0o644, "fonts/two": 0o644, "private/three": 0o644,
	} {
		path = filepath.Join(top, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(filepath.Join(top, "private"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(top, "private"), filepath.Join(top, "fonts", "link")); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, path := range jail.WorldReadable(top) {
		rel, err := filepath.Rel(top, path)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rel)
	}
	slices.Sort(got)
	if want := []string{"fonts", "passwd", "ssh/config"}; !slices.Equal(got, want) {
		t.Errorf("it shows %q, not %q", got, want)
	}
}
