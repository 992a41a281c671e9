package cgroup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fileSystem is what the package does with directories. Tests have another, since
// in no other file system a new directory has files in it.
type fileSystem struct {
	mkdir, rmdir func(path string) error
}

func cgroupfs() fileSystem {
	return fileSystem{
		mkdir: func(path string) error { return unix.Mkdir(path, 0o755) },
		rmdir: unix.Rmdir,
	}
}

// write writes a control file in one call, as they want it. The system calls are
// used directly: package os would register each descriptor for polling.
func write(dir, file, value string) error {
	path := filepath.Join(dir, file)
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_WRONLY|unix.O_TRUNC|unix.O_CLOEXEC, 0) })
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	defer unix.Close(fd)
	if _, err := retry(func() (int, error) { return unix.Write(fd, []byte(value)) }); err != nil {
		return fmt.Errorf("write %q to %s: %w", value, path, err)
	}
	return nil
}

// open opens a control file to be read.
func open(dir, file string) (int, error) {
	path := filepath.Join(dir, file)
	fd, err := retry(func() (int, error) { return unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0) })
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", path, err)
	}
	return fd, nil
}

// read reads a control file.
func read(dir, file string) (string, error) {
	fd, err := open(dir, file)
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var out []byte
	var buf [4096]byte
	for {
		n, err := retry(func() (int, error) { return unix.Read(fd, buf[:]) })
		if err != nil {
			return "", fmt.Errorf("read %s: %w", filepath.Join(dir, file), err)
		}
		if n == 0 {
			return string(out), nil
		}
		out = append(out, buf[:n]...)
	}
}

// retry repeats a call that a signal has interrupted.
func retry(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// number reads a file that is one number; one that can't be read is 0, and "max"
// is a very large one.
func number(dir, file string) int64 {
	text, err := read(dir, file)
	if err != nil {
		return 0
	}
	return parse(strings.TrimSpace(text))
}

// parse takes numbers as they stand in control files: "max", and in version 1
// numbers that are larger than any machine, are no limit.
func parse(text string) int64 {
	if text == "max" {
		return 1<<63 - 1
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// counter reads one line of a file whose lines are a word and a number.
func counter(dir, file, word string) (n int64, ok bool) {
	text, err := read(dir, file)
	if err != nil {
		return 0, false
	}
	return lineOf(text, word)
}

func lineOf(text, word string) (n int64, ok bool) {
	for line := range strings.Lines(text) {
		if name, value, found := strings.Cut(strings.TrimSpace(line), " "); found && name == word {
			return parse(value), true
		}
	}
	return 0, false
}
