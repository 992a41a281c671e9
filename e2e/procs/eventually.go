// Package procs looks at processes and descriptors from outside, for tests
// that check that none is left.
package procs

import (
	"context"
	"time"
)

// Eventually asks again and again until holds has no complaint, for what the
// system tells nobody about. The error is the last complaint.
func Eventually(ctx context.Context, holds func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
