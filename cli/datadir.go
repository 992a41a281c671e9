package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// keyFile holds the generated API key, lockFile keeps a second server out.
const (
	keyFile  = "api-key"
	lockFile = "lock"
)

// defaultDataDir follows the XDG base directory specification.
func defaultDataDir() (string, error) {
	if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "hotcell"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", badUsage("no data directory: %v; name one with --data-dir", err)
	}
	return filepath.Join(home, ".local", "share", "hotcell"), nil
}

// dataDir is a directory that this process alone uses until Close.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir makes the directory if it must and locks it. The lock is the
// kernel's, so a server that was killed leaves none behind.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the data directory: %w", err)
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(lock.Name())
		_ = lock.Close()
		return nil, fmt.Errorf("another hotcell%s uses the data directory %s; stop it, or give this one its own with --data-dir",
			holderText(holder), path)
	}
	if err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	if err := lock.Truncate(0); err == nil {
		// Only for the message above; the lock doesn't depend on it.
		_, _ = fmt.Fprintf(lock, "%d\n", os.Getpid())
	}
	return &dataDir{path: path, lock: lock}, nil
}

func holderText(content []byte) string {
	if pid := strings.TrimSpace(string(content)); pid != "" {
		return fmt.Sprintf(" (pid %s)", pid)
	}
	return ""
}

// Close gives the directory free.
func (d *dataDir) Close() error { return d.lock.Close() }

func (d *dataDir) keyPath() string { return filepath.Join(d.path, keyFile) }

// apiKey reads the key of this directory, making one at the first use.
func (d *dataDir) apiKey() (key string, err error) {
	path := d.keyPath()
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeKey(path)
	}
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the API key: %w", err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others (mode %#o): run 'chmod 600 %s', or delete it and a new key is made", path, st.Mode().Perm(), path)
	}
	key = strings.TrimSpace(string(content))
	if key == "" {
		return "", fmt.Errorf("%s is empty: delete it and a new key is made", path)
	}
	return key, nil
}

// makeKey writes a new key to path. The file has its mode and its content
// before it has its name.
func makeKey(path string) (string, error) {
	key := newKey()
	if err := writeAtomically(path, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep the new API key: %w", err)
	}
	return key, nil
}

// newKey is 192 random bits: out of reach of guessing, and short enough to be
// copied by hand.
func newKey() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails, it ends the program instead
	return "hc_" + hex.EncodeToString(b[:])
}

// writeAtomically makes a file appear complete or not at all.
func writeAtomically(path string, content []byte, mode fs.FileMode) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
