package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"hotcell/bench/report"
)

// programs are what is measured.
type programs struct {
	self    string // this program
	hotcell string
	python  string // for hotcell's kernels; empty: what the server finds
	jupyter string // the Python that has ipykernel
	// isolation is what is around the server's sandboxes; empty: what it is by default.
	isolation string
}

// lab is everything that is running while a benchmark is.
type lab struct {
	programs
	dir     string
	log     *slog.Logger
	samples *report.Samples

	servers []*server
	warm    *bench // parks kernels, as a server does by default
	cold    *bench // starts each kernel when it is asked for
	rival   *ipykernel
	floor   *floor
	faults  []error

	steady bool // the rival's kernel of that name runs
}

// bench is a server with a client of either dialect.
type bench struct {
	*server
	daytona *daytona
	native  *native
}

// setUp starts all that most scenarios need.
func setUp(ctx context.Context, p programs, dir string, log *slog.Logger) (*lab, error) {
	l := &lab{programs: p, dir: dir, log: log, samples: &report.Samples{}}
	err := l.start(ctx)
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

func (l *lab) start(ctx context.Context) (err error) {
	if l.warm, err = l.open(ctx, "warm"); err != nil {
		return err
	}
	if l.cold, err = l.open(ctx, "cold", "--warm", "0"); err != nil {
		return err
	}
	if l.rival, err = startIpykernel(ctx, l.jupyter, filepath.Join(l.dir, "ipykernel")); err != nil {
		return err
	}
	l.floor, err = startFloor(ctx, l.self)
	return err
}

// open starts a server and connects to it.
func (l *lab) open(ctx context.Context, name string, flags ...string) (*bench, error) {
	if l.isolation != "" {
		flags = append(flags, "--isolation", l.isolation)
	}
	s, err := startServer(ctx, l.hotcell, l.python, filepath.Join(l.dir, name), flags...)
	if err != nil {
		return nil, err
	}
	l.servers = append(l.servers, s)
	b := &bench{server: s}
	if b.daytona, err = newDaytona(ctx, s); err != nil {
		return nil, err
	}
	b.native, err = newNative(ctx, s)
	return b, err
}

func (b *bench) close() {
	b.native.close()
	b.daytona.http.CloseIdleConnections()
	b.server.close()
}

func (l *lab) close() {
	if l.floor != nil {
		l.floor.close()
	}
	if l.rival != nil {
		l.rival.close()
	}
	for _, s := range l.servers {
		s.close()
	}
}

// fail records that something could not be measured. The rest goes on.
func (l *lab) fail(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return // everything fails now
	}
	err = fmt.Errorf("%s: %w", what, err)
	l.faults = append(l.faults, err)
	l.log.LogAttrs(ctx, slog.LevelWarn, "could not be measured", slog.Any("error", err))
}

// add records durations in milliseconds.
func (l *lab) add(name string, took ...time.Duration) {
	for _, d := range took {
		l.samples.Add(name, float64(d)/float64(time.Millisecond))
	}
}

// askRival lets ipykernel measure something, and records it in milliseconds.
func (l *lab) askRival(name, op string, args map[string]any) (answer, error) {
	a, err := l.rival.ask(op, args)
	if err != nil {
		return a, err
	}
	for _, s := range a.Seconds {
		if name != "" {
			l.samples.Add(name, s*1000)
		}
	}
	return a, nil
}

// steadyKernel is ipykernel's, which is started when it is first asked for and
// stays.
func (l *lab) steadyKernel() (string, error) {
	const name = "steady"
	if !l.steady {
		if _, err := l.askRival("", "start", map[string]any{"name": name, "code": imported}); err != nil {
			return "", err
		}
		l.steady = true
	}
	return name, nil
}

// expect compares what came with what must.
func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// pause lets the machine come to rest, so that what one measurement left
// behind is not in the next: a kernel that is being parked, one that ends.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// each runs f count times, or until it fails.
func each(ctx context.Context, count int, f func() error) error {
	for range count {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}
