package cgroup

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// node is one group as the kernel has it: a directory in each hierarchy of version
// 1, or the one of version 2 three times. An empty one is not in force.
type node struct {
	system            fileSystem
	v2                bool
	memory, pids, cpu string
	sharesCPU         bool // cpu is the parent's
}

// dirs are its own directories, each once.
func (n node) dirs() []string {
	all := []string{n.memory, n.pids, n.cpu}
	if n.sharesCPU {
		all = all[:2]
	}
	slices.Sort(all)
	return slices.DeleteFunc(slices.Compact(all), func(d string) bool { return d == "" })
}

// child is one below, which is made by make.
func (n node) child(name string, sharesCPU bool) node {
	down := func(dir string) string {
		if dir == "" {
			return ""
		}
		return filepath.Join(dir, name)
	}
	c := node{system: n.system, v2: n.v2, memory: down(n.memory), pids: down(n.pids), cpu: down(n.cpu)}
	if sharesCPU && !n.v2 {
		c.cpu, c.sharesCPU = n.cpu, true
	}
	return c
}

// make makes its directories. All or none are there afterwards.
func (n node) make() error {
	for i, dir := range n.dirs() {
		if err := n.system.mkdir(dir); err != nil && !errors.Is(err, unix.EEXIST) {
			for _, made := range n.dirs()[:i] {
				_ = n.system.rmdir(made)
			}
			return pathError("make", dir, err)
		}
	}
	return nil
}

// open lets version 2 bound those below it.
func (n node) open() error {
	if !n.v2 {
		return nil
	}
	var want []string
	for name, dir := range map[string]string{"memory": n.memory, "pids": n.pids, "cpu": n.cpu} {
		if dir != "" {
			want = append(want, "+"+name)
		}
	}
	slices.Sort(want)
	return write(n.dirs()[0], "cgroup.subtree_control", strings.Join(want, " "))
}

// bound sets its limits.
func (n node) bound(l Limits) error {
	return errors.Join(n.boundMemory(l.Memory), n.boundProcesses(l.Processes), n.boundCPU(l.CPU))
}

func (n node) boundMemory(limit int64) error {
	switch {
	case n.memory == "":
		return nil
	case n.v2:
		// What was swapped out counts too; so nothing is.
		return errors.Join(write(n.memory, "memory.max", orMax(limit)), optional(write(n.memory, "memory.swap.max", swapOf(limit))))
	}
	value := "-1"
	if limit > 0 {
		value = strconv.FormatInt(limit, 10)
	}
	// Memory and swap together may not be less than memory alone, at any moment.
	if limit > 0 && limit < number(n.memory, "memory.limit_in_bytes") {
		return errors.Join(write(n.memory, "memory.limit_in_bytes", value), optional(write(n.memory, "memory.memsw.limit_in_bytes", value)))
	}
	return errors.Join(optional(write(n.memory, "memory.memsw.limit_in_bytes", value)), write(n.memory, "memory.limit_in_bytes", value))
}

func swapOf(limit int64) string {
	if limit > 0 {
		return "0"
	}
	return "max"
}

// optional forgives that a file isn't there, as where the kernel has no swap.
func optional(err error) error {
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

func (n node) boundProcesses(limit int) error {
	if n.pids == "" {
		return nil
	}
	return write(n.pids, "pids.max", orMax(int64(limit)))
}

// cpuPeriod is the kernel's own default, in microseconds.
const cpuPeriod = 100_000

func (n node) boundCPU(limit float64) error {
	if n.cpu == "" || n.sharesCPU {
		return nil
	}
	quota := int64(limit * cpuPeriod)
	if quota > 0 {
		quota = max(quota, 1000) // less is refused
	}
	if n.v2 {
		return write(n.cpu, "cpu.max", orMax(quota)+" "+strconv.Itoa(cpuPeriod))
	}
	if quota == 0 {
		quota = -1
	}
	return optional(write(n.cpu, "cpu.cfs_quota_us", strconv.FormatInt(quota, 10)))
}

// weigh gives it a share of the processors where they don't suffice; 100 is what
// a group has by itself.
func (n node) weigh(weight int) error {
	switch {
	case n.cpu == "" || n.sharesCPU:
		return nil
	case n.v2:
		return write(n.cpu, "cpu.weight", strconv.Itoa(weight))
	}
	return write(n.cpu, "cpu.shares", strconv.Itoa(weight*1024/100))
}

// add moves a process into it, and reports one that isn't there any more.
func (n node) add(pid int) error {
	value := strconv.Itoa(pid)
	for _, dir := range n.holders() {
		if err := write(dir, "cgroup.procs", value); err != nil {
			return err
		}
	}
	return nil
}

// holders are the directories whose members it has: its own, and the parent's if
// it shares that. That of the processes comes first: who is born to a member is a
// member, and found by it.
func (n node) holders() []string {
	var out []string
	for _, dir := range []string{n.pids, n.memory, n.cpu} {
		if dir != "" && !slices.Contains(out, dir) {
			out = append(out, dir)
		}
	}
	return out
}

// members lists the processes in it, but none that have exited, and not this one:
// version 1 lists a process of which one thread is there, as ours is now and then.
func (n node) members() []int {
	for _, dir := range []string{n.pids, n.memory, n.cpu} {
		if dir == "" || n.sharesCPU && dir == n.cpu {
			continue
		}
		text, err := read(dir, "cgroup.procs")
		if err != nil {
			continue
		}
		var out []int
		for word := range strings.FieldsSeq(text) {
			if pid := parse(word); pid > 0 && int(pid) != os.Getpid() {
				out = append(out, int(pid))
			}
		}
		return out
	}
	return nil
}

// remove removes it. Nobody may be in it.
func (n node) remove() error {
	var errs []error
	for _, dir := range n.dirs() {
		if err := n.system.rmdir(dir); err != nil && !errors.Is(err, unix.ENOENT) {
			errs = append(errs, pathError("remove", dir, err))
		}
	}
	return errors.Join(errs...)
}

func orMax(limit int64) string {
	if limit <= 0 {
		return "max"
	}
	return strconv.FormatInt(limit, 10)
}

func pathError(verb, path string, err error) error {
	return &fs.PathError{Op: verb, Path: path, Err: err}
}
