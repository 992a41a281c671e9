package child

import (
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Kin names this process and all that it has started, for the next one to find what
// is left when this one was killed: see [EndKin].
type Kin struct {
	Mark  uint64 `json:"mark"`
	Boot  string `json:"boot"`  // of the machine: with the next one all processes are gone
	Pid   int    `json:"pid"`   // of this process,
	Start uint64 `json:"start"` // which began so many ticks after the boot
}

// OwnKin is this process's.
func OwnKin() Kin {
	return Kin{Mark: uint64(kin()), Boot: bootID(), Pid: os.Getpid(), Start: startOf(os.Getpid())}
}

// kinLimit is how long a start may wait for what the server before has left. That is
// hundreds of processes at once, where a machine is busy; and the first one of a jail's
// namespace ends, seemingly asleep, only after everybody else in it was reaped.
const kinLimit = 10 * time.Second

// EndKin kills whatever an earlier process has started and is still there, and returns
// when it is gone, with how many there were. Processes are known by the mark that they
// inherit and no other process has, so a number that was given out again hits nobody;
// each is asked once more when its descriptor is open. As long as the earlier process
// lives nothing is done.
func EndKin(k Kin) (killed int) {
	if mark(k.Mark) == 0 || k.Mark == uint64(kin()) || k.Boot != bootID() || alive(k) {
		return 0
	}
	done := map[int]bool{}
	var dead strays
	for range passes {
		found := false
		for _, pid := range pids() {
			if done[pid] || pid == os.Getpid() || !akin(pid, mark(k.Mark)) {
				continue
			}
			if fd := killKin(pid, mark(k.Mark)); fd >= 0 { // else it is asked once more by the next pass
				done[pid], found = true, true
				dead = append(dead, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
			}
		}
		if !found {
			break
		}
	}
	dead.buryIn(kinLimit)
	return len(dead)
}

// alive reports whether the process that is named still runs.
func alive(k Kin) bool {
	start := startOf(k.Pid)
	return start != 0 && start == k.Start
}

// akin reports whether a process carries a mark with this upper half.
func akin(pid int, upper mark) bool {
	m, ok := markOn(pid)
	if !ok {
		m, ok = markShownOn(pid)
	}
	return ok && m&^lower == upper
}

// killKin kills a process by a descriptor, so that it is the one that was asked.
func killKin(pid int, upper mark) int {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return -1
	}
	if !akin(pid, upper) || unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// bootID changes with every start of the machine.
func bootID() string {
	raw, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(raw))
}

// startOf is when a process began, in ticks since the boot; 0 if there is none, or
// nothing but its exit status is left of it.
func startOf(pid int) uint64 {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	f := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(f) < 20 || f[0] == "Z" || f[0] == "X" {
		return 0
	}
	start, _ := strconv.ParseUint(f[19], 10, 64)
	return start
}
