package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"hotcell/internal/activity"
	"hotcell/internal/child"
	"hotcell/process"
	"hotcell/process/output"
)

// Spec says what to run.
type Spec struct {
	Place process.Place
	// Admit is asked once more when the command counts as one of its sandbox's:
	// a sandbox that was stopped in this very moment takes none. It may be nil.
	Admit func() error

	Text string   // for the shell, or
	Argv []string // a program and its arguments

	Cwd     string // relative ones start at the place's directory
	Env     map[string]string
	Timeout time.Duration // 0: none
	Stdin   bool          // it is written to; else it is empty

	Origin activity.Origin // who asks
}

const (
	// argLimit is what a shell is given on its command line. Linux takes 128 KiB
	// in one argument; what is longer is handed over in a file.
	argLimit = 120 << 10
	// shownWords is how much of a command is kept to show it.
	shownWords = 4 << 10
)

// InvalidError is a command that no system could start.
type InvalidError struct{ Problem string }

func (e *InvalidError) Error() string { return e.Problem }

// NotFoundError is a program that is not there or can't be started, in a
// command that names one without a shell.
type NotFoundError struct {
	Program string
	Err     error
}

func (e *NotFoundError) Error() string {
	if e.Missing() {
		return e.Program + ": command not found"
	}
	return fmt.Sprintf("%s: cannot be executed: %v", e.Program, e.Err)
}

func (e *NotFoundError) Unwrap() error { return e.Err }

// Missing tells that there is no such program; else it can't be started.
func (e *NotFoundError) Missing() bool { return errors.Is(e.Err, os.ErrNotExist) }

// check reports what is wrong with the words themselves.
func (s *Spec) check() error {
	switch {
	case s.Argv == nil && strings.TrimSpace(s.Text) == "":
		return &InvalidError{"the command is empty"}
	case s.Argv != nil && (len(s.Argv) == 0 || s.Argv[0] == ""):
		return &InvalidError{"the command names no program"}
	case strings.ContainsRune(s.Text, 0) || slices.ContainsFunc(s.Argv, func(a string) bool { return strings.ContainsRune(a, 0) }):
		return &InvalidError{"the command has a NUL byte in it, which no program can be given; let it make such bytes itself (printf '\\0'), or put them in a file"}
	}
	return nil
}

// whole is all of the command.
func (s *Spec) whole() string {
	if s.Argv != nil {
		return strings.Join(s.Argv, " ")
	}
	return s.Text
}

// words is the command as it is shown.
func (s *Spec) words() string {
	text := s.whole()
	if len(text) > shownWords {
		text = strings.ToValidUTF8(text[:shownWords], "") + "…"
	}
	return text
}

// start starts the process. in, if it isn't nil, and the files of out are its
// input and output; they stay ours.
func (s *Spec) start(ctx context.Context, host process.Host, in *os.File, out [2]*os.File, settle func()) (*child.Process, string, error) {
	dir, err := s.Place.Resolve(s.Cwd)
	if err != nil {
		return nil, "", err
	}
	place := s.Place
	place.Dir = dir // which PWD has to say
	env, err := host.Environ(place, s.Env)
	if err != nil {
		return nil, "", err
	}
	spec := child.Spec{Env: env, Dir: dir, Stdin: in, Stdout: out[0], Stderr: out[1], Settle: settle}
	if s.Argv != nil {
		spec.Args = s.Argv[1:]
		if spec.Path, err = process.LookPath(s.Argv[0], dir, env); err != nil {
			return nil, "", &NotFoundError{Program: s.Argv[0], Err: err}
		}
	} else {
		if spec.Path, err = host.ShellPath(); err != nil {
			return nil, "", err
		}
		text, err := script(&spec, s.Text, host.ScratchDir())
		if err != nil {
			return nil, "", err
		}
		if text != nil {
			defer text.Close()
		}
	}
	p, err := child.Start(ctx, spec)
	if err != nil {
		return nil, "", s.diagnose(err)
	}
	return p, dir, nil
}

// script makes a shell run the text. Its $0, which stands before its messages,
// is the shell's short name. A text that is too long for an argument is read
// from a descriptor, which is closed for the commands in it.
func script(spec *child.Spec, text, scratch string) (*os.File, error) {
	name := filepath.Base(spec.Path)
	if len(text) <= argLimit {
		spec.Args = []string{"-c", "--", text, name}
		return nil, nil //nolint:nilnil // there is no file, and no fault
	}
	f, err := output.Unnamed(scratch, text)
	if err != nil {
		return nil, fmt.Errorf("hand a long command over: %w", err)
	}
	read := "cat /dev/fd/3"
	if name == "bash" || name == "zsh" {
		read = "</dev/fd/3"
	}
	spec.Files = []*os.File{f}
	spec.Args = []string{"-c", "--", `eval "$(` + read + `)" 3<&-`, name}
	return f, nil
}

// diagnose says in other words why the system refused a start.
func (s *Spec) diagnose(err error) error {
	if errors.Is(err, syscall.E2BIG) {
		return &InvalidError{"the arguments and the environment together are longer than the system takes; put what is long in a file"}
	}
	for _, shortage := range []error{syscall.EAGAIN, syscall.ENOMEM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, shortage) {
			return fmt.Errorf("%w: %w", ErrNoRoom, shortage)
		}
	}
	if _, gone := s.Place.Resolve(s.Cwd); gone != nil { // in this moment
		return gone
	}
	if s.Argv != nil && (errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) || errors.Is(err, syscall.ENOEXEC)) {
		return &NotFoundError{Program: s.Argv[0], Err: cmp.Or(errnoOf(err), err)}
	}
	return err
}

// errnoOf is the system's own word for what went wrong.
func errnoOf(err error) error {
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return errno
	}
	return nil
}
