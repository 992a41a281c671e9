package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// fleet creates many contexts at once and runs many cells on them.
func fleet(ctx context.Context, l *lab, round int) error {
	ids := make([]string, fleetSize)
	began := time.Now()
	err := atOnce(fleetSize, func(i int) (err error) {
		ids[i], _, err = l.warm.daytona.create(ctx, "python")
		return err
	})
	if err != nil {
		return fmt.Errorf("create contexts: %w", err)
	}
	l.samples.Add("fleet.create", time.Since(began).Seconds())

	began = time.Now()
	err = atOnce(fleetSize, func(i int) error {
		return each(ctx, fleetRuns/fleetSize, func() error {
			_, err := l.warm.daytona.run(ctx, ids[i], onePlusOne)
			return err
		})
	})
	if err == nil {
		l.samples.Add("fleet.runs", fleetRuns/time.Since(began).Seconds())
		began = time.Now()
		if err = l.warm.native.many(ids, fleetRuns, onePlusOne); err == nil {
			l.samples.Add("fleet.native", fleetRuns/time.Since(began).Seconds())
		}
	}
	remove := atOnce(fleetSize, func(i int) error { return l.warm.daytona.remove(ctx, ids[i]) })
	if err = errors.Join(err, remove); err != nil || round != 1 {
		return err
	}
	// Fifty ipykernels take half a minute, so only one round has them.
	a, err := l.askRival("", "fleet", map[string]any{"kernels": fleetSize, "runs": fleetRuns, "code": onePlusOne})
	if err == nil {
		l.samples.Add("fleet.create.ipykernel", a.Seconds[0])
		l.samples.Add("fleet.runs.ipykernel", fleetRuns/a.Seconds[1])
	}
	return err
}

// atOnce runs f count times, side by side. Of many failures one is enough.
func atOnce(count int, f func(i int) error) error {
	var wg sync.WaitGroup
	errs := make([]error, count)
	for i := range count {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return cmp.Or(errs...)
}

// many runs code count times, spread over contexts, all over this one socket.
// It sends and reads at the same time: whoever only sends may wait for ever.
func (n *native) many(ids []string, count int, code string) error {
	send := func() error {
		for i := range count {
			err := n.s.send(map[string]any{"id": i, "type": "execute", "context": ids[i%len(ids)], "code": code})
			if err != nil {
				return err
			}
		}
		return nil
	}
	follow := func() error {
		for done := 0; done < count; {
			raw, err := n.s.next()
			if err != nil {
				return fmt.Errorf("follow the runs: %w", err)
			}
			var m message
			if err := json.Unmarshal(raw, &m); err != nil {
				return fmt.Errorf("decode a message: %w", err)
			}
			var t told
			over, err := t.take(m, 0)
			if err != nil {
				return err
			}
			if over {
				done++
			}
		}
		return nil
	}
	return atOnce(2, func(i int) error { return []func() error{send, follow}[i]() })
}
