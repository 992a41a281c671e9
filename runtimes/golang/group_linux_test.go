package golang_test

import (
	"fmt"
	"testing"

	"golang.org/x/sys/unix"
)

func TestGroupDies(t *testing.T) {
	t.Parallel()
	c := start(t)
	o := c.run(`cmd := exec.Command("sleep", "300"); cmd.Start(); cmd.Process.Pid`)
	var pid int
	if _, err := fmt.Sscan(o.result, &pid); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	_ = c.kernel.Conn.Close()
	<-c.kernel.Process.Done()
	// Readable once the child has ended; nobody may reap it.
	fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	if n, err := unix.Poll(fds, int(patience.Milliseconds())); n != 1 {
		t.Errorf("the child of the kernel is alive: %v", err)
	}
}
