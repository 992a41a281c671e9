// Package process holds what everything that runs in a sandbox beside its
// contexts has in common: where it runs, with which environment and shell. Its
// sub-packages run things: process/command one-shot commands, process/script
// one-shot code, process/session stateful shells, process/terminal PTYs.
//
// The package owns nothing and has no goroutines.
package process

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// Place is where the processes of one sandbox run.
type Place struct {
	Sandbox string            // its id
	Dir     string            // its work directory, absolute
	Env     map[string]string // its variables
	Jail    child.Jail        // its boundary; nil is none
	// Inside are directories that exist inside of the boundary, too.
	Inside Inside
	// Group makes the group that counts and bounds one process, which is of the kind
	// that the word says. Nil: nothing does.
	Group func(of string) (child.Group, error)
}

// Bound gives a process that is about to be started a group of its own.
func (p Place) Bound(spec *child.Spec, of string) (err error) {
	if p.Group == nil {
		return nil
	}
	if spec.Group, err = p.Group(of); err != nil {
		return fmt.Errorf("bound the %s: %w", of, err)
	}
	return nil
}

// Inside is where those who live in a boundary find what is given to them. It is
// zero where there is none.
type Inside struct {
	Run   string // what they read. They can rename nothing in it
	Rooms string // directories of it may be made theirs
	UID   int    // the user and group that they run as; 0 is ours
	// Env has the variables that are others inside, HOME and TMPDIR.
	Env map[string]string
}

// Hand makes a file, which lies where nobody inside can rename anything, theirs.
func (i Inside) Hand(path string) error {
	if i.UID == 0 {
		return nil
	}
	if err := os.Lchown(path, i.UID, i.UID); err != nil {
		return fmt.Errorf("give a file to the sandbox: %w", err)
	}
	return nil
}

// Scratch is where files of the service's own go that the place's processes need.
func (p Place) Scratch(h Host) string { return cmp.Or(p.Inside.Run, h.ScratchDir()) }

// Host is what this machine gives to every process. The zero value works.
type Host struct {
	// Path lists directories that come first on everybody's PATH: those of
	// the interpreters in use.
	Path []string
	// Shell is the shell that runs commands. Empty: bash, else sh.
	Shell string
	// Scratch is where files of the service's own go. Empty: os.TempDir.
	Scratch string
}

// Errors that all kinds of processes share.
var (
	ErrNoShell = errors.New("no shell was found: install bash, or put sh on the PATH")
	ErrClosed  = errors.New("the server is shutting down")
	// ErrNoProcess means that a sandbox has as many processes as it may.
	ErrNoProcess = child.ErrNoProcess
)

// EnvError is a variable that no process can be given.
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

// ShellPath is the shell in use, resolved.
func (h Host) ShellPath() (string, error) {
	for _, name := range []string{h.Shell, "bash", "sh"} {
		if name == "" {
			continue
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
		if name == h.Shell {
			return "", fmt.Errorf("%w: %q is not there", ErrNoShell, name)
		}
	}
	return "", ErrNoShell
}

// ScratchDir is where files of the service's own go.
func (h Host) ScratchDir() string { return cmp.Or(h.Scratch, os.TempDir()) }

// Environ is the environment of a process: what it has of the server's, then the place's, then extra; later ones win. A
// variable that a shell could not name is refused.
func (h Host) Environ(p Place, extra map[string]string) ([]string, error) {
	if err := CheckEnv(extra); err != nil {
		return nil, err
	}
	vars := make(map[string]string)
	for _, pair := range runtimes.Inherited(p.Jail) {
		name, value, _ := strings.Cut(pair, "=")
		vars[name] = value
	}
	vars["PATH"] = strings.Join(append(slices.Clone(h.Path), cmp.Or(vars["PATH"], "/usr/local/bin:/usr/bin:/bin")), ":")
	maps.Copy(vars, p.Inside.Env)
	vars["HOME"] = cmp.Or(vars["HOME"], p.Dir)
	vars["PWD"] = p.Dir
	maps.Copy(vars, p.Env)
	maps.Copy(vars, extra)
	env := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env, nil
}

// CheckEnv reports the first variable, in the order of names, that a shell
// could not name or a process could not be given.
func CheckEnv(env map[string]string) error {
	if len(env) == 0 {
		return nil
	}
	word := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for _, name := range slices.Sorted(maps.Keys(env)) {
		switch {
		case !word.MatchString(name):
			return &EnvError{Name: name, Problem: "has a name that is not letters, digits and _, with no digit first"}
		case strings.ContainsRune(env[name], 0):
			return &EnvError{Name: name, Problem: "has a NUL in its value"}
		}
	}
	return nil
}

// Resolve is the directory that cwd means in the place: relative ones start
// at the work directory, an empty one is it.
func (p Place) Resolve(cwd string) (string, error) {
	dir := cwd
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(p.Dir, dir)
	}
	if strings.ContainsRune(dir, 0) {
		return "", &CwdError{Cwd: cwd, Err: errors.New("it contains a NUL")}
	}
	if p.Jail != nil { // whose paths are others
		if err := p.Jail.CheckDir(dir); errors.Is(err, syscall.ENOTDIR) {
			return "", &CwdError{Cwd: cwd, Err: errors.New("it is not a directory")}
		} else if errors.Is(err, child.ErrJailEnded) {
			return "", fmt.Errorf("look at the working directory: %w", err) // of which it says nothing
		} else if err != nil {
			return "", &CwdError{Cwd: cmp.Or(cwd, dir), Err: err}
		}
		return filepath.Clean(dir), nil
	}
	st, err := os.Stat(dir)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return "", &CwdError{Cwd: cmp.Or(cwd, dir), Err: err}
	}
	if !st.IsDir() {
		return "", &CwdError{Cwd: cwd, Err: errors.New("it is not a directory")}
	}
	if err := unix.Access(dir, unix.X_OK); err != nil {
		return "", &CwdError{Cwd: cwd, Err: err}
	}
	return filepath.Clean(dir), nil
}
