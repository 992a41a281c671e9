package clock_test

import (
	"testing"
	"time"

	"hotcell/e2e/clock"
)

// TestSet: should Go keep its times in another way one day, this says so.
func TestSet(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{time.Hour, -time.Hour, 365 * 24 * time.Hour, -365 * 24 * time.Hour} {
		var c clock.Clock
		before := c.Now()
		c.Set(by)
		after := c.Now()
		if passed := after.Sub(before); passed < 0 || passed > time.Minute {
			t.Errorf("%s: %s have passed", by, passed)
		}
		if jump := after.Round(0).Sub(before.Round(0)); jump < by || jump > by+time.Minute {
			t.Errorf("%s: the time of day has jumped by %s", by, jump)
		}
	}
}
