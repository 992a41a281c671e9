package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// lives is how many contexts of each kind live in a round. ipykernel's take
	// seconds each, so one is all there is time for.
	lives = 4
	// refill is ample for a server to park another kernel.
	refill = 60 * time.Millisecond
	// stirs is how many runs there are before a context that a server in use is asked for.
	stirs = 30
)

// lifecycle creates, uses and deletes contexts of every kind.
func lifecycle(ctx context.Context, l *lab, _ int) error {
	rest := func() error { return pause(ctx, refill) }
	return errors.Join(
		each(ctx, lives, func() error { return l.nativeLife(l.warm, "parked", rest) }),
		l.busyLife(ctx, l.warm, "parked, in use"),
		l.echoLife(ctx),
		l.rivalLife(ctx),
		each(ctx, lives, func() error { return l.daytonaLife(ctx, l.warm, "parked", rest) }),
		l.busyLife(ctx, l.cold, "fresh, in use"),
		each(ctx, lives, func() error { return l.nativeLife(l.cold, "fresh", rest) }),
		each(ctx, lives, func() error { return l.daytonaLife(ctx, l.cold, "fresh", rest) }),
	)
}

// busyLife is the life of contexts that are asked for while the server has other things to do,
// instead of after a rest.
func (l *lab) busyLife(ctx context.Context, b *bench, kind string) error {
	k, err := b.native.create("python")
	if err != nil {
		return err
	}
	stir := func() error {
		if err := pause(ctx, refill); err != nil {
			return err
		}
		return each(ctx, stirs, func() error {
			_, err := b.native.run(k.ID, onePlusOne)
			return err
		})
	}
	return errors.Join(
		each(ctx, lives, func() error { return l.nativeLife(b, kind, stir) }),
		each(ctx, lives, func() error { return l.daytonaLife(ctx, b, kind, stir) }),
		b.native.remove(k.ID),
	)
}

// nativeLife is a context of Python's from its making to its end, over the
// native socket.
func (l *lab) nativeLife(b *bench, kind string, before func() error) error {
	if err := before(); err != nil {
		return err
	}
	k, err := b.native.create("python")
	if err != nil {
		return err
	}
	made := b.native.s.took()
	t, err := b.native.run(k.ID, imported)
	l.add("made.native."+kind, made)
	l.add("create.native."+kind, made+t.took)
	if err == nil {
		err = expect("the value of the first run", t.result, "2")
	}
	if err != nil {
		return err
	}
	if t, err = b.native.run(k.ID, plotCode); err != nil {
		return fmt.Errorf("plot: %w", err)
	}
	if t.picture == 0 {
		return errors.New("plot: no picture came")
	}
	l.add("plot", t.picture)
	err = b.native.remove(k.ID)
	l.add("delete", b.native.s.took())
	return err
}

// daytonaLife is the same as the Daytona SDKs do it.
func (l *lab) daytonaLife(ctx context.Context, b *bench, kind string, before func() error) error {
	if err := before(); err != nil {
		return err
	}
	id, made, err := b.daytona.create(ctx, "python")
	if err != nil {
		return err
	}
	r, err := b.daytona.run(ctx, id, imported)
	if err != nil {
		return err
	}
	l.add("create.daytona."+kind, made+r.done)
	return b.daytona.remove(ctx, id)
}

// echoLife is what the least of servers takes after as much rest: in a virtual machine
// that is several times what it takes when it is busy.
func (l *lab) echoLife(ctx context.Context) error {
	echo, err := dial(ctx, l.floor.url+"/echo", "")
	if err != nil {
		return err
	}
	defer echo.close()
	return each(ctx, lives, func() error {
		if err := pause(ctx, refill); err != nil {
			return err
		}
		took, err := l.floor.echo(echo)
		l.add("create.echo", took)
		return err
	})
}

// rivalLife is the same with ipykernel, and with a Python that only imports.
func (l *lab) rivalLife(ctx context.Context) error {
	const name = "life"
	_, err := l.askRival("create.ipykernel", "start", map[string]any{"name": name, "code": imported})
	if err != nil {
		return err
	}
	_, plot := l.askRival("plot.ipykernel", "plot", map[string]any{"name": name, "code": plotCode})
	_, stop := l.askRival("delete.ipykernel", "stop", map[string]any{"name": name})
	took, fork := l.floor.fork(ctx, l.jupyter, "-c", imported)
	if fork == nil {
		l.add("create.python", took)
	}
	return errors.Join(plot, stop, fork)
}

// others creates contexts of the other languages.
func others(ctx context.Context, l *lab, _ int) error {
	var errs []error
	for _, language := range []string{"typescript", "go"} {
		err := each(ctx, lives, func() error { return l.otherLife(ctx, language) })
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", language, err))
		}
	}
	return errors.Join(errs...)
}

func (l *lab) otherLife(ctx context.Context, language string) error {
	if err := pause(ctx, refill); err != nil {
		return err
	}
	k, err := l.cold.native.create(language)
	if err != nil {
		return err
	}
	made := l.cold.native.s.took()
	t, err := l.cold.native.run(k.ID, onePlusOne)
	l.add("create."+language, made+t.took)
	if err == nil {
		err = expect("the value of 1+1", t.result, "2")
	}
	for range lives {
		if err == nil {
			t, err = l.cold.native.run(k.ID, onePlusOne)
			l.add("run."+language, t.took)
		}
	}
	return errors.Join(err, l.cold.native.remove(k.ID))
}
