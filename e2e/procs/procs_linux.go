package procs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Process is one at one moment. Pid and Start together name it for good.
type Process struct {
	Pid, Parent, Session int
	Start                uint64 // clock ticks since the machine's start
	State                string
	Name                 string
}

// All lists the processes of the machine.
func All() []Process {
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	var all []Process
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p, ok := read(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// read parses /proc/PID/stat: see proc_pid_stat(5).
func read(pid int) (Process, bool) {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Process{}, false
	}
	stat := string(raw)
	open, end := strings.IndexByte(stat, '('), strings.LastIndexByte(stat, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	fields := strings.Fields(stat[end+1:])
	if len(fields) < 20 {
		return Process{}, false
	}
	p := Process{Pid: pid, State: fields[0], Name: stat[open+1 : end]}
	p.Parent, _ = strconv.Atoi(fields[1])
	p.Session, _ = strconv.Atoi(fields[3])
	p.Start, _ = strconv.ParseUint(fields[19], 10, 64)
	return p, true
}

// Of lists a kernel, its descendants, and whoever else is in its session.
func Of(kernel int) []Process {
	all := All()
	found := []Process{}
	mine := map[int]bool{kernel: true}
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if mine[p.Parent] && !mine[p.Pid] {
				mine[p.Pid], grown = true, true
			}
		}
	}
	for _, p := range all {
		if mine[p.Pid] || p.Session == kernel {
			found = append(found, p)
		}
	}
	return found
}

// Descendants lists all that a process has started, directly or not.
func Descendants(pid int) []Process {
	return slices.DeleteFunc(Of(pid), func(p Process) bool { return p.Pid == pid || p.dead() })
}

// dead also counts those that have ended and wait to be reaped.
func (p Process) dead() bool { return p.State == "Z" || p.State == "X" }

// Outside is the number, here, of a process that has another one in its namespace,
// which is called what /proc/self/ns/pid says there. False: there is none.
func Outside(namespace string, inside int) (int, bool) {
	for _, p := range All() {
		if name, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", p.Pid)); err != nil || name != namespace {
			continue
		}
		if raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Pid)); err == nil {
			// NSpid: its numbers, in all the namespaces that it is in, the innermost last.
			_, rest, _ := strings.Cut(string(raw), "\nNSpid:")
			line, _, _ := strings.Cut(rest, "\n")
			numbers := strings.Fields(line)
			if len(numbers) > 0 && numbers[len(numbers)-1] == strconv.Itoa(inside) {
				return p.Pid, true
			}
		}
	}
	return 0, false
}

// Gone waits until none of the processes is left.
func Gone(ctx context.Context, processes []Process) error {
	return Eventually(ctx, func() error {
		for _, p := range processes {
			if now, ok := read(p.Pid); ok && now.Start == p.Start && !now.dead() {
				return fmt.Errorf("process %d (%s, state %s) is still there", p.Pid, p.Name, now.State)
			}
		}
		return nil
	})
}

// Descriptors counts the open ones of this process.
func Descriptors() int { return DescriptorsOf(os.Getpid()) }

// DescriptorsOf counts those of another.
func DescriptorsOf(pid int) int {
	dir, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return 0
	}
	return len(dir)
}

// Listing says what the descriptors of a process are, for a test's failure.
func Listing(pid int) string {
	dir, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	var b strings.Builder
	for _, e := range dir {
		target, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%s", pid, e.Name()))
		fmt.Fprintf(&b, "%s→%s ", e.Name(), target)
	}
	return b.String()
}

// Memory is the resident set of a process in bytes, now and at its highest.
func Memory(pid int) (now, peak int64) {
	raw, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(line, ":")
		kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kib << 10
		case "VmHWM":
			peak = kib << 10
		}
	}
	return now, peak
}
