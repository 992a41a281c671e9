package faults_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
)

// TestNative runs the faults one after another in the real program, so that
// what a neighbour notices can be measured, and then counts what is left.
func TestNative(t *testing.T) {
	p := program.Start(t)
	c := &clients.Native{URL: p.URL, Key: p.Key}
	for _, l := range languages() {
		if _, err := play(t.Context(), c, l, fault{name: "none", code: l.pid}); err != nil {
			t.Fatalf("%s without any fault: %v", l.name, err)
		}
	}
	for _, l := range languages() {
		t.Run(l.name, func(t *testing.T) {
			before := settled(t, p)
			n := newNeighbour(t, c, l)
			for _, f := range l.faults {
				t.Run(f.name, func(t *testing.T) { n.disturbed(t, func() (string, error) { return play(t.Context(), c, l, f) }) })
			}
			n.leave(t)
			before.compare(t, p)
		})
	}
}

// TestDaytona runs the same through the other dialect, all languages side by side:
// their clients wait most of the time.
func TestDaytona(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	var beside sync.WaitGroup
	defer beside.Wait()
	for _, l := range languages() {
		c := &clients.Daytona{URL: s.URL, Key: s.Key}
		id, err := c.CreateSandbox(t.Context(), l.name)
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		c.Sandbox = id
		beside.Go(func() { // ends with its faults; joined above
			t.Run(l.name, func(t *testing.T) { others(t, c, l) })
		})
	}
}

// others are the faults that the other protocol has.
func others(t *testing.T, c clients.Client, l language) {
	t.Helper()
	for _, f := range l.faults {
		if f.interrupt {
			continue // it has none
		}
		t.Run(f.name, func(t *testing.T) {
			told, err := play(t.Context(), c, l, f)
			t.Log(told)
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// balance is what the server has at a moment when nothing runs.
type balance struct{ descriptors, processes int }

func count(p *program.Program) balance {
	return balance{procs.DescriptorsOf(p.Pid), len(procs.Descendants(p.Pid))}
}

// settled counts once the kernels are parked again: for a second nothing has
// changed then. What is made at first use must be there already.
func settled(t *testing.T, p *program.Program) balance {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	last, same := balance{}, 0
	err := procs.Eventually(ctx, func() error {
		now := count(p)
		if now != last {
			last, same = now, 0
		}
		if same++; same < 100 {
			return fmt.Errorf("it changes still: %+v", now)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last
}

// compare waits for what ends by itself, such as connections that were closed.
func (b balance) compare(t *testing.T, p *program.Program) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err := procs.Eventually(ctx, func() error {
		if now := count(p); now.descriptors > b.descriptors || now.processes > b.processes {
			return fmt.Errorf("before %+v, now %+v: %s %+v", b, now, procs.Listing(p.Pid), procs.Descendants(p.Pid))
		}
		return nil
	})
	if err != nil {
		t.Errorf("something is left: %v", err)
	}
}
