package faults_test

import (
	"context"
	"testing"
	"time"

	"hotcell/e2e/clients"
)

const (
	// disturbance is by how much another context may be delayed.
	disturbance = 50 * time.Millisecond
	// quietRuns are measured while nothing happens.
	quietRuns = 100
	// tries are for a machine that other programs disturb, too: what the
	// server does to a neighbour, it does every time. From the second on the
	// quiet lasts as long as the fault did.
	tries = 5
)

// neighbour is another context, which runs tiny cells all the time.
type neighbour struct {
	l  language
	cx clients.Context
}

func newNeighbour(t *testing.T, c clients.Client, l language) *neighbour {
	t.Helper()
	cx, err := c.Open(t.Context(), clients.Options{Language: l.name})
	if err != nil {
		t.Fatalf("create the neighbour: %v", err)
	}
	return &neighbour{l: l, cx: cx}
}

func (n *neighbour) leave(t *testing.T) {
	t.Helper()
	if err := n.cx.Delete(t.Context()); err != nil {
		t.Errorf("delete the neighbour: %v", err)
	}
}

// disturbed plays a fault while the neighbour works.
func (n *neighbour) disturbed(t *testing.T, play func() (told string, err error)) {
	t.Helper()
	var worst, quiet, lasted time.Duration
	for range tries {
		began := time.Now()
		quiet = n.works(t, func(runs int) bool { return runs >= quietRuns && time.Since(began) >= lasted })
		began = time.Now()
		over := make(chan error, 1)
		var told string
		go func() { // ends with the fault, which is awaited below
			var err error
			told, err = play()
			over <- err
		}()
		var err error
		ended := false
		worst = n.works(t, func(int) bool {
			select {
			case err = <-over:
				ended = true
			default:
			}
			return ended
		})
		lasted = time.Since(began)
		t.Logf("%s; a neighbour waited for %s, quietly %s", told, worst, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if worst <= quiet+disturbance {
			return
		}
	}
	t.Errorf("another context waited for %s; without the fault it was %s at most", worst, quiet)
}

// works runs cells until enough says so, and returns the longest wait.
func (n *neighbour) works(t *testing.T, enough func(runs int) bool) (longest time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	for runs := 0; !enough(runs); runs++ {
		began := time.Now()
		r, err := n.cx.Start(ctx, clients.Cell{Code: n.l.quick})
		if err != nil {
			t.Fatalf("the neighbour: %v", err)
		}
		if o, err := r.Wait(ctx); err != nil || o.Status != "ok" {
			t.Fatalf("the neighbour: %v %s", err, o)
		}
		longest = max(longest, time.Since(began))
	}
	return longest
}
