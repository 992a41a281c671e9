package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"
)

const (
	// maxSmall is the largest file that is read when it is opened. The kernel's
	// own files are among these, and don't have the size that they say.
	maxSmall = 64 << 10
	// maxUnsaid is the largest file that says it is empty and isn't.
	maxUnsaid = 1 << 20
)

// ErrShrunk is a file that became shorter while it was read.
var ErrShrunk = errors.New("the file became shorter while it was read")

// Content is what a file holds, as it was when it was opened: what is appended
// later isn't part of it.
type Content struct {
	Size     int64
	Modified time.Time

	path string
	file *os.File
	src  io.Reader
	left int64
}

// Open opens a file to be read. The caller closes it.
func (t Tree) Open(path string) (*Content, error) {
	abs, err := t.Path(path)
	if err != nil {
		return nil, err
	}
	f, st, err := regular(path, abs, 0)
	if err != nil {
		return nil, explain(path, err, ErrRead)
	}
	c := &Content{Size: st.Size(), Modified: st.ModTime(), path: path, file: f, src: f}
	if c.Size <= maxSmall {
		if err := c.slurp(); err != nil {
			_ = f.Close()
			return nil, explain(path, err, ErrRead)
		}
	}
	c.left = c.Size
	return c, nil
}

// slurp reads a small file, or one that says it is empty.
func (c *Content) slurp() error {
	limit := c.Size
	if limit == 0 {
		limit = maxUnsaid + 1
	}
	all, err := io.ReadAll(io.LimitReader(c.file, limit))
	if err != nil {
		return err
	}
	if len(all) > maxUnsaid {
		return &Error{Path: c.path, Kind: ErrRead, Words: "it says that it is empty and holds more than 1 MiB: copy it to a file and read that"}
	}
	c.Size, c.src = int64(len(all)), bytes.NewReader(all)
	return nil
}

// Section restricts what is read to size bytes from an offset. Both lie within
// the content.
func (c *Content) Section(offset, size int64) error {
	seeker, ok := c.src.(io.Seeker)
	if !ok {
		return fmt.Errorf("seek in %q: it cannot be done", c.path)
	}
	if _, err := seeker.Seek(offset, io.SeekStart); err != nil {
		return explain(c.path, err, ErrRead)
	}
	c.left = size
	return nil
}

// Read reads up to the size and not beyond. A file that has become shorter is
// an error, since its reader was told a size.
func (c *Content) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, io.EOF
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	switch {
	case errors.Is(err, io.EOF) && c.left > 0:
		return n, &Error{Path: c.path, Kind: ErrShrunk, Words: fmt.Sprintf("it became shorter while it was read: %d bytes are missing", c.left)}
	case err != nil && !errors.Is(err, io.EOF):
		return n, explain(c.path, err, ErrRead)
	}
	return n, nil
}

// Close closes the file.
func (c *Content) Close() error { return c.file.Close() }

// regular opens a file to read what it holds. What isn't one isn't opened:
// that could wait for somebody, or have effects.
func regular(path, abs string, flags int) (*os.File, fs.FileInfo, error) {
	st, err := os.Stat(abs)
	if err == nil && st.Mode().IsRegular() {
		var f *os.File
		// Something else may have taken its place: then nothing waits either.
		if f, err = os.OpenFile(abs, os.O_RDONLY|syscall.O_NONBLOCK|flags, 0); err == nil {
			if st, err = f.Stat(); err == nil && st.Mode().IsRegular() {
				return f, st, nil
			}
			_ = f.Close()
		}
	}
	if err == nil {
		err = &Error{Path: path, Kind: ErrPath, Words: "it is " + kind(st.Mode()) + ", not a file with content"}
	}
	return nil, nil, err
}
