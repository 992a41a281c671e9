package child

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
)

// Jail is the boundary around the processes of one sandbox. Its first process starts
// the others, which inherit the boundary, and reports their ends.
type Jail interface {
	// Spawn starts a process inside. Spec's paths are those inside.
	Spawn(ctx context.Context, spec Spec) (*Adopted, error)
	// Join says how a process that was forked elsewhere goes inside by itself.
	Join() Join
	// Admit puts such a process, by its number here, under the jail's limits. It is
	// called before the process runs anything of a user's.
	Admit(pid int) error
	// CheckDir reports why a process inside can't have a directory as its own, as the
	// system's error.
	CheckDir(path string) error
}

// Join is what a forked process has to do to be inside a jail, in this order.
type Join struct {
	// Init is the jail's first process; its namespaces are joined by setns(2), the pid
	// namespace before the fork. Nil: there are none to join.
	Init *First
	// Ruleset is a Landlock ruleset to be restricted by. Nil: none.
	Ruleset *os.File
	// UID is the user and the group to become, without others and without
	// capabilities. 0: it stays who it is.
	UID int
	// Reaches keeps CAP_DAC_READ_SEARCH of the capabilities, for what it starts too.
	Reaches bool
	// Seccomp is a filter, as struct sock_filter[]. Nil: none.
	Seccomp []byte
	// Env has the variables that a process inside has unless it is given others, HOME
	// and TMPDIR.
	Env map[string]string
}

// startJailed starts a process in its jail, whose first process waits for it.
func startJailed(ctx context.Context, spec Spec) (*Process, error) {
	a, err := spec.Jail.Spawn(ctx, spec)
	if err != nil {
		if spec.Group != nil && errors.Is(err, syscall.EAGAIN) {
			err = fmt.Errorf("%w: %w", ErrNoProcess, err)
		}
		return nil, fmt.Errorf("start %s: %w", spec.Path, err)
	}
	a.Within(spec.Jail)
	if spec.Group != nil {
		if err := a.settleIn(spec.Group); err != nil {
			_ = a.Signal(syscall.SIGKILL)
			<-a.Done()
			return nil, fmt.Errorf("start %s: %w", spec.Path, err)
		}
	}
	return &Process{jailed: a, done: a.done}, nil
}
