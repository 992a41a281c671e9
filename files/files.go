// Package files is what clients do with the files of a sandbox: list, read,
// write, move, search. Paths that are not absolute begin at the sandbox's work
// directory. There is no wall here: absolute paths, and links, lead wherever this
// process may go. The wall, if a sandbox has one, is around the process; see the
// package room.
//
// Whatever is written appears whole or not at all: it goes to a temporary file
// beside its target, which takes the target's place at the end. Nothing here
// waits for what isn't a regular file: FIFOs, devices and sockets are refused.
//
// A [Tree] has no state. A [Draft] and a [Content] belong to whoever asked for
// them. [Visits] counts who is at work in which sandbox, and ends them with it.
// The package has no goroutines.
package files

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"hotcell/process"
)

// Bounds of what one request may ask for.
const (
	// MaxEntries is of one listing, and of one directory that is walked: what
	// a client can still hold and a person would never read.
	MaxEntries = 100_000
	// MaxVisited is how many entries one search looks at.
	MaxVisited = 1_000_000
	// MaxFound is how many names or lines one search returns.
	MaxFound = 10_000
	// MaxLine is how much of a line that matches is returned.
	MaxLine = 4 << 10
	// MaxReplace is the largest file in which text is replaced; it is held in
	// memory twice.
	MaxReplace = 64 << 20
	// MaxPath is what Linux takes.
	MaxPath = 4095
)

// Workspace is the other name that the work directory has where a sandbox has a
// view of its own.
const Workspace = "/workspace"

// Tree is the files as one sandbox names them.
type Tree struct{ dir string }

// Of are the files of a place.
func Of(p process.Place) Tree { return Tree{dir: p.Dir} }

// Path is the absolute path that a client's path means.
func (t Tree) Path(path string) (string, error) {
	switch {
	case path == "":
		return "", &Error{Path: path, Kind: ErrPath, Words: "the path is empty"}
	case strings.ContainsRune(path, 0):
		return "", &Error{Path: path, Kind: ErrPath, Words: "the path contains a NUL"}
	case len(path) > MaxPath:
		return "", &Error{Path: path[:40] + "…", Kind: ErrPath, Words: "the path is longer than 4095 bytes"}
	case filepath.IsAbs(path):
		return filepath.Clean(path), nil
	}
	return filepath.Join(t.dir, path), nil
}

// keep refuses to delete or move what the sandbox itself needs.
func (t Tree) keep(path, abs string) error {
	work := linkless(t.dir)
	if target := linkless(abs); target == "/" || target == work || strings.HasPrefix(work, target+"/") || t.is(target) {
		return &Error{Path: path, Kind: ErrArgument, Words: "the sandbox's work directory is there and has to stay: delete or move what is in it instead"}
	}
	return nil
}

// is reports whether a path is another name of the work directory.
func (t Tree) is(abs string) bool {
	work, err := os.Stat(t.dir)
	if err != nil {
		return false
	}
	st, err := os.Lstat(abs)
	return err == nil && os.SameFile(st, work)
}

// own is a path as it is below the work directory's own name, if it is below its
// other one: nothing can be renamed from one to the other.
func (t Tree) own(abs string) string {
	if rest, ok := strings.CutPrefix(abs, Workspace+"/"); ok && t.is(Workspace) {
		return filepath.Join(t.dir, rest)
	}
	return abs
}

// within reports whether a path lies in a directory, whatever names it has.
func within(abs string, dir fs.FileInfo) bool {
	for {
		abs = filepath.Dir(abs)
		if st, err := os.Stat(abs); err == nil && os.SameFile(st, dir) {
			return true
		}
		if abs == "/" || abs == "." {
			return false
		}
	}
}

// linkless is a path without the links in its directories; its last part may
// be one, which is what an operation on the path means.
func linkless(abs string) string {
	dir, err := filepath.EvalSymlinks(filepath.Dir(abs))
	if err != nil {
		return abs
	}
	return filepath.Join(dir, filepath.Base(abs))
}

// ended reports why a request is over before its time.
func ended(ctx context.Context) error {
	if ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// kind names what isn't a regular file.
func kind(mode os.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&os.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&os.ModeSocket != 0:
		return "a socket"
	case mode&os.ModeDevice != 0:
		return "a device"
	case mode&os.ModeSymlink != 0:
		return "a symbolic link"
	case mode.IsRegular():
		return "a file"
	default:
		return "something special"
	}
}
