package runtimes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
	"hotcell/internal/direct"
	"hotcell/internal/wire"
)

// wordsOnFailure is how much of a dead driver's stderr goes into the error:
// the last lines of a traceback, not all of it.
const wordsOnFailure = 2 << 10

// Ends are the server's and the kernel's ends of a kernel's three channels.
type Ends struct {
	Conn           Conn        // ours
	Stdout, Stderr *os.File    // ours: the read ends
	Theirs         [3]*os.File // protocol, stdout, stderr: the kernel's
}

// NewEnds makes the channels of a kernel.
func NewEnds() (*Ends, error) {
	mine, theirs, err := newSocketpair()
	if err != nil {
		return nil, fmt.Errorf("make protocol socket: %w", err)
	}
	e := &Ends{Conn: direct.File(mine), Theirs: [3]*os.File{theirs}}
	if e.Stdout, e.Theirs[1], err = newPipe(); err == nil {
		e.Stderr, e.Theirs[2], err = newPipe()
	}
	if err != nil {
		e.Close()
		e.CloseTheirs()
		return nil, fmt.Errorf("make output pipe: %w", err)
	}
	return e, nil
}

// Merge makes one pipe of the two, for a program whose output is one text. It
// is called before the kernel has its ends.
func (e *Ends) Merge() {
	_ = e.Stderr.Close()
	_ = e.Theirs[2].Close()
	e.Stderr, e.Theirs[2] = nil, nil
}

// ours is a descriptor for the runtime's poller.
func ours(fd int, name string) *os.File {
	_ = unix.SetNonblock(fd, true)
	return os.NewFile(uintptr(fd), name)
}

// CloseTheirs closes the kernel's ends, once the kernel has its copies.
func (e *Ends) CloseTheirs() {
	for _, f := range e.Theirs {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Close closes our ends.
func (e *Ends) Close() {
	_ = e.Conn.Close()
	for _, f := range []*os.File{e.Stdout, e.Stderr} {
		if f != nil {
			_ = f.Close()
		}
	}
}

// Launch starts a driver as a process of its own, with the descriptors that
// docs/adding-a-runtime.md promises it (any spec.Files come after the
// protocol's), and returns when it has said hello. ctx bounds the starting only.
func Launch(ctx context.Context, spec child.Spec) (*Kernel, error) {
	ends, err := NewEnds()
	if err != nil {
		return nil, err
	}
	return launch(ctx, ends, spec)
}

// LaunchScript is Launch for a driver that does nothing but become a script:
// stdout and stderr are one pipe from the beginning.
func LaunchScript(ctx context.Context, spec child.Spec) (*Kernel, error) {
	ends, err := NewEnds()
	if err != nil {
		return nil, err
	}
	ends.Merge()
	return launch(ctx, ends, spec)
}

func launch(ctx context.Context, ends *Ends, spec child.Spec) (*Kernel, error) {
	spec.Stdout, spec.Stderr = ends.Theirs[1], cmp.Or(ends.Theirs[2], ends.Theirs[1])
	spec.Files = append([]*os.File{ends.Theirs[0]}, spec.Files...)
	p, err := child.Start(ctx, spec)
	ends.CloseTheirs()
	if err != nil {
		ends.Close()
		return nil, err
	}
	k, err := Greet(ctx, ends, p)
	if err == nil {
		k.Group = spec.Group
	}
	return k, err
}

// Greet waits for the hello of a process that has its ends. When none comes,
// it kills the process and says in the error what the process said instead.
func Greet(ctx context.Context, ends *Ends, p Process) (*Kernel, error) {
	k := &Kernel{Conn: ends.Conn, Stdout: ends.Stdout, Stderr: ends.Stderr, Process: p}
	stop := context.AfterFunc(ctx, func() { _ = ends.Conn.SetReadDeadline(time.Now()) })
	err := wire.ReadFrame(k.Conn, &k.Hello)
	if stop() && err == nil {
		err = checkHello(k.Hello)
		if err == nil {
			return k, nil
		}
	} else if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	_ = p.Signal(syscall.SIGKILL)
	<-p.Done()
	words := lastWords(cmp.Or(ends.Stderr, ends.Stdout))
	ends.Close()
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) { // the latter if it has left something unread
		return nil, &StartError{Exit: p.Exit(), Words: words}
	}
	return nil, fmt.Errorf("start driver: %w%s", err, said(words))
}

// StartError is a program that ended by itself before its driver was there: it
// could not be started as it was asked for, with the variables that it was given.
type StartError struct {
	Exit  child.Exit
	Words string // the last that it said, which may be nothing
}

func (e *StartError) Error() string {
	return "start driver: it ended before its hello: " + e.Exit.String() + said(e.Words)
}

// Is says that a killed program was not ended by what was asked of it: see [ErrStruck].
func (e *StartError) Is(target error) bool {
	return target == ErrStruck && (e.Exit.Unknown || e.Exit.Signal == syscall.SIGKILL)
}

// ErrStruck is that something which a start needs was killed in that moment: the new
// process, the one that forks it, the first one of its jail. It says nothing against
// what was asked for, so whoever meets it tries once more.
var ErrStruck = errors.New("a process was killed from outside while a kernel was being started; try again")

// Struck is an error that is [ErrStruck] and says more.
func Struck(text string) error { return struckError(text) }

type struckError string

func (e struckError) Error() string { return string(e) }

func (e struckError) Is(target error) bool { return target == ErrStruck }

func said(words string) string {
	if words == "" {
		return ""
	}
	return "; it said: " + words
}

func checkHello(m wire.Message) error {
	if m.Type == wire.MsgRefused {
		return errors.New(m.Value)
	}
	if m.Type != wire.MsgHello || m.Protocol != wire.ProtocolVersion {
		return fmt.Errorf("its first message was %q, protocol %d; expected hello, protocol %d", m.Type, m.Protocol, wire.ProtocolVersion)
	}
	return nil
}

// lastWords is the end of what a dead process wrote to stderr.
func lastWords(f *os.File) string {
	_ = f.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // a grandchild may hold the pipe open
	raw, _ := io.ReadAll(io.LimitReader(f, 1<<20))
	text := strings.TrimSpace(strings.ToValidUTF8(string(raw[max(0, len(raw)-wordsOnFailure):]), "\uFFFD"))
	return text
}
