package chaos_test

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/e2e/program"
)

// clockVar says that this machine's clock may be set. setup/vm.sh does, in its virtual
// machine.
const clockVar = "HOTCELL_TEST_CLOCK"

// TestClock: the machine's clock is set while clients are at work, far ahead, far back
// and right again.
func TestClock(t *testing.T) {
	if os.Getenv(clockVar) == "" {
		t.Skip("it sets the clock of this machine: setup/vm.sh runs it in another")
	}
	p := program.StartWith(t, nil, "--isolation", "auto", "--idle-timeout", "45m", "--context-lifetime", "45m",
		"--sandbox-idle", "45m", "--sandbox-lifetime", "45m", "--retention", "45m")
	began := time.Now()
	watch := newWatch(p)
	c := newCrowdOf(t, p, *seed, 2, false, "go")
	c.jumps = true
	t.Cleanup(func() { setClock(t, began, 0) })
	c.until(10)
	const year = 365 * 24 * time.Hour
	for range 3 {
		for _, by := range []time.Duration{time.Hour, -time.Hour, year, -year, 0} {
			setClock(t, began, by)
			c.until(10)
			watch.look()
		}
	}
	c.finish()
	c.settle(p, "CONTEXT_CLOSED", "NOT_FOUND") // of contexts that their clients delete
	watch.clear(t, c)
}

// setClock puts the machine's clock so far away from the right time, which is what has
// passed since it was right.
func setClock(t *testing.T, right time.Time, by time.Duration) {
	t.Helper()
	to := unix.NsecToTimespec(right.Round(0).Add(time.Since(right) + by).UnixNano())
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &to); err != nil {
		t.Fatal(err)
	}
	t.Logf("after %s the clock is off by %s", time.Since(right).Round(time.Second), by)
}
