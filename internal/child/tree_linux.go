package child

import (
	"bytes"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// stat is what this package wants of /proc/PID/stat.
type stat struct{ pid, ppid, session, flags int }

// table reads the process table. A process that ends meanwhile is left out.
func table() []stat {
	var out []stat
	for _, pid := range pids() {
		if s, ok := statOf(pid); ok {
			out = append(out, s)
		}
	}
	return out
}

// statOf reads one process's. It uses the system calls directly: a kill waits
// for this, and the portable way costs three times as much on a machine with a
// thousand processes.
func statOf(pid int) (s stat, ok bool) {
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return s, false
	}
	var buf [512]byte // the fields that matter stand at the beginning
	n, err := unix.Read(fd, buf[:])
	_ = unix.Close(fd)
	if err != nil {
		return s, false
	}
	// "pid (comm) state ppid pgrp session tty tpgid flags …"; comm may hold anything.
	f := bytes.Fields(buf[bytes.LastIndexByte(buf[:n], ')')+1 : n])
	if len(f) < 7 {
		return s, false
	}
	s.pid = pid
	s.ppid, _ = strconv.Atoi(string(f[1]))
	s.session, _ = strconv.Atoi(string(f[3]))
	s.flags, _ = strconv.Atoi(string(f[6]))
	return s, true
}

// pids lists all processes.
func pids() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	out := make([]int, 0, len(names))
	for _, name := range names {
		if pid, err := strconv.Atoi(name); err == nil {
			out = append(out, pid)
		}
	}
	return out
}

// descendants lists the processes under root, and those of its session.
func descendants(root int) []int {
	all := table()
	in := map[int]bool{root: true}
	for grown := true; grown; {
		grown = false
		for _, s := range all {
			if !in[s.pid] && (in[s.ppid] || s.session == root) {
				in[s.pid] = true
				grown = true
			}
		}
	}
	delete(in, root)
	out := make([]int, 0, len(in))
	for pid := range in {
		out = append(out, pid)
	}
	return out
}
