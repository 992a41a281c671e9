package session

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"hotcell/internal/direct"
	"hotcell/internal/pipes"
	"hotcell/process"
)

// channel is a pipe with a name. We open both of its ends without waiting,
// and so the shell never waits for us when it opens one, nor sees its end before
// we close ours.
type channel struct{ r, w *os.File }

// openChannel makes the pipe if it isn't there, for those inside.
func openChannel(path string, inside process.Inside) (channel, error) {
	err := unix.Mkfifo(path, 0o600)
	if err == nil {
		err = inside.Hand(path)
	}
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return channel{}, fmt.Errorf("make pipe: %w", err)
	}
	r, err := openNow(path, unix.O_RDONLY)
	if err != nil {
		return channel{}, err
	}
	w, err := openNow(path, unix.O_WRONLY)
	if err != nil {
		_ = r.Close()
		return channel{}, err
	}
	return channel{r, w}, nil
}

func openNow(path string, way int) (*os.File, error) {
	for {
		fd, err := unix.Open(path, way|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		switch {
		case err == nil:
			return os.NewFile(uintptr(fd), path), nil
		case !errors.Is(err, unix.EINTR):
			return nil, fmt.Errorf("open pipe: %w", err)
		}
	}
}

// write writes a short line, for which there is room unless somebody else has
// filled the pipe.
func (c channel) write(line string) error {
	return pipes.WriteNow(c.w, []byte(line))
}

// waits reports whether something lies in the pipe that nobody has read, and
// takes it out.
func (c channel) waits() bool {
	var line [64]byte
	n, _ := direct.ReadNow(c.r, line[:])
	return n > 0
}

func (c channel) close() {
	for _, f := range []*os.File{c.r, c.w} {
		if f != nil {
			_ = f.Close()
		}
	}
}
