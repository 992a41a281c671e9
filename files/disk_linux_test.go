package files_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"hotcell/files"
	"hotcell/process"
)

// TestFullDisk needs a file system of its own.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	r, other := newRoom(t), newRoom(t)
	if err := syscall.Mount("tmpfs", r.dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(r.dir, 0) })
	large := strings.Repeat("x", 1<<20)
	r.put(t, "f", "old")
	wantError(t, r.save("f", large), files.ErrNoSpace, "no space")
	wantError(t, r.save("new/g", large), files.ErrNoSpace, "no space")
	if got := r.content(t, "f"); got != "old" {
		t.Errorf("content %q", got)
	}
	other.put(t, "d/large", large)
	wantError(t, other.Move("d", r.path("d")), files.ErrNoSpace, "no space")
	other.only(t, "d", "large")
	r.only(t, ".", "f")
}

// TestMoveToAnotherFileSystem copies, and deletes when everything is there.
func TestMoveToAnotherFileSystem(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	dir, err := os.MkdirTemp("/dev/shm", "hotcell-test-") //nolint:usetesting // on another file system
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	other := room{Tree: files.Of(process.Place{Dir: dir}), dir: dir}
	if err := os.Rename(r.dir, filepath.Join(dir, "x")); err == nil {
		t.Fatal("it is the same file system")
	}
	r.put(t, "d/sub/f", "content")
	r.put(t, "d/run", "#!")
	if err := os.Chmod(r.path("d/run"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.link(t, "sub/f", "d/link")
	was, _ := os.Stat(r.path("d/sub/f"))
	if err := r.Move("d", other.path("e")); err != nil {
		t.Fatal(err)
	}
	if got := other.content(t, "e/link"); got != "content" {
		t.Errorf("content %q", got)
	}
	if st, _ := os.Stat(other.path("e/run")); st.Mode() != 0o755 {
		t.Errorf("mode %v", st.Mode())
	}
	if st, _ := os.Stat(other.path("e/sub/f")); !st.ModTime().Equal(was.ModTime()) {
		t.Errorf("time %v, was %v", st.ModTime(), was.ModTime())
	}
	r.only(t, ".")
	other.only(t, ".", "e")

	r.put(t, "d/a", "")
	if err := syscall.Mkfifo(r.path("d/fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	wantError(t, r.Move("d", other.path("d")), files.ErrPath, "a FIFO")
	r.only(t, "d", "a", "fifo")
	other.only(t, ".", "e")
}
