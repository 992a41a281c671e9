package files_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"hotcell/files"
	"hotcell/process"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// room is an empty work directory and the files in it.
type room struct {
	files.Tree
	dir string
}

func newRoom(t *testing.T) room {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return room{Tree: files.Of(process.Place{Sandbox: "s", Dir: dir}), dir: dir}
}

func (r room) path(parts ...string) string {
	return filepath.Join(append([]string{r.dir}, parts...)...)
}

// put writes a file, past the package under test.
func (r room) put(t *testing.T, path, content string) {
	t.Helper()
	abs := r.path(path)
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(abs, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (r room) link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, r.path(path)); err != nil {
		t.Fatal(err)
	}
}

func (r room) content(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(r.path(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// save writes a file through the package.
func (r room) save(path, content string) error {
	d, err := r.Create(path)
	if err != nil {
		return err
	}
	if _, err := d.Write([]byte(content)); err != nil {
		d.Discard()
		return err
	}
	return d.Commit()
}

// only checks that a directory holds what is named, and no temporary file.
func (r room) only(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(r.path(dir))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("%s holds %q, want %q", dir, got, names)
	}
}

func wantError(t *testing.T, err, kind error, words string) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Fatalf("error %v, want one of %q", err, kind)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("error %q doesn't say %q", err, words)
	}
}
