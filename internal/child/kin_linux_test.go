package child_test

import (
	"bufio"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// TestEndKinWaits for the first process of a namespace, which seems to sleep until the
// last one inside was reaped, by whoever is outside.
func TestEndKinWaits(t *testing.T) {
	t.Parallel()
	first := exec.Command("sleep", "600")
	first.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	if err := first.Start(); err != nil {
		t.Skipf("no namespace can be made: %v", err)
	}
	ended := make(chan struct{})
	go func() { // ends with it
		_ = first.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = first.Process.Kill()
		<-ended
	})
	// It starts one inside, and reaps nobody.
	outside := exec.Command("nsenter", "-t", strconv.Itoa(first.Process.Pid), "-p", "-F", "sh", "-c", "sleep 600 >&- & echo; exec sleep 600 >&-")
	out, err := outside.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := outside.Start(); err != nil {
		t.Skipf("nobody can enter it: %v", err)
	}
	end := func() {
		_ = outside.Process.Kill()
		_ = outside.Wait()
	}
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		end()
		t.Skipf("nobody can enter it: %v", err)
	}
	mark := uint64(1<<61 | 12345<<30)
	if err := unix.Prlimit(first.Process.Pid, unix.RLIMIT_LOCKS, &unix.Rlimit{Cur: mark | 7, Max: unix.RLIM_INFINITY}, nil); err != nil {
		end()
		t.Skipf("it can't be marked: %v", err)
	}
	// Longer than anything else takes to end. What the first one waits for is another's.
	late := time.AfterFunc(1500*time.Millisecond, end)
	defer late.Stop()
	if n := child.EndKin(child.Kin{Mark: mark, Boot: child.OwnKin().Boot, Pid: 1 << 30, Start: 1}); n != 1 {
		t.Errorf("%d were killed", n)
	}
	if late.Stop() {
		end()
		t.Error("it did not wait")
	}
	<-ended
}
