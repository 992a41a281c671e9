package isolation_test

import (
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/e2e/program"
)

// TestKilledServer leaves nothing behind, whatever was done to be left.
func TestKilledServer(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			p := program.Start(t, "--isolation", string(mode))
			status := exec.Command(p.Path, "status", "--url", p.URL)
			status.Env = []string{"HOTCELL_API_KEY=" + p.Key, "HOME=" + t.TempDir()}
			if said, err := status.Output(); err != nil || !regexp.MustCompile(`isolation +`+string(mode)+` .*network: host`).Match(said) {
				t.Errorf("%v %s", err, said)
			}
			// Each has the same odd number in its arguments, by which it is found.
			mark := fmt.Sprintf("600.%d", p.Pid)
			text := strings.ReplaceAll("sleep MARK & setsid sleep MARK & (setsid sh -c 'sleep MARK & sleep MARK' &) & wait", "MARK", mark)
			cmd := exec.Command(p.Path, "exec", "--url", p.URL, "--", "sh", "-c", text)
			cmd.Env = []string{"HOTCELL_API_KEY=" + p.Key, "HOME=" + t.TempDir()}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() { _ = cmd.Wait() }()
			defer func() { _ = cmd.Process.Kill() }()
			var left []unix.PollFd
			for deadline := time.Now().Add(time.Minute); len(left) < 4; {
				if time.Now().After(deadline) {
					t.Fatal("the command has not started what it should")
				}
				left = left[:0]
				out, _ := exec.Command("pgrep", "-fx", "sleep "+mark).Output()
				for number := range strings.FieldsSeq(string(out)) {
					pid, _ := strconv.Atoi(number)
					if fd, err := unix.PidfdOpen(pid, 0); err == nil {
						defer unix.Close(fd)
						left = append(left, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
					}
				}
			}
			p.Kill(t)
			for i := range left {
				n, err := unix.Poll(left[i:i+1], 10_000)
				for errors.Is(err, unix.EINTR) {
					n, err = unix.Poll(left[i:i+1], 10_000)
				}
				if n != 1 {
					t.Errorf("one is left: %v", err)
				}
			}
		})
	}
}
