package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mounts are where the server's own groups are, by controller; "" is version 2's.
// root is the mount itself.
type mounts map[string]mount

type mount struct{ own, root string }

// mounted reads them from /proc.
func mounted() (mounts, error) {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("find the groups' file systems: %w", err)
	}
	own, err := os.ReadFile("/proc/thread-self/cgroup")
	if err != nil {
		return nil, fmt.Errorf("find the server's own groups: %w", err)
	}
	return parseMounts(string(table), string(own)), nil
}

// parseMounts takes /proc/self/mountinfo and /proc/thread-self/cgroup; see proc(5) and
// cgroups(7) for their formats.
func parseMounts(table, own string) mounts {
	paths := make(map[string]string)
	for line := range strings.Lines(own) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) != 3 {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = parts[2]
		}
	}
	m := make(mounts)
	for line := range strings.Lines(table) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " - ")
		head, tail := strings.Fields(left), strings.Fields(right)
		if !ok || len(head) < 5 || len(tail) < 3 {
			continue
		}
		// A root like /docker/abc is what of the hierarchy the mount shows.
		root, at := unescape(head[3]), unescape(head[4])
		switch tail[0] {
		case "cgroup2":
			m.add("", root, at, paths[""])
		case "cgroup":
			for option := range strings.SplitSeq(tail[2], ",") {
				if slices.Contains([]string{"memory", "pids", "cpu"}, option) {
					m.add(option, root, at, paths[option])
				}
			}
		}
	}
	return m
}

func (m mounts) add(controller, root, at, path string) {
	if _, ok := m[controller]; ok {
		return
	}
	rel, err := filepath.Rel(root, path)
	if err != nil || strings.HasPrefix(rel, "..") { // in a namespace, which shows its own root as /
		rel = "."
	}
	m[controller] = mount{own: filepath.Join(at, rel), root: at}
}

// unescape takes back what mountinfo does to blanks.
func unescape(path string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(path)
}

// openV1 makes a directory in each hierarchy of version 1.
func (t *Tree) openV1(m mounts, prefix, name string) error {
	base := node{system: t.system, memory: m["memory"].own, pids: m["pids"].own, cpu: m["cpu"].own}
	if base.memory == "" && base.pids == "" {
		return errors.New("no hierarchy of cgroup v1 is mounted")
	}
	t.clearOld(base, prefix)
	var faults []string
	for _, c := range []struct {
		what string
		dir  *string
	}{{"memory", &base.memory}, {"pids", &base.pids}, {"cpu", &base.cpu}} {
		if *c.dir == "" {
			faults = append(faults, c.what+" is not mounted in cgroup v1")
			continue
		}
		if err := base.system.mkdir(filepath.Join(*c.dir, name)); err != nil {
			faults = append(faults, fmt.Sprintf("no group can be made in %s: %v", *c.dir, err))
			*c.dir = ""
		}
	}
	if base.memory == "" && base.pids == "" {
		_ = base.child(name, false).remove()
		return errors.New(strings.Join(faults, "; "))
	}
	t.node, t.home = base.child(name, false), base
	if t.node.memory != "" {
		_ = write(t.node.memory, "memory.use_hierarchy", "1") // always so since Linux 5.11
	}
	if err := t.node.bound(t.whole); err != nil {
		faults = append(faults, err.Error())
	}
	t.force = Force{
		Mechanism: V1, Memory: t.node.memory != "", Processes: t.node.pids != "", CPU: t.node.cpu != "",
		Reason: strings.Join(faults, "; "),
	}
	return nil
}

// canClone tells a Linux that can start a process in a group of version 2: 5.7.
func canClone() bool {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return false
	}
	var major, minor int
	if _, err := fmt.Sscanf(unix.ByteSliceToString(u.Release[:]), "%d.%d", &major, &minor); err != nil {
		return false
	}
	return major > 5 || major == 5 && minor >= 7
}
