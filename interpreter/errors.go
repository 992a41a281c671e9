package interpreter

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// Errors of a context. Code of the user's that fails is not among them: that
// is an event of its execution.
var (
	ErrQueueFull        = errors.New("the context's queue is full")
	ErrClosed           = errors.New("the context is closed")
	ErrDuplicateID      = errors.New("an execution with this id exists already")
	ErrUnknownExecution = errors.New("no execution has this id")
	ErrEvicted          = errors.New("the execution's events are not kept any more")
	ErrNotRunning       = errors.New("nothing is running")
	ErrNoAnswer         = errors.New("the kernel gave no answer")
	ErrShutdown         = errors.New("the server is shutting down: it runs nothing more")
	ErrNoInputRequested = errors.New("the execution has not asked for input")
)

// EnvError is an environment variable that no process could be given.
type EnvError struct{ Name, Problem string }

func (e *EnvError) Error() string {
	return fmt.Sprintf("environment variable %q %s", e.Name, e.Problem)
}

// CwdError is a working directory that cannot be used.
type CwdError struct {
	Cwd string
	Err error
}

func (e *CwdError) Error() string {
	return fmt.Sprintf("working directory %q cannot be used: %v", e.Cwd, e.Err)
}

func (e *CwdError) Unwrap() error { return e.Err }

// RefusedError is a kernel that would not be configured, or asked.
type RefusedError struct{ Value string }

func (e *RefusedError) Error() string { return "the kernel refused: " + e.Value }

// CheckEnv reports the first variable, in the order of names, that could not
// be put into a process's environment.
func CheckEnv(env map[string]string) error {
	names := make([]string, 0, len(env))
	for name := range env {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		switch {
		case name == "":
			return &EnvError{Name: name, Problem: "has an empty name"}
		case strings.ContainsRune(name, '='):
			return &EnvError{Name: name, Problem: "has a '=' in its name"}
		case strings.ContainsRune(name, 0):
			return &EnvError{Name: name, Problem: "has a NUL in its name"}
		case strings.ContainsRune(env[name], 0):
			return &EnvError{Name: name, Problem: "has a NUL in its value"}
		}
	}
	return nil
}

// checkCwd finds a bad directory before a kernel is spent on it.
func checkCwd(cwd string, look func(string) error) error {
	if cwd == "" {
		return nil
	}
	if strings.ContainsRune(cwd, 0) {
		return &CwdError{Cwd: cwd, Err: errors.New("it contains a NUL")}
	}
	err := look(cwd)
	if errors.Is(err, child.ErrJailEnded) {
		return fmt.Errorf("look at the working directory: %w", err) // of which it says nothing
	}
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		err = pe.Err
	}
	if err != nil {
		return &CwdError{Cwd: cwd, Err: err}
	}
	return nil
}

// lookAt reports why a process of ours can't have a directory as its own.
func lookAt(path string) error {
	st, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !st.IsDir() {
		return errors.New("it is not a directory")
	}
	return unix.Access(path, unix.X_OK)
}
