package interpreter_test

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"hotcell/internal/wire"
	"hotcell/interpreter"
)

func TestCloseKillsTheTree(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	var pids, fds []int
	for _, verb := range []string{"grandchild", "stray"} {
		pid, err := strconv.Atoi(strings.TrimSpace(find(run(t, in, verb), wire.EventStdout).Text))
		if err != nil {
			t.Fatal(err)
		}
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			t.Fatal(err)
		}
		pids, fds = append(pids, pid), append(fds, fd)
	}
	in.Close(interpreter.Deleted())
	for i, pid := range pids {
		if n, err := unix.Poll([]unix.PollFd{{Fd: int32(fds[i]), Events: unix.POLLIN}}, 2000); n != 1 {
			t.Errorf("process %d is left: %v", pid, err)
		}
		_ = unix.Close(fds[i])
	}
}
