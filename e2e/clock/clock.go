// Package clock is a clock that can be set, for tests. It does what the system's does
// when somebody sets it: the time of day jumps, and what has passed since another
// moment, which Go measures apart from that, does not.
package clock

import (
	"sync/atomic"
	"time"
	"unsafe"
)

// Clock tells the time. The zero value is right.
type Clock struct{ off atomic.Int64 } // seconds

// Set puts it so far away from the right time.
func (c *Clock) Set(by time.Duration) { c.off.Store(int64(by / time.Second)) }

// Now is the time by this clock.
func (c *Clock) Now() time.Time {
	t := time.Now()
	// A time with a monotonic reading has its seconds in the upper bits of its first
	// word, above 30 bits of nanoseconds (time.Time's own comment). Nothing of package
	// time changes them alone.
	wall := (*uint64)(unsafe.Pointer(&t))
	*wall += uint64(c.off.Load()) << 30
	return t
}
