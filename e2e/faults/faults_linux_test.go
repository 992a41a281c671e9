package faults_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// TestNative runs the faults one after another, so that what a neighbour
// notices can be measured, and then counts what is left.
func TestNative(t *testing.T) {
	s := testserver.Start(t)
	c := &clients.Native{URL: s.URL, Key: s.Key}
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			before := count(t, s)
			n := newNeighbour(t, c, l)
			for _, f := range l.faults {
				t.Run(f.name, func(t *testing.T) { n.disturbed(t, func() (string, error) { return play(t.Context(), c, l, f) }) })
			}
			n.leave(t)
			before.compare(t, s)
		})
	}
}

// TestDaytona runs the same through the other dialect, side by side.
func TestDaytona(t *testing.T) {
	s := testserver.Start(t)
	for _, l := range languages() {
		c := &clients.Daytona{URL: s.URL, Key: s.Key}
		id, err := c.CreateSandbox(t.Context(), l.name)
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		c.Sandbox = id
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			for _, f := range l.faults {
				if f.interrupt {
					continue // the protocol has none
				}
				t.Run(f.name, func(t *testing.T) {
					told, err := play(t.Context(), c, l, f)
					t.Log(told)
					if err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// balance is what the server has at a moment when nothing runs.
type balance struct{ descriptors, processes int }

func count(t *testing.T, s *testserver.Server) balance {
	t.Helper()
	s.Contexts.Warm(t.Context())
	return balance{procs.Descriptors(), len(procs.Descendants(os.Getpid()))}
}

// compare waits for what ends by itself, such as connections that were closed.
func (b balance) compare(t *testing.T, s *testserver.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	err := procs.Eventually(ctx, func() error {
		if now := count(t, s); now.descriptors > b.descriptors || now.processes > b.processes {
			return fmt.Errorf("before %+v, now %+v: %s %+v", b, now, procs.Listing(os.Getpid()), procs.Descendants(os.Getpid()))
		}
		return nil
	})
	if err != nil {
		t.Errorf("something is left: %v", err)
	}
}
