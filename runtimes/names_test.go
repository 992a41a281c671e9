package runtimes_test

import (
	"os"
	"path/filepath"
	"testing"

	"hotcell/runtimes"
)

// TestNamesAreHeld: a run that has removed its file, or whose file was removed, doesn't
// take another's along when it ends.
func TestNamesAreHeld(t *testing.T) {
	t.Parallel()
	dir, alias := t.TempDir(), filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(dir, alias); err != nil {
		t.Fatal(err)
	}
	var names runtimes.Names
	begin := func(dir string) (s runtimes.Script, path string) {
		t.Helper()
		s = runtimes.Script{Dir: dir, Own: t.TempDir(), Names: &names}
		path, err := s.WriteBeside(".mjs", "text")
		if err != nil {
			t.Fatal(err)
		}
		return s, path
	}
	first, plain := begin(dir)
	if err := os.Remove(plain); err != nil {
		t.Fatal(err)
	}
	_, second := begin(dir)
	_, third := begin(alias)
	if err := names.Clean(first.Own); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{second, third} {
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
		if filepath.Base(path) == filepath.Base(plain) {
			t.Errorf("%s is the first run's", path)
		}
	}
	if _, again := begin(dir); again != plain {
		t.Errorf("with the first run over, the next one has %s", again)
	}
}
