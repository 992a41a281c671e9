package files

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Account says what a walk left out.
type Account struct {
	// Truncated says which bound was met; empty if none was.
	Truncated string
	// Binary and Unreadable count what was passed over.
	Binary, Unreadable int
}

// errFull ends a walk that has met a bound.
var errFull = errors.New("a bound was met")

// walker goes through a directory and what is below it, in the order of names,
// a directory before what is in it. It follows no links.
type walker struct {
	ctx     context.Context //nolint:containedctx // a walker is one call, taken apart
	left    int             // entries that it may still look at
	account *Account
	pseudo  bool // goes into the kernel's own file systems too
}

// visit is told of an entry and its absolute path. SkipDir passes over it and
// what is below it.
type visit func(abs string, d fs.DirEntry) error

// walk goes through dir, whose own path may be a link, down to a depth; 0 is
// any.
func (w *walker) walk(dir string, depth int, visit visit) error {
	w.pseudo = kernels(dir)
	entries, err := w.entries(dir, 0)
	if err != nil {
		return err
	}
	return w.each(dir, entries, 1, depth, visit)
}

func (w *walker) each(dir string, entries []fs.DirEntry, level, depth int, visit visit) error {
	for _, d := range entries {
		if err := ended(w.ctx); err != nil {
			return err
		}
		abs := filepath.Join(dir, d.Name())
		err := visit(abs, d)
		if errors.Is(err, fs.SkipDir) {
			continue
		} else if err != nil {
			return err
		}
		if !d.IsDir() || level == depth {
			continue
		}
		if !w.pseudo && kernels(abs) {
			continue
		}
		below, err := w.entries(abs, syscall.O_NOFOLLOW)
		if errors.Is(err, errFull) {
			return err
		} else if err != nil {
			w.account.Unreadable++ // or gone meanwhile
			continue
		}
		if err := w.each(abs, below, level+1, depth, visit); err != nil {
			return err
		}
	}
	return nil
}

// full notes which bound was met.
func (w *walker) full(bound string) error {
	w.account.Truncated = bound
	return errFull
}

// kernels reports a directory in which the kernel shows itself: there is no end
// to what is there, and reading it has effects.
func kernels(dir string) bool {
	for _, own := range []string{"/proc", "/sys", "/dev"} {
		if dir == own || strings.HasPrefix(dir, own+"/") {
			return true
		}
	}
	return false
}

// entries lists a directory, without links, by name.
func (w *walker) entries(dir string, flags int) ([]fs.DirEntry, error) {
	f, err := os.OpenFile(dir, os.O_RDONLY|syscall.O_DIRECTORY|syscall.O_NONBLOCK|flags, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const batch = 1024
	var all []fs.DirEntry
	for {
		if err := ended(w.ctx); err != nil {
			return nil, err
		}
		some, err := f.ReadDir(batch)
		all = append(all, some...)
		if w.left -= len(some); w.left < 0 {
			return nil, w.full("a million files and directories were looked at")
		} else if len(all) > MaxEntries {
			return nil, w.full("a directory has more than 100000 entries")
		}
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(all, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return all, nil
}
