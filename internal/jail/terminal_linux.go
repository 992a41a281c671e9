package jail

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenTerminal opens a pseudo-terminal that is one of those inside, so that its
// program finds it under the name that it has. Without namespaces there are none
// of the jail's own: [errors.ErrUnsupported].
func (j *Jail) OpenTerminal() (master, slave *os.File, err error) {
	if j.cfg.Mode != Namespace {
		return nil, nil, errors.ErrUnsupported
	}
	path := fmt.Sprintf("/proc/%d/root/dev/pts/ptmx", j.Pid())
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("open a terminal of the sandbox's: %w", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	// By the number it could have been another process's by now.
	if err := j.signal(unix.Signal(0)); err != nil {
		_ = master.Close()
		return nil, nil, fmt.Errorf("open a terminal of the sandbox's: %w", err)
	}
	if slave, err = peer(fd); err == nil && j.cfg.UID != 0 {
		err = slave.Chown(j.cfg.UID, j.cfg.UID)
	}
	if err != nil {
		_ = master.Close()
		if slave != nil {
			_ = slave.Close()
		}
		return nil, nil, fmt.Errorf("open a terminal of the sandbox's: %w", err)
	}
	return master, slave, nil
}

// peer opens a master's other side without a path.
func peer(master int) (*os.File, error) {
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		return nil, err
	}
	fd, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(master), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC)
	if errno != 0 {
		return nil, errno
	}
	return os.NewFile(fd, "pts"), nil
}

// signal sends a signal to the first process, and says whether it is there.
func (j *Jail) signal(sig unix.Signal) error {
	rc, err := j.init.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := rc.Control(func(fd uintptr) { sent = unix.PidfdSendSignal(int(fd), sig, nil, 0) }); err != nil {
		return err
	}
	return sent
}
