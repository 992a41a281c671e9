package cgroup

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// MachineMemory is how much memory there is for the server and its sandboxes: the
// machine's, or what the group that the server is in may have. 0 if it can't be told.
func MachineMemory() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	all := int64(uint64(info.Totalram) * uint64(info.Unit)) //nolint:unconvert // 32 bits on some machines
	m, err := mounted()
	if err != nil {
		return all
	}
	for _, limit := range []int64{
		number(m["memory"].own, "memory.limit_in_bytes"),
		number(m[""].own, "memory.max"),
	} {
		if limit > 0 {
			all = min(all, limit)
		}
	}
	return all
}

// MachineProcesses is how many processes and threads the machine takes. 0 if it can't
// be told.
func MachineProcesses() int {
	least := int64(0)
	for _, path := range []string{"/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max"} {
		raw, err := os.ReadFile(path)
		if n := parse(strings.TrimSpace(string(raw))); err == nil && n > 0 && (least == 0 || n < least) {
			least = n
		}
	}
	if m, err := mounted(); err == nil {
		for _, limit := range []int64{number(m["pids"].own, "pids.max"), number(m[""].own, "pids.max")} {
			if limit > 0 && limit < least {
				least = limit
			}
		}
	}
	return int(least)
}
