package clock_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hotcell/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestSet sets the clock to what it says already, which is a setting all the same.
func TestSet(t *testing.T) {
	told := make(chan struct{}, 1)
	w, err := clock.Watch(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for range 3 {
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
			t.Fatal(err)
		}
		if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
			t.Skip("the clock can't be set here:", err)
		}
		select {
		case <-told:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody was told")
		}
	}
}

func TestClose(t *testing.T) {
	w, err := clock.Watch(func() {})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	(*clock.Watcher)(nil).Close()
}
