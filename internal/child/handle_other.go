//go:build !linux

package child

import (
	"errors"
	"os/exec"
	"syscall"
)

// handle holds a process by its number. Elsewhere than on Linux there is no
// pidfd; the number stays valid until wait reaps it, which happens under the
// same lock as the signals.
type handle struct{ pid int }

func (h *handle) prepare(cmd *exec.Cmd, spec Spec) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: spec.Terminal} // whose descriptor is 0, stdin
}

func (h *handle) start(cmd *exec.Cmd) error {
	if err := cmd.Start(); err != nil {
		return err
	}
	h.pid = cmd.Process.Pid
	return nil
}

func (h *handle) awaitExit() bool { return false }
func (h *handle) close()          {}

func (h *handle) sweep() strays {
	_ = h.signal(syscall.SIGKILL)
	return strays{}
}

// strays are not known here.
type strays struct{}

func (strays) bury() {}

func (h *handle) signal(sig syscall.Signal) error {
	if err := syscall.Kill(-h.pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}
