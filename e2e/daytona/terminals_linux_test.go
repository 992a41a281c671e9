package daytona_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// TestTerminalsLeaveNothing counts after many clients have come and gone.
func TestTerminalsLeaveNothing(t *testing.T) {
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	run := func(i int) {
		w := watchPTY(t, s, ptyPath+fmt.Sprintf("/create-connect?id=%d", i), nil)
		other := watchPTY(t, s, ptyPath+fmt.Sprintf("/%d/connect", i), nil)
		w.enters("sleep 600 &")
		_ = other.conn.Close()
		w.enters("exit")
		w.end()
		_ = w.conn.Close()
	}
	run(0)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	before := procs.Descriptors()
	for i := range 30 {
		run(i)
	}
	if err := procs.Eventually(ctx, func() error {
		// A few are the kernels' that are parked meanwhile; a leak would be 30.
		if after := procs.Descriptors(); after > before+10 {
			return fmt.Errorf("%d descriptors became %d", before, after)
		}
		for _, p := range procs.Descendants(os.Getpid()) {
			if p.Name == "bash" || p.Name == "sleep" {
				return fmt.Errorf("process %d (%s) is left", p.Pid, p.Name)
			}
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
}
