package cgroup

import (
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// dieLimit is how long it may take until killed processes are gone. The memory of
	// a large one takes the kernel a second or two.
	dieLimit = 10 * time.Second
	// batch is how many processes are held by a descriptor at once.
	batch = 256
)

// clear kills who is in it, waits until they have ended, and reports whether nobody
// is left. None can be born there meanwhile. With reap it takes care of those that
// became our children when their parents ended, as they do where we are the first
// process of a container; it may not be used where a member has an owner here.
func (n node) clear(reap bool) (empty bool) {
	members := n.members()
	if len(members) == 0 {
		return true
	}
	if n.pids != "" {
		_ = write(n.pids, "pids.max", "0")
	}
	if n.v2 && !reap && n.killAll() == nil {
		return n.awaitEmpty()
	}
	for end := time.Now().Add(dieLimit); len(members) > 0 && time.Now().Before(end); members = n.members() {
		n.kill(members[:min(batch, len(members))], end, reap)
	}
	return len(members) == 0
}

// kill kills some of its members and waits until they have ended.
func (n node) kill(pids []int, end time.Time, reap bool) {
	fds := make(map[int]int, len(pids))
	defer func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	}()
	for _, pid := range pids {
		fd, err := unix.PidfdOpen(pid, 0)
		switch {
		case err == nil:
			fds[pid] = fd
		case errors.Is(err, unix.ENOSYS):
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}
	var held []unix.PollFd // those that were killed
	// Whoever is a member still is the one that the descriptor holds, and not another
	// that was given its number.
	for _, pid := range n.members() {
		if fd, ok := fds[pid]; ok && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil {
			held = append(held, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	for i := range held {
		for {
			got, err := unix.Poll(held[i:i+1], int(max(0, time.Until(end).Milliseconds())))
			if got > 0 || !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if reap { // where it isn't our child, this is refused
			_ = unix.Waitid(unix.P_PIDFD, int(held[i].Fd), nil, unix.WEXITED|unix.WNOHANG, nil)
		}
	}
}

// killAll has the kernel kill all members.
func (n node) killAll() error { return write(n.dirs()[0], "cgroup.kill", "1") }

// escaped is after how long all are killed once more. Before Linux 6.14 a process escapes
// that is just being forked; with no room for another process it is the last one to.
const escaped = 20 * time.Millisecond

// awaitEmpty waits for the kernel's word that nobody is in it any more.
func (n node) awaitEmpty() bool {
	fd, err := unix.Open(n.dirs()[0]+"/cgroup.events", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return len(n.members()) == 0
	}
	defer unix.Close(fd)
	end := time.Now().Add(dieLimit)
	for wait := escaped; ; {
		// What was read last is what the next event is counted from.
		var buf [256]byte
		got, err := unix.Pread(fd, buf[:], 0)
		if errors.Is(err, unix.ENODEV) {
			return true // whoever ends it at the same time has removed it
		}
		if populated, ok := lineOf(string(buf[:max(got, 0)]), "populated"); err == nil && ok && populated == 0 {
			return true
		}
		left := time.Until(end)
		if left <= 0 {
			return false
		}
		told, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLPRI}}, int(max(min(wait, left).Milliseconds(), 1)))
		if told == 0 {
			_ = n.killAll()
			wait *= 2
		}
	}
}
