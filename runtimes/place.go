package runtimes

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// besideList is the file in a run's own directory that lists, with a NUL behind
// each, the files that the run has elsewhere.
const besideList = "beside"

// hiddenName is how the names of those files begin.
const hiddenName = ".script"

// Write puts a file into the run's own directory.
func (s Script) Write(name, text string) (path string, err error) {
	path = filepath.Join(s.Own, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write the script: %w", err)
	}
	if s.UID != 0 { // who can rename nothing here
		if err := os.Lchown(path, s.UID, s.UID); err != nil {
			return "", fmt.Errorf("give the script to its user: %w", err)
		}
	}
	return path, nil
}

// Furnish puts files into the run's room, and returns the room's path. It becomes the
// program's when they are all there: what is opened there by name after that may be
// another file.
func (s Script) Furnish(files map[string]string) (room string, err error) {
	room = cmp.Or(s.Room, s.Own)
	if s.Room != "" {
		if err := errors.Join(os.RemoveAll(room), os.Mkdir(room, 0o700)); err != nil {
			return "", fmt.Errorf("make the script's directory: %w", err)
		}
	}
	paths := []string{}
	for name, text := range files {
		path := filepath.Join(room, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("write the script: %w", err)
		}
		paths = append(paths, path)
	}
	if s.UID == 0 || s.Room == "" {
		return room, nil
	}
	for _, path := range append(paths, room) { // the directory at last
		if err := os.Lchown(path, s.UID, s.UID); err != nil {
			return "", fmt.Errorf("give the script to its user: %w", err)
		}
	}
	return room, nil
}

// WriteBeside puts a file into the directory in which the script runs, for a
// program that looks around from the place where it lies. Its name begins with
// a dot, and is the same in each run unless there is such a file, or another run has
// it. [Names.Clean] removes it. Where the directory can't be written to, it becomes one of the
// run's own.
func (s Script) WriteBeside(ext, text string) (path string, err error) {
	return s.WriteBesideOf(ext, func(string) string { return text })
}

// WriteBesideOf is WriteBeside for a text that has to know its path.
func (s Script) WriteBesideOf(ext string, text func(path string) string) (path string, err error) {
	for _, name := range []string{hiddenName + ext, hiddenName + "-" + strings.ToLower(rand.Text()) + ext} {
		if !s.Names.take(s.Own, s.Dir, name) {
			continue
		}
		path = filepath.Join(s.Dir, name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			break
		}
		noted := note(s.Own, path)
		if s.UID != 0 { // by the descriptor: the directory is theirs, who may have renamed it
			noted = errors.Join(noted, f.Chown(s.UID, s.UID))
		}
		_, err = f.WriteString(text(path))
		if err = errors.Join(noted, err, f.Close()); err != nil {
			return "", errors.Join(fmt.Errorf("write the script: %w", err), os.Remove(path))
		}
		return path, nil
	}
	path = filepath.Join(s.Own, "script"+ext)
	return s.Write("script"+ext, text(path))
}

// note remembers a file that has to be removed.
func note(own, path string) error {
	f, err := os.OpenFile(filepath.Join(own, besideList), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(path + "\x00")
	return errors.Join(err, f.Close())
}

// Clean removes a run's own directory and what is listed in it. It is also for
// those that a server left which was killed.
func Clean(own string) error {
	list, err := os.ReadFile(filepath.Join(own, besideList))
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	errs := []error{err}
	for path := range strings.SplitSeq(string(list), "\x00") {
		// The list is where user code could have written to it.
		if !strings.HasPrefix(filepath.Base(path), hiddenName) {
			continue
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, os.RemoveAll(own))
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove what a script left: %w", err)
	}
	return nil
}
