package clock

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// never is a time that no clock is set to: the kernel counts it in nanoseconds, which end in 2262.
const never = 9_000_000_000

// Watch has set called after the machine's clock was set, and after the machine has slept.
// Several times in a row may be one call. What ends the watch but Close is given to lost.
func Watch(set func(), lost func(error)) (*Watcher, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("make a timer: %w", err)
	}
	timer := os.NewFile(uintptr(fd), "clock")
	if err := arm(fd); err != nil {
		return nil, errors.Join(err, timer.Close())
	}
	w := &Watcher{stop: func() { _ = timer.Close() }}
	// Ends with the timer.
	w.wg.Go(func() {
		var expirations [8]byte
		for {
			_, err := timer.Read(expirations[:])
			if err == nil || errors.Is(err, unix.ECANCELED) {
				// First, so that what is set from here on is told of once more.
				err = control(timer)
			}
			if err != nil {
				if !errors.Is(err, os.ErrClosed) {
					lost(err)
				}
				return
			}
			set()
		}
	})
	return w, nil
}

// control arms the timer again, unless it was closed.
func control(timer *os.File) error {
	raw, err := timer.SyscallConn()
	if err != nil {
		return fmt.Errorf("reach the timer: %w", err)
	}
	var armed error
	return errors.Join(raw.Control(func(fd uintptr) { armed = arm(int(fd)) }), armed) //nolint:gosec // a descriptor
}

// arm makes a timer that only ends when the clock is set. If that was done since it was read,
// the kernel says so, and arms it all the same.
func arm(fd int) error {
	at := unix.ItimerSpec{Value: unix.Timespec{Sec: never}}
	err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &at, nil)
	if err != nil && !errors.Is(err, unix.ECANCELED) {
		return fmt.Errorf("set a timer: %w", err)
	}
	return nil
}
