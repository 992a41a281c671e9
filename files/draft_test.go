package files_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"

	"hotcell/files"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	t.Run("a new file, with its directories", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		if err := r.save("a/b/c.txt", "new"); err != nil {
			t.Fatal(err)
		}
		if got := r.content(t, "a/b/c.txt"); got != "new" {
			t.Errorf("content %q", got)
		}
		st, _ := os.Stat(r.path("a/b/c.txt"))
		if st.Mode().Perm()&0o600 != 0o600 || st.Mode().Perm()&0o111 != 0 {
			t.Errorf("mode %v", st.Mode())
		}
		r.only(t, "a/b", "c.txt")
	})
	t.Run("an absolute path", func(t *testing.T) {
		t.Parallel()
		r, other := newRoom(t), newRoom(t)
		if err := r.save(other.path("x"), "x"); err != nil {
			t.Fatal(err)
		}
		if got := other.content(t, "x"); got != "x" {
			t.Errorf("content %q", got)
		}
	})
	t.Run("nothing changes before the commit", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		r.put(t, "f", "old")
		d, err := r.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.Write([]byte("new")); err != nil {
			t.Fatal(err)
		}
		if got := r.content(t, "f"); got != "old" {
			t.Errorf("content %q", got)
		}
		d.Discard()
		d.Discard()
		r.only(t, ".", "f")
		if got := r.content(t, "f"); got != "old" {
			t.Errorf("content %q", got)
		}
	})
	t.Run("directories made for a file that wasn't stored go", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		d, err := r.Create("a/b/c.txt")
		if err != nil {
			t.Fatal(err)
		}
		r.put(t, "a/other", "")
		d.Discard()
		r.only(t, "a", "other")
	})
	t.Run("a file keeps its mode", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		r.put(t, "f", "old")
		if err := os.Chmod(r.path("f"), 0o751); err != nil {
			t.Fatal(err)
		}
		if err := r.save("f", "new"); err != nil {
			t.Fatal(err)
		}
		if st, _ := os.Stat(r.path("f")); st.Mode() != 0o751 {
			t.Errorf("mode %v", st.Mode())
		}
	})
	t.Run("nobody else may read what replaces a secret", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		r.put(t, "f", "old")
		if err := os.Chmod(r.path("f"), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := r.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		defer d.Discard()
		entries, _ := os.ReadDir(r.dir)
		for _, e := range entries {
			if st, _ := e.Info(); st.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %v", e.Name(), st.Mode())
			}
		}
	})
	t.Run("the target was removed meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		r.put(t, "f", "old")
		d, err := r.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(r.path("f"))
		if err := d.Commit(); err != nil {
			t.Fatal(err)
		}
		if st, _ := os.Stat(r.path("f")); st.Mode() != 0o644 {
			t.Errorf("mode %v", st.Mode())
		}
	})
	t.Run("a directory took the target's place meanwhile", func(t *testing.T) {
		t.Parallel()
		r := newRoom(t)
		d, err := r.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(r.path("f"), 0o755); err != nil {
			t.Fatal(err)
		}
		wantError(t, d.Commit(), files.ErrPath, "it is a directory")
		r.only(t, ".", "f")
	})
}

func TestCreateThroughLinks(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "real/f", "old")
	r.link(t, "real", "dir")
	r.link(t, "real/f", "file")
	r.link(t, "dir/../new", "dangling")
	r.link(t, "file", "twice")
	for _, path := range []string{"file", "twice", "dir/f"} {
		if err := r.save(path, "by "+path); err != nil {
			t.Fatal(err)
		}
		if got := r.content(t, "real/f"); got != "by "+path {
			t.Errorf("content %q", got)
		}
	}
	if err := r.save("dangling", "pointed at"); err != nil {
		t.Fatal(err)
	}
	if got := r.content(t, "new"); got != "pointed at" {
		t.Errorf("content %q", got)
	}
	for _, name := range []string{"file", "dir", "dangling", "twice"} {
		if st, _ := os.Lstat(r.path(name)); st.Mode()&os.ModeSymlink == 0 {
			t.Errorf("%s is no link any more", name)
		}
	}
}

func TestCreateRefusals(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "dir/f", "x")
	r.link(t, "loop", "loop")
	if err := syscall.Mkfifo(r.path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, path string
		kind       error
		words      string
	}{
		{"a directory", "dir", files.ErrPath, "it is a directory"},
		{"the work directory", ".", files.ErrPath, "it is a directory"},
		{"a name of a directory", "new/", files.ErrPath, "names a directory"},
		{"below a file", "dir/f/g", files.ErrPath, "should be a directory"},
		{"far below a file", "dir/f/g/h", files.ErrPath, "should be a directory"},
		{"a FIFO", "fifo", files.ErrPath, "a FIFO"},
		{"a device", "/dev/null", files.ErrPath, "a device"},
		{"a circle of links", "loop", files.ErrPath, "circle"},
		{"below a circle of links", "loop/f", files.ErrPath, "circle"},
		{"no path", "", files.ErrPath, "empty"},
		{"a NUL", "a\x00b", files.ErrPath, "NUL"},
		{"a long name", strings.Repeat("n", 300), files.ErrPath, "too long"},
		{"a long path", strings.Repeat("n/", 3000), files.ErrPath, ""},
		{"the kernel's", "/proc/self/new", files.ErrDenied, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := r.save(tc.path, "x")
			if tc.name == "the kernel's" && errors.Is(err, files.ErrNotFound) {
				return // what procfs says when it is asked for a new file
			}
			wantError(t, err, tc.kind, tc.words)
		})
	}
}
