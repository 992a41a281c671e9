package sandboxes

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
)

// Berth is a sandbox that isn't one yet: an id and a user, and a directory. What takes
// time can be made for it ahead of need; then [Registry.Create] takes it by way of
// [Options.Berth].
type Berth struct {
	ID  string
	UID int
}

// Prepare makes a berth with an empty work directory. One that a server has left is
// removed by the next.
func (r *Registry) Prepare() (Berth, error) {
	b := Berth{ID: r.opts.NewID(), UID: r.opts.NewUID()}
	if err := os.MkdirAll(r.WorkDir(b.ID), 0o755); err != nil {
		return Berth{}, fmt.Errorf("make a directory for the next sandbox: %w", err)
	}
	return b, nil
}

// Discard removes a berth that nobody has taken.
func (r *Registry) Discard(id string) {
	if err := r.discard(id); err != nil {
		r.opts.Log.Warn("cannot remove the directory of a sandbox that was not made", slog.String("sandbox", id), slog.Any("error", err))
	}
}

// discard removes empty directories only.
func (r *Registry) discard(id string) error {
	work := r.WorkDir(id)
	if err := os.Remove(work); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return os.Remove(filepath.Dir(work))
}

// free reports whether a name can be given to a sandbox.
func (r *Registry) free(name string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, taken := r.names[name]
	if _, ok := r.byID[name]; name != "" && (taken || ok) {
		return fmt.Errorf("%w: %q", ErrNameTaken, name)
	}
	return nil
}
