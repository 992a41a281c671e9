package sandboxes

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
)

// Start starts a stopped sandbox. Starting a started one changes nothing.
func (r *Registry) Start(ctx context.Context, idOrName string) (Sandbox, error) {
	return r.change(ctx, idOrName, func(s *Sandbox) error {
		if s.State != Started {
			s.State, s.LastActivity = Started, r.opts.Now()
		}
		return nil
	})
}

// Stop ends what runs in a sandbox and marks it as stopped. Its files stay.
func (r *Registry) Stop(ctx context.Context, idOrName string) (Sandbox, error) {
	e, err := r.take(ctx, idOrName)
	if err != nil {
		return Sandbox{}, err
	}
	defer e.release()
	sb, err := r.edit(e, func(s *Sandbox) error {
		if s.State != Stopped {
			s.State, s.StoppedAt = Stopped, r.opts.Now()
		}
		return nil
	})
	if err != nil {
		return Sandbox{}, err
	}
	// Nobody can start it again before this is done: the turn is ours.
	if err := r.opts.End(ctx, sb.ID); err != nil {
		return Sandbox{}, fmt.Errorf("stop sandbox %q: %w", sb.Name, err)
	}
	return sb, nil
}

// SetLabels replaces all labels.
func (r *Registry) SetLabels(ctx context.Context, idOrName string, labels map[string]string) (Sandbox, error) {
	return r.change(ctx, idOrName, func(s *Sandbox) error {
		s.Labels = maps.Clone(labels)
		return nil
	})
}

// SetIntervals lets set change the intervals.
func (r *Registry) SetIntervals(ctx context.Context, idOrName string, set func(*Intervals)) (Sandbox, error) {
	return r.change(ctx, idOrName, func(s *Sandbox) error {
		set(&s.Intervals)
		return s.Intervals.validate()
	})
}

// SetEnv lets edit change the variables that later processes and contexts of a
// sandbox are given.
func (r *Registry) SetEnv(ctx context.Context, idOrName string, edit func(env map[string]string)) (Sandbox, error) {
	return r.change(ctx, idOrName, func(s *Sandbox) error {
		edit(s.Env)
		return s.validateEnv()
	})
}

// Touch notes activity in a sandbox.
func (r *Registry) Touch(idOrName string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return err
	}
	e.sandbox.LastActivity = r.opts.Now()
	return nil
}

// Delete ends what runs in a sandbox and removes its files. The name is free
// when it returns.
func (r *Registry) Delete(ctx context.Context, idOrName string) (Sandbox, error) {
	e, err := r.take(ctx, idOrName)
	if err != nil {
		return Sandbox{}, err
	}
	defer e.release()
	if e.sandbox.ID == DefaultID {
		return Sandbox{}, ErrBuiltIn
	}
	// The record goes first: from here on nobody finds the sandbox, and a
	// crash leaves files that the next start clears away.
	id := e.sandbox.ID
	if err := r.forget(id); err != nil {
		return Sandbox{}, fmt.Errorf("delete sandbox %q: %w", e.sandbox.Name, err)
	}
	r.mu.Lock()
	e.gone = true
	old := e.sandbox.State
	e.sandbox.State, e.sandbox.Updated = Destroyed, r.opts.Now()
	sb := e.sandbox.clone()
	delete(r.byID, id)
	delete(r.tokens, sha256.Sum256([]byte(e.secret)))
	r.mu.Unlock()

	endErr := r.opts.End(ctx, id)
	rmErr := errors.Join(r.opts.Gone(id), os.RemoveAll(r.trash(id)))

	r.mu.Lock()
	delete(r.names, sb.Name)
	r.publish(Event{Sandbox: sb, Old: old})
	r.mu.Unlock()
	if endErr != nil {
		return sb, fmt.Errorf("end what runs in sandbox %q: %w", sb.Name, endErr)
	}
	if rmErr != nil {
		return sb, fmt.Errorf("remove the files of sandbox %q: %w", sb.Name, rmErr)
	}
	return sb, nil
}

// take finds a sandbox and waits for the turn to change it.
func (r *Registry) take(ctx context.Context, idOrName string) (*entry, error) {
	r.mu.Lock()
	e, err := r.find(idOrName)
	r.mu.Unlock()
	if err != nil {
		return nil, err
	}
	select {
	case e.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for sandbox %q: %w", idOrName, context.Cause(ctx))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case e.gone:
		e.release()
		return nil, fmt.Errorf("%w: %q", ErrNotFound, idOrName)
	case r.closed:
		e.release()
		return nil, ErrClosed
	}
	return e, nil
}

func (e *entry) release() { <-e.turn }

func (r *Registry) change(ctx context.Context, idOrName string, edit func(*Sandbox) error) (Sandbox, error) {
	e, err := r.take(ctx, idOrName)
	if err != nil {
		return Sandbox{}, err
	}
	defer e.release()
	return r.edit(e, edit)
}

// edit writes the changed record and tells the watchers. When the record
// cannot be written nothing has changed. The caller has the turn.
func (r *Registry) edit(e *entry, edit func(*Sandbox) error) (Sandbox, error) {
	r.mu.Lock()
	before, after := e.sandbox.clone(), e.sandbox.clone()
	r.mu.Unlock()
	if err := edit(&after); err != nil {
		return Sandbox{}, err
	}
	after.Updated = r.opts.Now()
	if err := r.write(record{Sandbox: after, Secret: e.secret}); err != nil {
		return Sandbox{}, fmt.Errorf("change sandbox %q: %w", before.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e.sandbox.LastActivity.After(after.LastActivity) {
		after.LastActivity = e.sandbox.LastActivity
	}
	e.sandbox = after
	if before.State != after.State {
		r.publish(Event{Sandbox: after.clone(), Old: before.State})
	}
	r.reschedule()
	return after.clone(), nil
}
