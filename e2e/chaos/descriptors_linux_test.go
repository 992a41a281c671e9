package chaos_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
)

// TestDescriptors: a server that has no descriptors left tells those who come, what
// runs ends truthfully, and when there are some again everything works.
func TestDescriptors(t *testing.T) {
	long(t)
	p := program.StartWith(t, nil, "--isolation", "auto")
	watch := newWatch(p)
	c := newCrowd(t, p, *seed, 3, false)
	r := random()
	var usual unix.Rlimit
	if err := unix.Prlimit(p.Pid, unix.RLIMIT_NOFILE, nil, &usual); err != nil {
		t.Skipf("no limit can be set: %v", err)
	}
	at, err := url.Parse(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		c.until(15)
		i := c.l.struck(strike{at: time.Now(), what: hitDescriptors})
		few := usual
		few.Cur = uint64(procs.DescriptorsOf(p.Pid) + r.IntN(8))
		if err := unix.Prlimit(p.Pid, unix.RLIMIT_NOFILE, &few, nil); err != nil {
			t.Fatal(err)
		}
		var idle []net.Conn // who want nothing but to be there
		for range 12 {
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", at.Host)
			if err == nil {
				idle = append(idle, conn)
			}
		}
		c.refused(8)
		if err := unix.Prlimit(p.Pid, unix.RLIMIT_NOFILE, &usual, nil); err != nil {
			t.Fatal(err)
		}
		for _, conn := range idle {
			conn.Close()
		}
		c.l.lasted(i)
	}
	c.until(30)
	c.finish()
	c.settle(p, "CONTEXT_CLOSED", "NOT_FOUND", "NO_ROOM", "RUNTIME_START_FAILED", "SANDBOX_ENDED")
	watch.clear(t, c)
}
