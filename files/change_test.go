package files_test

import (
	"os"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"

	"hotcell/files"
)

func TestMkdir(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "f", "")
	for _, tc := range []struct {
		name, path, mode string
		want             os.FileMode
	}{
		{"with those above", "a/b/c", "", 0o755},
		{"a mode", "private", "0700", 0o700},
		{"a mode that the umask would not leave", "open", "777", 0o777},
		{"sticky", "tmp", "1777", 0o777 | os.ModeSticky},
		{"it is there", "private", "755", 0o700},
	} {
		if err := r.Mkdir(tc.path, tc.mode); err != nil {
			t.Errorf("%s: %v", tc.name, err)
			continue
		}
		if st, err := os.Stat(r.path(tc.path)); err != nil || st.Mode() != tc.want|os.ModeDir {
			t.Errorf("%s: %v %v", tc.name, st.Mode(), err)
		}
	}
	wantError(t, r.Mkdir("f", ""), files.ErrExists, "as a file")
	wantError(t, r.Mkdir("f/g", ""), files.ErrPath, "should be a directory")
	for _, mode := range []string{"9", "0x1", "-1", "77777", "rwx"} {
		wantError(t, r.Mkdir("odd", mode), files.ErrArgument, "octal")
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "dir/f", "")
	r.put(t, "kept/f", "")
	r.link(t, "kept", "link")
	r.link(t, "nowhere", "dangling")
	wantError(t, r.Delete("dir", false), files.ErrArgument, "recursive")
	wantError(t, r.Delete("none", true), files.ErrNotFound, "no such file")
	for _, path := range []string{".", "/", "..", r.dir, "dir/..", "/tmp/.."} {
		wantError(t, r.Delete(path, true), files.ErrArgument, "work directory")
	}
	for path, recursive := range map[string]bool{"dir": true, "link": true, "dangling": false} {
		if err := r.Delete(path, recursive); err != nil {
			t.Error(err)
		}
	}
	r.only(t, ".", "kept")
	r.only(t, "kept", "f")
}

func TestMove(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "a", "a")
	r.put(t, "b", "b")
	r.put(t, "dir/f", "f")
	r.link(t, "dir", "to-dir")
	for _, tc := range []struct {
		from, to string
		kind     error
		words    string
	}{
		{"none", "x", files.ErrNotFound, `"none"`},
		{"a", "no/x", files.ErrNotFound, "create it first"},
		{"a", "b/x", files.ErrPath, "should be a directory"},
		{"a", "dir", files.ErrExists, "dir/NAME"},
		{"a", "to-dir", files.ErrExists, "dir/NAME"},
		{"dir", "a", files.ErrExists, "as a file"},
		{"dir", "dir/in/it", files.ErrNotFound, "create it first"},
		{"dir", "dir/it", files.ErrPath, "within"},
		{"dir", "to-dir/it", files.ErrPath, "within"},
		{".", "elsewhere", files.ErrArgument, "work directory"},
	} {
		wantError(t, r.Move(tc.from, tc.to), tc.kind, tc.words)
	}
	for from, to := range map[string]string{"a": "b", "dir": "moved", "to-dir": "link"} {
		if err := r.Move(from, to); err != nil {
			t.Error(err)
		}
	}
	r.only(t, ".", "b", "link", "moved")
	if got := r.content(t, "b"); got != "a" {
		t.Errorf("content %q", got)
	}
	if err := r.Move("b", filepath.Join(r.dir, "b")); err != nil {
		t.Errorf("to itself: %v", err)
	}
}

func TestSetPermissions(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "f", "")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetPermissions("f", me.Uid, me.Gid, "0640"); err != nil {
		t.Fatal(err)
	}
	if err := r.SetPermissions("f", me.Username, "", ""); err != nil {
		t.Fatal(err)
	}
	if st, _ := os.Stat(r.path("f")); st.Mode() != 0o640 {
		t.Errorf("mode %v", st.Mode())
	}
	wantError(t, r.SetPermissions("f", "no-such-user", "", "777"), files.ErrArgument, "no user")
	wantError(t, r.SetPermissions("f", "", "no-such-group", "777"), files.ErrArgument, "no group")
	wantError(t, r.SetPermissions("none", "", "", ""), files.ErrNotFound, "no such file")
	if st, _ := os.Stat(r.path("f")); st.Mode() != 0o640 {
		t.Errorf("mode %v after refusals", st.Mode())
	}
	if os.Getuid() != 0 {
		return
	}
	if err := r.SetPermissions("f", "12345", "54321", "4711"); err != nil {
		t.Fatal(err)
	}
	i, err := r.Info("f")
	if err != nil || i.Owner != "12345" || i.Group != "54321" || files.Octal(i.Mode) != "4711" {
		t.Errorf("%+v %v", i, err)
	}
	if err := r.save("f", "new"); err != nil { // it stays theirs, and lends no identity
		t.Fatal(err)
	}
	if i, err = r.Info("f"); err != nil || i.Owner != "12345" || i.Group != "54321" || files.Octal(i.Mode) != "0711" {
		t.Errorf("%+v %v", i, err)
	}
}

func TestReplace(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.put(t, "a", "x.y x.y xzy")
	r.put(t, "none", "nothing")
	if err := os.Truncate(r.path("none"), files.MaxReplace+1); err != nil {
		t.Fatal(err)
	}
	r.put(t, "grows", "....")
	if err := syscall.Mkfifo(r.path("fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(r.path("grows"))
	done, err := r.Replace(t.Context(), []string{"a", "missing", "none", ".", "fifo", "grows"}, "x.y", "$0")
	if err != nil {
		t.Fatal(err)
	}
	if got := r.content(t, "a"); got != "$0 $0 xzy" {
		t.Errorf("content %q", got)
	}
	for i, kind := range []error{nil, files.ErrNotFound, files.ErrArgument, files.ErrPath, files.ErrPath, nil} {
		if kind == nil && done[i].Err != nil || kind != nil {
			wantError(t, done[i].Err, kind, "")
		}
	}
	if after, _ := os.Stat(r.path("grows")); !os.SameFile(before, after) {
		t.Error("a file without the text was written anew")
	}
	huge := make([]byte, files.MaxReplace/2)
	done, _ = r.Replace(t.Context(), []string{"grows"}, ".", string(huge))
	wantError(t, done[0].Err, files.ErrArgument, "would be larger")
	_, err = r.Replace(t.Context(), []string{"a"}, "", "x")
	wantError(t, err, files.ErrArgument, "empty")
}
