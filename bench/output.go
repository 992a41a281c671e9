package main

import (
	"context"
	"errors"
	"time"
)

// output is 50 MB to one client, all of which has to arrive.
func output(ctx context.Context, l *lab, _ int) error {
	return errors.Join(l.nativeFlood(), l.rivalFlood(), l.daytonaFlood(ctx), l.bareFlood(ctx))
}

// flooded records how fast the flood was.
func (l *lab) flooded(name string, took time.Duration, hashes int) error {
	if err := expect("characters of output that arrived", hashes, floodHashes); err != nil {
		return err
	}
	l.samples.Add(name, floodMB/took.Seconds())
	return nil
}

func (l *lab) nativeFlood() error {
	k, err := l.warm.native.create("python")
	if err != nil {
		return err
	}
	t, err := l.warm.native.run(k.ID, floodCode())
	if err == nil {
		err = l.flooded("flood.native", t.took, t.hashes)
	}
	return errors.Join(err, l.warm.native.remove(k.ID))
}

func (l *lab) daytonaFlood(ctx context.Context) error {
	id, _, err := l.warm.daytona.create(ctx, "python")
	if err != nil {
		return err
	}
	r, err := l.warm.daytona.run(ctx, id, floodCode())
	if err == nil {
		err = l.flooded("flood.daytona", r.control, r.hashes)
	}
	return errors.Join(err, l.warm.daytona.remove(ctx, id))
}

func (l *lab) rivalFlood() error {
	name, err := l.steadyKernel()
	if err != nil {
		return err
	}
	a, err := l.askRival("", "output", map[string]any{"name": name, "code": floodCode()})
	if err != nil {
		return err
	}
	return l.flooded("flood.ipykernel", time.Duration(a.Seconds[0]*float64(time.Second)), a.Hashes)
}

func (l *lab) bareFlood(ctx context.Context) error {
	took, err := l.floor.flood(ctx)
	if err == nil {
		l.samples.Add("flood.copy", floodMB/took.Seconds())
	}
	return err
}
