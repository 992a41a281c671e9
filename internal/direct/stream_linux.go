package direct

import (
	"errors"
	"io"
	"os"
	"runtime"
	"syscall"
	"time"
	"unsafe"
)

// file is a descriptor that doesn't block.
type file struct {
	f   *os.File
	raw raw
}

// File wraps a descriptor that doesn't block.
func File(f *os.File) Stream {
	rc, err := f.SyscallConn()
	if err != nil || alone() {
		return f
	}
	return &file{f, raw{rc}}
}

func (f *file) Read(p []byte) (int, error) {
	n, err := f.raw.read(p)
	return n, f.named("read", err)
}

func (f *file) Write(p []byte) (int, error) {
	n, err := f.raw.write(p)
	return n, f.named("write", err)
}

func (f *file) Close() error                          { return f.f.Close() }
func (f *file) SetDeadline(t time.Time) error         { return f.f.SetDeadline(t) }
func (f *file) SetReadDeadline(t time.Time) error     { return f.f.SetReadDeadline(t) }
func (f *file) SyscallConn() (syscall.RawConn, error) { return f.raw.RawConn, nil }

func (f *file) named(op string, err error) error {
	var errno syscall.Errno
	switch {
	case err == nil, err == io.EOF: //nolint:errorlint // as readers get it
		return err
	case errors.As(err, &errno), errors.Is(err, os.ErrDeadlineExceeded):
	default: // the poller's own word for it is internal
		err = os.ErrClosed
	}
	return &os.PathError{Op: op, Path: f.f.Name(), Err: err}
}

// alone reports that there is one processor for all of the program. Then it is the
// monitor's part to take it from whoever keeps it for long, so it has to be awake.
func alone() bool { return runtime.GOMAXPROCS(0) == 1 }

// Buffered is how many bytes wait in a pipe.
func Buffered(f *os.File) int {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0
	}
	return raw{rc}.count(syscall.TIOCINQ)
}

// ReadNow reads what is there: no bytes and no error when nothing is, and [io.EOF]
// when nothing will come.
func ReadNow(f *os.File, p []byte) (int, error) {
	rc, err := f.SyscallConn()
	if err != nil {
		return 0, io.EOF
	}
	var n int
	errno := syscall.EBADF
	_ = rc.Control(func(fd uintptr) { n, errno = transfer(syscall.SYS_READ, fd, p) })
	switch {
	case errno == syscall.EAGAIN:
		return 0, nil
	case errno != 0, n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// raw is the access to a descriptor in the runtime's poller.
type raw struct{ syscall.RawConn }

// read is like that of an [io.Reader]. Its error may be a bare [syscall.Errno].
func (r raw) read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	var errno syscall.Errno
	err = r.Read(func(fd uintptr) bool {
		n, errno = transfer(syscall.SYS_READ, fd, p)
		return errno != syscall.EAGAIN
	})
	switch {
	case err != nil:
		return 0, err
	case errno != 0:
		return 0, errno
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// write is like that of an [io.Writer]. Its error may be a bare [syscall.Errno].
func (r raw) write(p []byte) (done int, err error) {
	var errno syscall.Errno
	err = r.Write(func(fd uintptr) bool {
		for done < len(p) {
			var n int
			if n, errno = transfer(syscall.SYS_WRITE, fd, p[done:]); errno == 0 && n == 0 {
				errno = syscall.EIO // never seen, and no reason to go round for ever
			}
			if errno != 0 {
				return errno != syscall.EAGAIN
			}
			done += n
		}
		return true
	})
	if err == nil && errno != 0 {
		err = errno
	}
	return done, err
}

// count asks for a number of bytes; 0 where there is no answer.
func (r raw) count(request uintptr) int {
	var n int32
	_ = r.Control(func(fd uintptr) {
		_, _, _ = syscall.RawSyscall(syscall.SYS_IOCTL, fd, request, uintptr(unsafe.Pointer(&n)))
	})
	return int(n)
}

// atMost bounds what one call transfers, and so for how long it keeps a processor
// from a runtime that knows nothing of it: to 0.1 ms, about.
const atMost = 256 << 10

func transfer(trap, fd uintptr, p []byte) (int, syscall.Errno) {
	p = p[:min(len(p), atMost)]
	for {
		n, _, errno := syscall.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}
