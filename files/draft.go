package files

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// draftPrefix marks the temporary files, should the machine stop before
	// they are removed.
	draftPrefix = ".hotcell-upload-"
	// attempts are made at a path that changes meanwhile.
	attempts = 3
	// maxLinks is how many links Linux follows.
	maxLinks = 40
)

// Draft is a file that is being written. Its target doesn't change until
// [Draft.Commit]; [Draft.Discard] leaves no trace of it.
type Draft struct {
	Size int64 // so far

	path   string // as the client named it
	target string // where it will be, without links
	file   *os.File
	old    fs.FileMode // of the file that it replaces; 0 if there is none
	made   []string    // directories made for it, the deepest last
}

// Create begins to write the file that a path means: a new one, whose missing
// directories are made, or one that takes the place of what is there, which
// keeps its mode and owner. A link is followed, and stays.
func (t Tree) Create(path string) (*Draft, error) {
	if strings.HasSuffix(path, "/") {
		return nil, &Error{Path: path, Kind: ErrPath, Words: "it names a directory: give the path of the file"}
	}
	abs, err := t.Path(path)
	if err != nil {
		return nil, err
	}
	d := &Draft{path: path}
	for range attempts {
		if err = d.begin(abs); err == nil {
			return d, nil
		}
		d.Discard()
		// Another draft may have removed a directory just then, or something a link.
		if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, syscall.EINVAL) {
			break
		}
	}
	return nil, explain(path, err, ErrWrite)
}

func (d *Draft) begin(abs string) (err error) {
	if d.made, err = makeAll(filepath.Dir(abs)); err != nil {
		return err
	}
	if d.target, err = follow(abs); err != nil {
		return err
	}
	st, err := d.replaced()
	if err != nil {
		return err
	}
	// A new file has the mode that the umask leaves it. One that takes another's
	// place has that one's in the end, and until then is nobody else's.
	mode := fs.FileMode(0o666)
	if st != nil {
		d.old, mode = st.Mode().Perm(), 0o600
	}
	name := filepath.Join(filepath.Dir(d.target), draftPrefix+rand.Text())
	d.file, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	return err
}

// replaced is the file at the target, nil if there is none. That it may not be
// written is said before anything is.
func (d *Draft) replaced() (fs.FileInfo, error) {
	st, err := os.Lstat(d.target)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // nothing there is what is asked
	} else if err != nil {
		return nil, err
	}
	if st.IsDir() {
		return nil, &Error{Path: d.path, Kind: ErrPath, Words: "it is a directory: give the path of the file in it"}
	} else if !st.Mode().IsRegular() {
		return nil, &Error{Path: d.path, Kind: ErrPath, Words: "it is " + kind(st.Mode()) + ", which is not written to"}
	}
	if err := unix.Faccessat(unix.AT_FDCWD, d.target, unix.W_OK, unix.AT_EACCESS); err != nil && !errors.Is(err, unix.ETXTBSY) {
		return nil, err
	}
	return st, nil // a program that runs may be replaced
}

// Write appends.
func (d *Draft) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	d.Size += int64(n)
	return n, explain(d.path, err, ErrWrite)
}

// Commit puts the file in its place. The draft is over, whatever it returns.
func (d *Draft) Commit() error {
	err := d.dress()
	if cerr := d.file.Close(); err == nil {
		err = cerr // some file systems tell only now that they are full
	}
	if err == nil {
		err = os.Rename(d.file.Name(), d.target)
	}
	if err != nil {
		d.Discard()
		return explain(d.path, err, ErrWrite)
	}
	d.file, d.made = nil, nil
	return nil
}

// dress gives the new file the owner and the mode of the one that it replaces.
func (d *Draft) dress() error {
	st, err := d.replaced() // it may have changed meanwhile
	if err != nil {
		return err
	}
	if st == nil {
		if d.old != 0 { // it was removed meanwhile
			return d.file.Chmod(d.old)
		}
		return nil
	}
	own, err := d.file.Stat()
	if err != nil {
		return err
	}
	was, ok := st.Sys().(*syscall.Stat_t)
	is, ok2 := own.Sys().(*syscall.Stat_t)
	if ok && ok2 && (was.Uid != is.Uid || was.Gid != is.Gid) {
		if err := d.file.Chown(int(was.Uid), int(was.Gid)); err != nil {
			return &Error{Path: d.path, Kind: ErrDenied, Words: "it belongs to somebody else, and no new file can be given to them"}
		}
	}
	// Like a write, this takes away the bits that lend an identity.
	return d.file.Chmod(st.Mode().Perm())
}

// Discard removes what was written, and the directories that were made for it
// if nobody has put anything there. It may be called after Commit.
func (d *Draft) Discard() {
	if d.file != nil {
		_ = d.file.Close()
		_ = os.Remove(d.file.Name())
		d.file = nil
	}
	for _, dir := range slices.Backward(d.made) {
		_ = os.Remove(dir) // only an empty one goes
	}
	d.made = nil
}

// makeAll makes a directory and those above it, and says which ones it made.
func makeAll(dir string) ([]string, error) {
	var missing []string
	for ; ; dir = filepath.Dir(dir) {
		_, err := os.Stat(dir)
		if err == nil {
			break
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		missing = append(missing, dir)
	}
	var made []string
	for _, dir := range slices.Backward(missing) {
		err := os.Mkdir(dir, 0o777)
		if err == nil {
			made = append(made, dir)
		} else if st, serr := os.Stat(dir); serr != nil || !st.IsDir() { // somebody else may have made it
			return made, err
		}
	}
	return made, nil
}

// follow is where a path ends when it is a link; there may be nothing yet.
func follow(abs string) (string, error) {
	for range maxLinks {
		dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
		if err != nil {
			return "", err
		}
		abs = filepath.Join(dir, filepath.Base(abs))
		st, err := os.Lstat(abs)
		if errors.Is(err, fs.ErrNotExist) {
			return abs, nil
		} else if err != nil {
			return "", err
		}
		if st.Mode()&fs.ModeSymlink == 0 {
			return abs, nil
		}
		to, err := os.Readlink(abs)
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = dir + "/" + to // not joined: .. after a link isn't the directory before it
		}
		abs = to
	}
	return "", syscall.ELOOP
}
