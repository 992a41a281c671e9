package e2b_test

import (
	"context"
	"os"
	"runtime"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

// descriptors is how many this process has.
func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// Clients that hang up leave nothing behind. It runs alone: others have
// descriptors of their own.
func TestNothingIsLeft(t *testing.T) {
	s := testserver.Start(t)
	leave := func() {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		first(t, start(t, ctx, s.E2BURL, cell("print('on', flush=True)\nimport time\ntime.sleep(600)")))
	}
	for range 3 {
		leave()
		run(t, s.E2BURL, cell("1"))
	}
	before, goroutines := descriptors(t), runtime.NumGoroutine()
	for range 40 {
		leave()
		run(t, s.E2BURL, cell("1"))
	}
	deadline := time.Now().Add(10 * time.Second)
	for descriptors(t) > before+4 || runtime.NumGoroutine() > goroutines+8 {
		if time.Now().After(deadline) {
			t.Fatalf("%d descriptors, before %d; %d goroutines, before %d", descriptors(t), before, runtime.NumGoroutine(), goroutines)
		}
		runtime.Gosched()
	}
}
