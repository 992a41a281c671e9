package child

import (
	"bytes"
	"errors"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// fewYounger is how many numbers are looked at one by one rather than
	// listing /proc, which takes 100 µs for each hundred processes.
	fewYounger = 512
	// noWrap is how old a process may be for the numbers after its own to be
	// sure to be its juniors': they begin anew after 32768 at the least, which
	// no machine of that size starts in a second.
	noWrap = time.Second
	// passes bounds the search for who forks faster than they are killed.
	passes = 16
	// depth bounds the way up to the first process.
	depth = 1000
)

// killStrays kills the other processes of the session that h leads, and those
// that carry its mark. Who forked while we looked is found by the next pass.
func (h *handle) killStrays() strays {
	var killed strays
	done := map[int]bool{h.pid: true}
	for range passes {
		found := false
		for _, pid := range h.younger() {
			if done[pid] || !h.owns(pid) {
				continue
			}
			done[pid], found = true, true
			if fd := h.killOwn(pid); fd >= 0 {
				killed = append(killed, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
		}
		if !found {
			break
		}
	}
	return killed
}

// owns reports whether a process is of h's session, or carries its mark and
// descends from it.
func (h *handle) owns(pid int) bool {
	sid, err := unix.Getsid(pid)
	switch {
	case err != nil:
		return false
	case sid == h.pid:
		return true
	case h.alone:
		return h.mark.on(pid) || h.mark.shownOn(pid)
	default:
		return h.mark.on(pid) && !h.foreign(pid)
	}
}

// foreign reports whether a process with h's mark comes from this process, but
// not from h: it, or an ancestor, was started past this package just when h was,
// as only tests do.
func (h *handle) foreign(pid int) bool {
	at := pid
	for range depth {
		s, ok := statOf(at)
		switch {
		case !ok && at == pid: // it has ended
			return true
		case !ok: // an ancestor has, and it has another parent now
			at = pid
			continue
		case s.ppid == h.pid, s.ppid <= 1: // an orphan's parent is the first process
			return false
		case s.ppid == os.Getpid():
			return true
		}
		at = s.ppid
	}
	return false
}

// killOwn kills a process by a descriptor, so that it is the one that was asked,
// and returns the descriptor, or -1.
func (h *handle) killOwn(pid int) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if errors.Is(err, unix.ENOSYS) {
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	if err != nil {
		return -1
	}
	if !h.owns(pid) || unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// strays are the descriptors of processes that were killed.
type strays []unix.PollFd

// dieLimit is how long it may take until they are gone. Only the system can hold
// one of them longer, in a file system that doesn't answer.
const dieLimit = time.Second

// bury returns when they have ended.
func (s strays) bury() { s.buryIn(dieLimit) }

// buryIn is bury with another limit.
func (s strays) buryIn(limit time.Duration) {
	end := time.Now().Add(limit)
	for i := range s {
		for {
			n, err := unix.Poll(s[i:i+1], int(max(0, time.Until(end).Milliseconds())))
			if n > 0 || !errors.Is(err, unix.EINTR) {
				break
			}
		}
		// Where we are the first process of a container, nobody else reaps it; where
		// it isn't our child, this is refused.
		_ = unix.Waitid(unix.P_PIDFD, int(s[i].Fd), nil, unix.WEXITED|unix.WNOHANG, nil)
		_ = unix.Close(int(s[i].Fd))
	}
}

// younger lists processes among which h's descendants are. For a short-lived
// one these are few: numbers are given out in turn, so its descendants have
// those between its own and the last one given out.
func (h *handle) younger() []int {
	if !h.born.IsZero() && time.Since(h.born) < noWrap {
		if last := lastPid(); last >= h.pid && last-h.pid <= fewYounger {
			out := make([]int, 0, last-h.pid)
			for pid := h.pid + 1; pid <= last; pid++ {
				out = append(out, pid)
			}
			return out
		}
	}
	return pids()
}

// lastPid is the number that was given out last, by the fifth field of
// /proc/loadavg; 0 if it can't be told.
func lastPid() int {
	fd, err := unix.Open("/proc/loadavg", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0
	}
	defer unix.Close(fd)
	var buf [128]byte
	n, err := unix.Read(fd, buf[:])
	if err != nil {
		return 0
	}
	f := bytes.Fields(buf[:n])
	if len(f) < 5 {
		return 0
	}
	last, _ := strconv.Atoi(string(f[4]))
	return last
}
