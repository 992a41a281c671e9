package clock_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hotcell/internal/clock"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func broken(t *testing.T) func(error) {
	t.Helper()
	return func(err error) { t.Error(err) }
}

// again sets the clock to what it says already, which is a setting all the same.
func again(t *testing.T) {
	t.Helper()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &now); err != nil {
		t.Fatal(err)
	}
	if err := unix.ClockSettime(unix.CLOCK_REALTIME, &now); err != nil {
		t.Skip("the clock can't be set here:", err)
	}
}

func TestSet(t *testing.T) {
	told := make(chan struct{}, 1)
	w, err := clock.Watch(func() {
		select {
		case told <- struct{}{}:
		default:
		}
	}, broken(t))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	heard := func() {
		t.Helper()
		select {
		case <-told:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody was told")
		}
	}
	for range 3 {
		again(t)
		heard()
	}
	for range 2000 { // some of them between its being read and being armed again
		again(t)
	}
	heard()
	for len(told) > 0 {
		<-told
	}
	again(t)
	heard()
}

func TestClose(t *testing.T) {
	w, err := clock.Watch(func() {}, broken(t))
	if err != nil {
		t.Fatal(err)
	}
	w.Close()
	w.Close()
	(*clock.Watcher)(nil).Close()
}
