package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"
)

// Kinds of errors, for errors.Is. The text for a person is in [Error].
var (
	ErrNotFound = errors.New("there is no such file or directory")
	ErrDenied   = errors.New("permission denied")
	ErrPath     = errors.New("the path cannot be used for this")
	ErrArgument = errors.New("the request makes no sense")
	ErrExists   = errors.New("something else is there already")
	ErrTooMany  = errors.New("there are too many files")
	ErrNoSpace  = errors.New("the disk is full")
	ErrRead     = errors.New("the file could not be read")
	ErrWrite    = errors.New("the file could not be written")
	// ErrEnded ends what was under way in a sandbox that is stopped.
	ErrEnded = errors.New("the sandbox was stopped meanwhile")
)

// Error is a refusal or a failure that concerns one path.
type Error struct {
	Path  string // as the client gave it
	Kind  error  // one of the above
	Words string // what the matter is, and what to do about it
}

func (e *Error) Error() string {
	if e.Path == "" {
		return e.Words
	}
	return strconv.Quote(e.Path) + ": " + e.Words
}

func (e *Error) Unwrap() error { return e.Kind }

func argument(format string, args ...any) error {
	return &Error{Kind: ErrArgument, Words: fmt.Sprintf(format, args...)}
}

// explain puts what the system says about a path in its kind. What the system
// doesn't say more about is of the kind other.
func explain(path string, err, other error) error {
	if err == nil {
		return nil
	}
	var known *Error
	if errors.As(err, &known) {
		return err
	}
	for _, row := range system() {
		if errors.Is(err, row.is) {
			return &Error{Path: path, Kind: row.kind, Words: row.words}
		}
	}
	var pe *fs.PathError
	var le *os.LinkError
	if errors.As(err, &pe) {
		err = pe.Err // without the path of a temporary file
	} else if errors.As(err, &le) {
		err = le.Err
	}
	return &Error{Path: path, Kind: other, Words: err.Error()}
}

type meaning struct {
	is    error
	kind  error
	words string
}

func system() []meaning {
	return []meaning{
		{fs.ErrNotExist, ErrNotFound, ErrNotFound.Error()},
		{syscall.EROFS, ErrDenied, "the file system is read-only"},
		{fs.ErrPermission, ErrDenied, ErrDenied.Error()},
		{syscall.ENOSPC, ErrNoSpace, "no space is left on the disk"},
		{syscall.EDQUOT, ErrNoSpace, "the disk quota is used up"},
		{syscall.EFBIG, ErrNoSpace, "the file is larger than the file system or a limit allows"},
		{syscall.ENOTDIR, ErrPath, "what should be a directory in this path is not one"},
		{syscall.EISDIR, ErrPath, "it is a directory"},
		{syscall.ELOOP, ErrPath, "too many symbolic links: they lead in a circle"},
		{syscall.ENAMETOOLONG, ErrPath, "a name in the path is too long"},
		{syscall.EINVAL, ErrPath, "the file system doesn't take this path, or it was changed meanwhile"},
		{syscall.ENOTEMPTY, ErrExists, "the directory is not empty"},
		{fs.ErrExist, ErrExists, "it exists already"},
		{syscall.EBUSY, ErrExists, "it is in use, for instance as a mount point"},
		{syscall.ETXTBSY, ErrExists, "it is a program that is running"},
	}
}
