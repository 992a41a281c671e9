package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// move renames, or copies and deletes where the destination is on another file
// system. The source goes only when everything is at the destination.
func move(source, from, destination, to string) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return explain(destination, err, ErrWrite)
	}
	draft := filepath.Join(filepath.Dir(to), draftPrefix+rand.Text())
	err = copyTree(from, draft)
	if err == nil {
		err = os.Rename(draft, to)
	}
	if err != nil {
		_ = os.RemoveAll(draft)
		return explain(destination, err, ErrWrite)
	}
	if err := os.RemoveAll(from); err != nil {
		return &Error{Path: source, Kind: ErrWrite, Words: fmt.Sprintf("it is at its destination, and could not be deleted here: %v", err)}
	}
	return nil
}

// copyTree copies a file, a link or a directory with its modes, times and, as
// far as the server may, owners. Anything else is refused before it is copied.
func copyTree(from, to string) error {
	st, err := os.Lstat(from)
	if err != nil {
		return err
	}
	switch mode := st.Mode(); {
	case mode.IsDir():
		err = copyDir(from, to)
	case mode.IsRegular():
		err = copyFile(from, to)
	case mode&fs.ModeSymlink != 0:
		var target string
		if target, err = os.Readlink(from); err == nil {
			err = os.Symlink(target, to)
		}
	default:
		return &Error{Path: from, Kind: ErrPath, Words: "it is " + kind(mode) + ", which cannot be moved to another file system"}
	}
	if err != nil {
		return err
	}
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		_ = os.Lchown(to, int(sys.Uid), int(sys.Gid)) // only root may, and needn't
	}
	if st.Mode()&fs.ModeSymlink != 0 {
		return nil
	}
	if err := os.Chmod(to, st.Mode()); err != nil {
		return err
	}
	return os.Chtimes(to, st.ModTime(), st.ModTime())
}

func copyDir(from, to string) error {
	if err := os.Mkdir(to, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := copyTree(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	in, _, err := regular(from, from, syscall.O_NOFOLLOW)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
