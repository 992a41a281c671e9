package child

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Rlimits are limits of one process, which those that it starts inherit, by their
// numbers in setrlimit(2).
type Rlimits map[int]uint64

// Put lowers a process's limits to these. One that has ended is no error. Those of
// another user's process take CAP_SYS_RESOURCE, which root may lack, in containers
// above all: then it is a [RlimitsError].
func (l Rlimits) Put(pid int) error {
	for which, limit := range l {
		var now unix.Rlimit
		err := unix.Prlimit(pid, which, nil, &now)
		if err == nil {
			now = unix.Rlimit{Cur: min(now.Cur, limit), Max: min(now.Max, limit)}
			err = unix.Prlimit(pid, which, &now, nil)
		}
		switch {
		case errors.Is(err, unix.EPERM):
			return &RlimitsError{PID: pid, Limits: l}
		case err != nil && !errors.Is(err, unix.ESRCH):
			return fmt.Errorf("limit process %d: %w", pid, err)
		}
	}
	return nil
}

// RlimitsError means that a process's limits are for a process of its own user to set:
// what puts others into a jail has the jail's first one do it.
type RlimitsError struct {
	PID    int
	Limits Rlimits
}

func (e *RlimitsError) Error() string {
	return fmt.Sprintf("limit process %d: it is another user's, and we have no CAP_SYS_RESOURCE", e.PID)
}

// Within tells whose jail the process is in, or about to be.
func (a *Adopted) Within(jail Jail) { a.jail = jail }

// Limited sets, by way of the jail, what an error says could not be set from outside.
func Limited(jail Jail, err error) error {
	refused := (*RlimitsError)(nil)
	if by, ok := jail.(interface {
		Limit(pid int, l Rlimits) error
	}); ok && errors.As(err, &refused) {
		return by.Limit(refused.PID, refused.Limits)
	}
	return err
}
