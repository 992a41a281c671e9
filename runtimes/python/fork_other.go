//go:build !linux

package python

import (
	"context"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

// forks says whether kernels are forked from a template. Elsewhere than on
// Linux there are no pidfds, and frameworks that don't survive a fork.
const forks = false

type templates struct{}

func (r *Runtime) startForked(ctx context.Context, jail child.Jail, group child.Group) (*runtimes.Kernel, error) {
	return r.startFresh(ctx, runtimes.Spec{Jail: jail, Group: group})
}

// Prepare implements [runtimes.Preparer]. There is nothing to prepare.
func (r *Runtime) Prepare(context.Context) {}

func (r *Runtime) closeTemplates() {}
