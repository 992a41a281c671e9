package script

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"hotcell/process"
	"hotcell/runtimes"
)

// baseName is the directory in a scratch directory in which runs have theirs.
const baseName = "scripts"

// enter finds room for a run: a number, and a directory of that name. The
// lowest free number is taken, so that a program that is run again mostly has
// the same path in its tracebacks.
func (r *Runs) enter(ctx context.Context, place process.Place) (*run, error) {
	run, err := r.reserve(ctx, place)
	if err != nil {
		return nil, err
	}
	if err := makeOwn(run.own, place.Inside.UID); err != nil {
		r.leave(run)
		return nil, err
	}
	return run, nil
}

func (r *Runs) reserve(ctx context.Context, place process.Place) (*run, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, process.ErrClosed
	}
	number, own := 0, 0
	for number < len(r.slots) && r.slots[number] != nil {
		number++
	}
	for _, other := range r.slots {
		if other != nil && other.sandbox == place.Sandbox {
			own++
		}
	}
	if r.cfg.Share > 0 && own >= r.cfg.Share {
		return nil, fmt.Errorf("%w: at most %d at once in one sandbox; try again when one has ended", ErrBusy, r.cfg.Share)
	}
	if number >= r.cfg.Limit {
		return nil, fmt.Errorf("%w: at most %d at once; try again when one has ended", ErrBusy, r.cfg.Limit)
	}
	if number == len(r.slots) {
		r.slots = append(r.slots, nil)
	}
	name, base := strconv.Itoa(number+1), r.base
	run := &run{sandbox: place.Sandbox, number: number, scratch: r.cfg.Host.ScratchDir(), half: int64(r.cfg.OutputLimit) / 2}
	if place.Inside.Run != "" {
		base, run.room = filepath.Join(place.Inside.Run, baseName), filepath.Join(place.Inside.Rooms, "script-"+name)
	}
	run.own = filepath.Join(base, name)
	run.ctx, run.cancel = context.WithCancelCause(ctx)
	r.slots[number] = run
	return run, nil
}

// basePath is where the runs of a server have their directories.
func basePath(scratch string) string {
	if scratch != "" {
		return filepath.Join(scratch, baseName)
	}
	return filepath.Join(os.TempDir(), "hotcell-"+baseName+"-"+rand.Text()) // others may have theirs there
}

// makeOwn makes a run's directory. What an earlier one could not remove goes.
// Another user passes through it to what is made that user's.
func makeOwn(dir string, uid int) error {
	mode := fs.FileMode(0o700)
	if uid != 0 {
		mode = 0o711
	}
	err := os.MkdirAll(filepath.Dir(dir), mode)
	if err == nil {
		err = os.Mkdir(dir, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		if err = runtimes.Clean(dir); err == nil {
			err = os.Mkdir(dir, mode)
		}
	}
	if err != nil {
		return fmt.Errorf("make the script's directory: %w", err)
	}
	return nil
}

// Drain refuses runs from now on, and returns when those that there are have ended, or
// ctx. Close has to follow.
func (r *Runs) Drain(ctx context.Context) {
	stop := context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.changed.Broadcast()
	})
	defer stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for ctx.Err() == nil && slices.ContainsFunc(r.slots, func(one *run) bool { return one != nil }) {
		r.changed.Wait()
	}
}

// leave removes what a run had, and gives its place to others.
func (r *Runs) leave(run *run) {
	run.cancel(nil)
	err := r.names.Clean(run.own)
	if run.room != "" {
		err = errors.Join(err, os.RemoveAll(run.room))
	}
	if err != nil {
		r.cfg.Log.Warn("a script's files are left", slog.String("sandbox", run.sandbox), slog.Any("error", err))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slots[run.number] = nil
	r.changed.Broadcast()
}

// Recover removes what the runs of a server left that was killed: it is called
// before its scratch directory is thrown away, since some of it is elsewhere.
func Recover(scratch string) error {
	// Those without a boundary, and those within one, see process.Inside.
	free, err := filepath.Glob(filepath.Join(scratch, baseName, "*"))
	jailed, err2 := filepath.Glob(filepath.Join(scratch, "*", "*", "run", baseName, "*"))
	errs := []error{err, err2}
	for _, own := range slices.Concat(free, jailed) {
		errs = append(errs, runtimes.Clean(own))
	}
	return errors.Join(errs...)
}
