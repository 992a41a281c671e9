package child

import (
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mark is a number that a process of ours and all of its descendants carry,
// wherever they went: it finds a daemon that has a session of its own and whose
// parents have ended. 0 is none.
//
// It stands in the soft limit of RLIMIT_LOCKS. Linux has not enforced that limit
// since 2.4; but it is inherited by every fork, kept by every exec, can be asked
// for with one system call, and nobody changes it. It is no wall: a process that
// wants to get away can take it off.
type mark = Mark

// Mark is a mark, for [Bear].
type Mark uint64

// marking is held while this process has a mark on itself, for a child to
// inherit: the limit is the process's, and so is the lock. What else starts a
// process meanwhile waits, as it does for syscall.ForkLock.
var marking sync.Mutex //nolint:gochecknoglobals // see above

// NewMark is a mark that nothing has yet.
func NewMark() Mark { return newMark() }

// kin is what the marks of all children of this process have in common, and those of
// no other process: the upper half of a mark. It is drawn once, as the process is one.
var kin = sync.OnceValue(func() mark { return mark(1<<61|rand.Uint64()>>3) &^ lower }) //nolint:gochecknoglobals // see above

// lower are the bits of a mark in which the children of one process differ.
const lower mark = 1<<30 - 1

// newMark is unlike any limit that somebody could mean, and unlike those of
// other servers.
func newMark() mark { return kin() | mark(rand.Uint64())&lower }

// start runs a function that starts a process, which is born with the mark. It
// returns the mark, or none where the system refuses it.
func (m mark) start(start func() error) (mark, error) {
	marking.Lock()
	defer marking.Unlock()
	var own unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_LOCKS, &own) != nil || !m.put(0, own) {
		return 0, start()
	}
	defer func() { _ = unix.Prlimit(0, unix.RLIMIT_LOCKS, &own, nil) }()
	return m, start()
}

// adopt puts the mark on a process that has no descendants yet, in place of its
// parent's.
func (m mark) adopt(pid int) mark {
	var its unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &its) != nil || !m.put(pid, its) {
		return 0
	}
	return m
}

// put changes nothing but the soft limit.
func (m mark) put(pid int, lim unix.Rlimit) bool {
	if uint64(m) > lim.Max {
		return false
	}
	lim.Cur = uint64(m)
	return unix.Prlimit(pid, unix.RLIMIT_LOCKS, &lim, nil) == nil
}

// on reports whether a process carries the mark. Those of other users can't be
// asked and couldn't be killed either.
func (m mark) on(pid int) bool {
	its, ok := markOn(pid)
	return ok && m != 0 && its == m
}

// shownOn is on for a process of another user whom we may signal and not ask, as a
// root without CAP_SYS_RESOURCE may.
func (m mark) shownOn(pid int) bool {
	its, ok := markShownOn(pid)
	return ok && m != 0 && its == m
}

// markOn asks a process for its mark.
func markOn(pid int) (mark, bool) {
	var lim unix.Rlimit
	if unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &lim) != nil {
		return 0, false
	}
	return mark(lim.Cur), lim.Cur != unix.RLIM_INFINITY
}

// markShownOn reads the mark of a process that we may not ask.
func markShownOn(pid int) (mark, bool) {
	if err := unix.Prlimit(pid, unix.RLIMIT_LOCKS, nil, &unix.Rlimit{}); !errors.Is(err, unix.EPERM) {
		return 0, false
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/limits")
	if err != nil {
		return 0, false
	}
	_, rest, _ := strings.Cut(string(text), "\nMax file locks ")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0, false
	}
	its, err := strconv.ParseUint(f[0], 10, 64)
	return mark(its), err == nil
}
