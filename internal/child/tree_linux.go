package child

import (
	"bytes"
	"os"
	"strconv"
)

// stat is what this package wants of /proc/PID/stat.
type stat struct{ pid, ppid, session int }

// table reads the process table. A process that ends meanwhile is left out.
func table() []stat {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	out := make([]stat, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		raw, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue
		}
		// "pid (comm) state ppid pgrp session …"; comm may hold anything.
		f := bytes.Fields(raw[bytes.LastIndexByte(raw, ')')+1:])
		if len(f) < 4 {
			continue
		}
		ppid, _ := strconv.Atoi(string(f[1]))
		sid, _ := strconv.Atoi(string(f[3]))
		out = append(out, stat{pid: pid, ppid: ppid, session: sid})
	}
	return out
}

// session lists the other processes of the session that leader leads.
func session(leader int) []int {
	var out []int
	for _, s := range table() {
		if s.session == leader && s.pid != leader {
			out = append(out, s.pid)
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
