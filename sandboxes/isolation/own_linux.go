package isolation

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// own makes a work directory its sandbox's user's, with all that is in it, if it
// isn't that yet. Nothing of the sandbox runs at that time. Links are not followed;
// a file with a second name elsewhere is left alone, since that could be anybody's.
func own(work string, uid int) error {
	if uid == 0 || ownerOf(work) == uid {
		return nil
	}
	err := filepath.WalkDir(work, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st, ok := info.Sys().(*syscall.Stat_t)
		if !ok || path == work || !d.IsDir() && st.Nlink > 1 {
			return nil
		}
		return os.Lchown(path, uid, uid)
	})
	if err == nil {
		// At last, since it says that the rest is done. Others have no business in it.
		if err = os.Chmod(work, 0o700); err == nil {
			err = os.Lchown(work, uid, uid)
		}
	}
	if err != nil {
		return fmt.Errorf("give the work directory to the sandbox's user: %w", err)
	}
	return nil
}

// disown takes a work directory back that was a sandbox's user's, while sandboxes
// have none: what is written from now on is the server's, and own is to see that.
func disown(work string) error {
	if os.Geteuid() != 0 || ownerOf(work) <= 0 {
		return nil
	}
	if err := os.Lchown(work, 0, 0); err != nil {
		return fmt.Errorf("take the work directory back: %w", err)
	}
	return nil
}

// ownerOf is -1 if it can't be told.
func ownerOf(path string) int {
	info, err := os.Lstat(path)
	if err != nil {
		return -1
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return -1
	}
	return int(st.Uid)
}
