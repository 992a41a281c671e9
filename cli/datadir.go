package cli

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// keyFile holds the generated API key, lockFile keeps a second server out, and
// gateFile makes those who only want to change the keys come one after the other.
const (
	keyFile  = "api-key"
	lockFile = "lock"
	gateFile = "gate"
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
	gate *os.File // nil once others may try, too
}

// openDataDir makes the directory if it must and locks it. The locks are the
// kernel's, so a server that was killed leaves none behind. Whoever only has a
// word to write holds the gate meanwhile, and who comes waits for that moment; a
// server gives it free at once, and who comes then is told of the server.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make data directory: %w", err)
	}
	d := &dataDir{path: path}
	err := d.take()
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (d *dataDir) take() (err error) {
	if d.gate, err = locked(filepath.Join(d.path, gateFile), syscall.LOCK_EX); err != nil {
		return err
	}
	path := filepath.Join(d.path, lockFile)
	d.lock, err = locked(path, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		content, _ := os.ReadFile(path)
		return &inUseError{dir: d.path, holder: readHolder(content)}
	}
	if err != nil {
		return err
	}
	return d.note(holder{pid: strconv.Itoa(os.Getpid())})
}

// locked opens a file and locks it.
func locked(path string, how int) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open a lock of the data directory: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the data directory: %w", err)
	}
	return f, nil
}

// holder is who uses a data directory, and where it answers, if it does.
type holder struct {
	pid  string
	url  string
	cert string // the file of the certificate that it shows there
}

// note writes down who we are; the lock doesn't depend on it.
func (d *dataDir) note(h holder) error {
	if err := d.lock.Truncate(0); err != nil {
		return fmt.Errorf("write the lock of the data directory: %w", err)
	}
	if _, err := d.lock.WriteAt([]byte(h.pid+"\n"+h.url+"\n"+h.cert+"\n"), 0); err != nil {
		return fmt.Errorf("write the lock of the data directory: %w", err)
	}
	return nil
}

func readHolder(content []byte) holder {
	lines := append(strings.Split(string(content), "\n"), "", "", "")
	return holder{pid: lines[0], url: lines[1], cert: lines[2]}
}

// inUseError is that another process uses the directory.
type inUseError struct {
	dir    string
	holder holder
}

func (e *inUseError) Error() string {
	who := ""
	if e.holder.pid != "" {
		who = fmt.Sprintf(" (pid %s)", e.holder.pid)
	}
	return fmt.Sprintf("another hotcell%s uses the data directory %s; stop it, or give this one its own with --data-dir", who, e.dir)
}

// open gives the gate free: whoever finds the lock is to ask us then.
func (d *dataDir) open() {
	_ = d.gate.Close()
	d.gate = nil
}

// Close gives the directory free.
func (d *dataDir) Close() error {
	var errs []error
	for _, f := range []*os.File{d.lock, d.gate} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

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
