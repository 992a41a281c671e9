package room

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// launch starts the process and keeps the socket on which it is given its calls.
func (a *agent) launch(ctx context.Context, spec child.Spec) error {
	ours, theirs, err := pair(unix.SOCK_SEQPACKET)
	if err != nil {
		return err
	}
	defer theirs.Close()
	spec.Files = []*os.File{theirs}
	start := a.set.cfg.Start
	if start == nil {
		start = child.Start
	}
	p, err := start(ctx, spec)
	if err != nil {
		_ = ours.Close()
		return err
	}
	a.process, a.control = p, ours
	return nil
}

// dial opens a call to the agent.
func (a *agent) dial() (net.Conn, error) {
	ours, theirs, err := pair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	defer ours.Close()
	if err := a.pass(theirs); err != nil {
		return nil, err
	}
	conn, err := net.FileConn(ours)
	if err != nil {
		return nil, fmt.Errorf("use a socket: %w", err)
	}
	return conn, nil
}

// pass gives a descriptor to the agent. One that takes none for a while is not
// going to.
func (a *agent) pass(f *os.File) error {
	_ = a.control.SetWriteDeadline(time.Now().Add(a.set.cfg.Patience))
	rc, err := a.control.SyscallConn()
	if err != nil {
		return err
	}
	rights := unix.UnixRights(int(f.Fd()))
	var sent error
	err = rc.Write(func(fd uintptr) bool {
		for {
			sent = unix.Sendmsg(int(fd), []byte{0}, rights, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
			if !errors.Is(sent, unix.EINTR) {
				return !errors.Is(sent, unix.EAGAIN)
			}
		}
	})
	if err == nil {
		err = sent
	}
	if err != nil {
		return fmt.Errorf("call the agent: %w", err)
	}
	return nil
}

// pair makes a pair of sockets.
func pair(kind int) (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), "agent"), os.NewFile(uintptr(fds[1]), "call"), nil
}
