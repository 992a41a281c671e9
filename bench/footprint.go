package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"hotcell/runtimes"
	"hotcell/runtimes/python"
)

const (
	// settle is how long processes get to come to rest before their memory is read.
	settle = 300 * time.Millisecond
	// rivals is how many ipykernels are looked at.
	rivals = 3
)

// footprint measures memory. It comes last and ends the other servers, whose
// kernels map the same libraries and would take their share of them.
func footprint(ctx context.Context, l *lab, _ int) error {
	for _, s := range l.servers {
		s.close()
	}
	l.servers = nil
	return errors.Join(l.ourMemory(ctx), l.bareMemory(ctx), l.rivalMemory(ctx, "memory.ipykernel", imported),
		l.rivalMemory(ctx, "memory.ipykernel.bare", "None"))
}

// ourMemory is of contexts with everything preloaded that have run one cell:
// one alone, one of many, and all processes divided by the many.
func (l *lab) ourMemory(ctx context.Context) error {
	b, err := l.open(ctx, "memory")
	if err != nil {
		return err
	}
	defer b.close()
	var pids []int
	more := func() error {
		k, err := b.native.create("python")
		if err != nil {
			return err
		}
		pids = append(pids, k.Pid)
		_, err = b.native.run(k.ID, imported)
		return err
	}
	if err := errors.Join(more(), pause(ctx, settle), l.addPSS("memory.alone", pids)); err != nil {
		return err
	}
	if err := each(ctx, fleetSize-len(pids), more); err != nil {
		return err
	}
	if err := errors.Join(pause(ctx, settle), l.addPSS("memory", pids)); err != nil {
		return err
	}
	all, err := familyPSS(b.process.Pid())
	if err == nil {
		l.samples.Add("memory.all", all/fleetSize)
	}
	return err
}

func (l *lab) addPSS(name string, pids []int) error {
	for _, pid := range pids {
		mb, err := pss(pid)
		if err != nil {
			return err
		}
		l.samples.Add(name, mb)
	}
	return nil
}

// bareMemory is of kernels that have nothing preloaded but the shell: one
// alone, and many. No server offers that, so the benchmark starts them itself.
func (l *lab) bareMemory(ctx context.Context) (err error) {
	r := python.New(python.Config{ //nolint:contextcheck // it bounds the probing itself
		Program: l.python, Preload: []string{"sys"}, ScratchDir: filepath.Join(l.dir, "bare"), Log: l.log,
	})
	defer func() { err = errors.Join(err, r.Close()) }()
	var kernels []*runtimes.Kernel
	defer func() {
		for _, k := range slices.Backward(kernels) {
			_ = k.Process.Signal(syscall.SIGKILL)
			<-k.Process.Done()
			_, _, _ = k.Conn.Close(), k.Stdout.Close(), k.Stderr.Close()
		}
	}()
	var pids []int
	more := func() error {
		k, err := r.Start(ctx, runtimes.Spec{})
		if err != nil {
			return fmt.Errorf("start a bare kernel: %w", err)
		}
		kernels, pids = append(kernels, k), append(pids, k.Process.Pid())
		return nil
	}
	if err := errors.Join(more(), pause(ctx, settle), l.addPSS("memory.bare.alone", pids)); err != nil {
		return err
	}
	if err := each(ctx, fleetSize-len(pids), more); err != nil {
		return err
	}
	return errors.Join(pause(ctx, settle), l.addPSS("memory.bare", pids))
}

// rivalMemory is of a few ipykernels that have run code.
func (l *lab) rivalMemory(ctx context.Context, name, code string) error {
	var pids []int
	for i := range rivals {
		kernel := fmt.Sprintf("%s %d", name, i)
		a, err := l.askRival("", "start", map[string]any{"name": kernel, "code": code})
		if err != nil {
			return err
		}
		defer func() { _, _ = l.askRival("", "stop", map[string]any{"name": kernel}) }()
		pids = append(pids, a.Pid)
	}
	return errors.Join(pause(ctx, settle), l.addPSS(name, pids))
}
