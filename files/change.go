package files

import (
	"errors"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
)

// Mkdir makes a directory, and those above it. One that is there stays as it
// is. An empty mode is 0755.
func (t Tree) Mkdir(path, mode string) error {
	bits, err := parseMode(mode, 0o755)
	if err != nil {
		return err
	}
	abs, err := t.Path(path)
	if err != nil {
		return err
	}
	if st, err := os.Stat(abs); err == nil {
		if st.IsDir() {
			return nil
		}
		return &Error{Path: path, Kind: ErrExists, Words: "it exists already, as " + kind(st.Mode())}
	}
	made, err := makeAll(abs)
	if err != nil {
		return explain(path, err, ErrWrite)
	}
	if len(made) > 0 && made[len(made)-1] == abs {
		err = os.Chmod(abs, bits) // whatever the umask is
	}
	return explain(path, err, ErrWrite)
}

// Delete removes a file, a link, or a directory with all that is in it if
// recursive is set.
func (t Tree) Delete(path string, recursive bool) error {
	abs, err := t.Path(path)
	if err != nil {
		return err
	}
	st, err := os.Lstat(abs)
	if err != nil {
		return explain(path, err, ErrWrite)
	}
	if err := t.keep(path, abs); err != nil {
		return err
	}
	if !st.IsDir() {
		return explain(path, os.Remove(abs), ErrWrite)
	}
	if !recursive {
		return &Error{Path: path, Kind: ErrArgument, Words: "it is a directory: say recursive to delete it with all that is in it"}
	}
	return explain(path, os.RemoveAll(abs), ErrWrite)
}

// SetPermissions changes the owner, the group (names or numbers) and the mode
// (octal) of what a path leads to. What is empty stays as it is. Nothing is
// changed unless everything that was given makes sense.
func (t Tree) SetPermissions(path, owner, group, mode string) error {
	abs, err := t.Path(path)
	if err != nil {
		return err
	}
	uid, err := identify(owner, "user", func(name string) (string, error) {
		u, err := user.Lookup(name)
		if err != nil {
			return "", err
		}
		return u.Uid, nil
	})
	if err != nil {
		return err
	}
	gid, err := identify(group, "group", func(name string) (string, error) {
		g, err := user.LookupGroup(name)
		if err != nil {
			return "", err
		}
		return g.Gid, nil
	})
	if err != nil {
		return err
	}
	bits, err := parseMode(mode, 0)
	if err != nil {
		return err
	}
	_, err = os.Stat(abs)
	if err == nil && (uid >= 0 || gid >= 0) {
		err = os.Chown(abs, uid, gid)
	}
	if err == nil && mode != "" { // last: chown takes bits away
		err = os.Chmod(abs, bits)
	}
	return explain(path, err, ErrWrite)
}

// identify is the number of a user or group; -1 leaves it alone.
func identify(name, what string, look func(string) (string, error)) (int, error) {
	if name == "" {
		return -1, nil
	}
	number := name
	if id, err := look(name); err == nil {
		number = id
	}
	id, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return -1, argument("there is no %s %q", what, name)
	}
	return int(id), nil
}

// parseMode reads an octal mode: 644, 0644, 4755.
func parseMode(s string, absent fs.FileMode) (fs.FileMode, error) {
	if s == "" {
		return absent, nil
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(s, "0o"), 8, 16)
	if err != nil || bits > 0o7777 {
		return 0, argument("the mode must be octal, like 644 or 0755, not %q", s)
	}
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode, nil
}

// Move renames a file or a directory. A file may take another's place;
// otherwise nothing may be at the destination, whose directory must be there.
func (t Tree) Move(source, destination string) error {
	from, err := t.Path(source)
	if err != nil {
		return err
	}
	to, err := t.Path(destination)
	if err != nil {
		return err
	}
	from, to = t.own(from), t.own(to)
	st, err := os.Lstat(from)
	if err != nil {
		return explain(source, err, ErrWrite)
	}
	if err := t.keep(source, from); err != nil {
		return err
	}
	if err := vacant(destination, to, st); err != nil {
		return err
	}
	if st.IsDir() && within(linkless(to), st) {
		return &Error{Path: destination, Kind: ErrPath, Words: "it lies within what is to be moved"}
	}
	return move(source, from, destination, to)
}

// vacant reports what is in the way at the destination.
func vacant(destination, to string, st fs.FileInfo) error {
	if dir, err := os.Stat(filepath.Dir(to)); errors.Is(err, fs.ErrNotExist) {
		return &Error{Path: destination, Kind: ErrNotFound, Words: "the directory in which it would be is not there: create it first"}
	} else if err != nil {
		return explain(destination, err, ErrWrite)
	} else if !dir.IsDir() {
		return &Error{Path: destination, Kind: ErrPath, Words: "what should be a directory in this path is not one"}
	}
	there, err := os.Lstat(to)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return explain(destination, err, ErrWrite)
	case os.SameFile(there, st):
		return nil // another way to write the same path
	case leadsToDir(to):
		return &Error{Path: destination, Kind: ErrExists, Words: "it is a directory that exists already: name what is moved in it, as in " + filepath.Join(destination, "NAME")}
	case st.IsDir(), !there.Mode().IsRegular() && there.Mode()&fs.ModeSymlink == 0:
		return &Error{Path: destination, Kind: ErrExists, Words: "it exists already, as " + kind(there.Mode())}
	}
	return nil
}

func leadsToDir(abs string) bool {
	st, err := os.Stat(abs)
	return err == nil && st.IsDir()
}
