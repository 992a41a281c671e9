package main

import (
	"context"
	"errors"
	"time"
)

const (
	// runs is how many there are of each kind in a round.
	runs = 40
	// turns is how often the kinds take turns in a round.
	turns = 4
)

// singleRuns runs 1+1 in contexts that exist, in every way that there is.
func singleRuns(ctx context.Context, l *lab, _ int) error {
	id, _, err := l.warm.daytona.create(ctx, "python")
	if err != nil {
		return err
	}
	defer func() { _ = l.warm.daytona.remove(ctx, id) }()
	name, err := l.steadyKernel()
	if err != nil {
		return err
	}
	echo, err := dial(ctx, l.floor.url+"/echo", "")
	if err != nil {
		return err
	}
	defer echo.close()
	return each(ctx, turns, func() error {
		_, again := l.askRival("run.ipykernel.new", "reconnect", map[string]any{"name": name, "code": onePlusOne})
		_, open := l.askRival("run.ipykernel", "run", map[string]any{"name": name, "code": onePlusOne, "count": runs / turns})
		return errors.Join(again, open,
			each(ctx, runs/turns, func() error { return l.daytonaRun(ctx, id) }),
			each(ctx, runs/turns, func() error { return l.nativeRun(id) }),
			each(ctx, runs/turns, func() error { return l.echoRun(ctx, echo) }),
		)
	})
}

func (l *lab) daytonaRun(ctx context.Context, id string) error {
	r, err := l.warm.daytona.run(ctx, id, onePlusOne)
	if err == nil {
		l.add("run.daytona", r.closed)
		l.add("run.daytona.control", r.control)
	}
	return err
}

func (l *lab) nativeRun(id string) error {
	t, err := l.warm.native.run(id, onePlusOne)
	if err == nil {
		err = expect("the value of 1+1", t.result, "2")
	}
	if err == nil {
		l.add("run.native", t.took)
	}
	return err
}

func (l *lab) echoRun(ctx context.Context, echo *socket) error {
	took, err := l.floor.echo(echo)
	if err != nil {
		return err
	}
	l.add("run.echo", took)
	if took, err = l.floor.visit(ctx); err == nil {
		l.add("run.visit", took)
	}
	return err
}

// inARow is many runs one after another, each over a socket of its own.
func inARow(ctx context.Context, l *lab, _ int) error {
	id, _, err := l.warm.daytona.create(ctx, "python")
	if err != nil {
		return err
	}
	defer func() { _ = l.warm.daytona.remove(ctx, id) }()
	began := time.Now()
	err = each(ctx, tinyRuns, func() error {
		_, err := l.warm.daytona.run(ctx, id, onePlusOne)
		return err
	})
	if err == nil {
		l.samples.Add("row", time.Since(began).Seconds())
	}
	name, rival := l.steadyKernel()
	if rival == nil {
		began = time.Now()
		_, rival = l.askRival("", "run", map[string]any{"name": name, "code": onePlusOne, "count": tinyRuns})
		l.samples.Add("row.ipykernel", time.Since(began).Seconds())
	}
	return errors.Join(err, rival)
}
