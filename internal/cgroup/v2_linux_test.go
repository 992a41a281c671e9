package cgroup_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"hotcell/internal/cgroup"
	"hotcell/internal/child"
)

func TestParseMounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		table, own string
		want       map[string][2]string
	}{
		"systemd, version 2": {
			"35 24 0:30 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n",
			"0::/system.slice/hotcell.service\n",
			map[string][2]string{"": {"/sys/fs/cgroup/system.slice/hotcell.service", "/sys/fs/cgroup"}},
		},
		"a container with a namespace, version 2": {
			"35 24 0:30 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n",
			"0::/\n",
			map[string][2]string{"": {"/sys/fs/cgroup", "/sys/fs/cgroup"}},
		},
		"a container without one, version 1": {
			"1 2 0:1 /docker/ab /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n" +
				"1 2 0:2 /docker/ab /sys/fs/cgroup/cpu,cpuacct ro - cgroup cgroup rw,cpu,cpuacct\n" +
				"1 2 0:3 /docker/ab /sys/fs/cgroup/pids ro - cgroup cgroup rw,pids\n",
			"9:memory:/docker/ab/in\n4:cpu,cpuacct:/docker/ab\n2:pids:/docker/ab\n1:name=systemd:/docker/ab\n",
			map[string][2]string{
				"memory": {"/sys/fs/cgroup/memory/in", "/sys/fs/cgroup/memory"},
				"cpu":    {"/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/cpu,cpuacct"},
				"pids":   {"/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids"},
			},
		},
		"both": {
			"1 2 0:1 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n1 2 0:4 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n1 2 0:5 / /a\\040b rw - tmpfs x rw\n",
			"3:pids:/user:1\n0::/user\n",
			map[string][2]string{
				"pids": {"/sys/fs/cgroup/pids/user:1", "/sys/fs/cgroup/pids"},
				"":     {"/sys/fs/cgroup/unified/user", "/sys/fs/cgroup/unified"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, cgroup.ParseMounts(c.table, c.own)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// files are those of a new group of version 2, as far as they matter.
func files() map[string]string {
	return map[string]string{
		"cgroup.type": "domain\n", "cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "", "cgroup.procs": "",
		"cgroup.kill": "", "cgroup.events": "populated 0\nfrozen 0\n",
		"memory.max": "max\n", "memory.swap.max": "max\n", "memory.current": "0\n", "memory.events": "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\n",
		"memory.events.local": "oom 0\noom_kill 0\n", "pids.max": "max\n", "pids.current": "0\n", "pids.events": "max 0\n",
		"cpu.max": "max 100000\n", "cpu.weight": "100\n",
	}
}

func put(t *testing.T, dir string, content map[string]string) {
	t.Helper()
	for name, text := range content {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(raw))
}

// delegated makes a root and in it a group that is marked as the server's to divide.
func delegated(t *testing.T) (root, own string) {
	t.Helper()
	root = t.TempDir()
	own = filepath.Join(root, "hotcell.service")
	if err := os.Mkdir(own, 0o755); err != nil {
		t.Fatal(err)
	}
	put(t, own, files())
	if err := unix.Setxattr(own, "user.delegate", []byte("1"), 0); err != nil {
		t.Skipf("this file system has no attributes: %v", err)
	}
	return root, own
}

// TestV2Files looks at what is written and read, in an ordinary directory: what the
// kernel makes of it, it can't tell.
func TestV2Files(t *testing.T) {
	t.Parallel()
	root, own := delegated(t)
	tree, err := cgroup.FakeV2(cgroup.Config{Whole: cgroup.Limits{Memory: 8 << 30}}, root, own, files())
	if err != nil {
		t.Fatal(err)
	}
	if f := tree.Force(); f.Mechanism != cgroup.V2 || !f.Memory || !f.Processes || !f.CPU || f.Reason != "" {
		t.Errorf("%+v", f)
	}
	s := sandbox(t, tree, cgroup.Limits{Memory: 1 << 30, CPU: 1.5, Processes: 100})
	g := group(t, s, cgroup.Limits{Memory: 1 << 28})
	top, sb, dir := tree.Dirs()[0], s.Dirs()[0], g.Dirs()[0]
	for path, want := range map[string]string{
		own + "/cgroup.subtree_control": "+cpu +memory +pids",
		top + "/cgroup.subtree_control": "+cpu +memory +pids",
		sb + "/cgroup.subtree_control":  "+cpu +memory +pids",
		dir + "/cgroup.subtree_control": "",
		top + "-server/cgroup.procs":    fmt.Sprint(os.Getpid()),
		top + "-server/cpu.weight":      "1000",
		top + "/memory.max":             "8589934592",
		top + "/pids.max":               "max",
		sb + "/memory.max":              "1073741824",
		sb + "/memory.swap.max":         "0",
		sb + "/cpu.max":                 "150000 100000",
		sb + "/pids.max":                "100",
		dir + "/memory.max":             "268435456",
		dir + "/cpu.max":                "max 100000",
		dir + "/pids.max":               "max",
	} {
		if got := read(t, path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if err := g.Admit(4242); err != nil {
		t.Error(err)
	}
	if got := read(t, dir+"/cgroup.procs"); got != "4242" {
		t.Errorf("members: %s", got)
	}
	// What the kernel would count, at each level.
	put(t, dir, map[string]string{"memory.events": "oom_kill 2\n", "pids.events": "max 3\n"})
	put(t, sb, map[string]string{"memory.events.local": "oom 1\n", "pids.peak": "100\n"})
	want := "out of memory: the system killed 2 processes at the sandbox's limit of 1 GiB; " +
		"too many processes: the system refused to start 3 of them at the sandbox's limit of 100 processes and threads"
	if c := g.Count(); c.String() != want {
		t.Errorf("%s", c)
	}
	put(t, dir, map[string]string{"memory.events.local": "oom 1\n", "memory.events": "oom_kill 3\n"})
	if c := g.Count(); c.Memory != (child.Bound{Of: "context", Limit: 1 << 28}) {
		t.Errorf("%+v", c)
	}
	if _, empty := g.End(); !empty || read(t, dir+"/cgroup.kill") != "1" || read(t, dir+"/pids.max") != "0" {
		t.Error("it wasn't cleared")
	}
	put(t, dir, map[string]string{"cgroup.procs": ""})
	if next := group(t, s, cgroup.Limits{}); next.Dirs()[0] != dir || next.Count() != (child.Count{}) || read(t, dir+"/pids.max") != "max" {
		t.Errorf("%s is used again: %v, %s", dir, next.Dirs(), next.Count())
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(own + "/hotcell-*")
	if len(left) > 0 || read(t, own+"/cgroup.procs") != fmt.Sprint(os.Getpid()) {
		t.Errorf("%v is left", left)
	}
}

// TestV2IsRefused tells why.
// TestV2CountsAgain what it couldn't read once, as when the server had no descriptor left.
func TestV2CountsAgain(t *testing.T) {
	t.Parallel()
	root, own := delegated(t)
	tree, err := cgroup.FakeV2(cgroup.Config{}, root, own, files())
	if err != nil {
		t.Fatal(err)
	}
	g := group(t, sandbox(t, tree, cgroup.Limits{}), cgroup.Limits{Memory: 1 << 30, Processes: 8})
	events := filepath.Join(g.Dirs()[0], "pids.events")
	if err := errors.Join(os.Remove(events), os.Symlink("pids.events", events)); err != nil { // any error but that it isn't there
		t.Fatal(err)
	}
	if c := g.Count(); c != (child.Count{}) {
		t.Errorf("%+v", c)
	}
	if err := os.Remove(events); err != nil {
		t.Fatal(err)
	}
	put(t, g.Dirs()[0], map[string]string{"pids.events": "max 3\n", "pids.current": "8\n"})
	if c := g.Count(); c.Refused != 3 {
		t.Errorf("%+v", c)
	}
}

func TestV2IsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		prepare func(t *testing.T, own string)
		want    string
	}{
		"not delegated": {func(t *testing.T, own string) {
			t.Helper()
			if err := unix.Removexattr(own, "user.delegate"); err != nil {
				t.Fatal(err)
			}
		}, "is not delegated to the server; with systemd, set Delegate=yes for its service"},
		"no controllers": {func(t *testing.T, own string) {
			t.Helper()
			put(t, own, map[string]string{"cgroup.controllers": "cpu io\n"})
		}, "cgroup v2 has no memory controller in"},
		"not mounted": {func(t *testing.T, own string) {
			t.Helper()
			if err := os.RemoveAll(own); err != nil {
				t.Fatal(err)
			}
		}, "cgroup v2 cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, own := delegated(t)
			put(t, root, map[string]string{"cgroup.type": "domain\n"}) // or it would be root's
			c.prepare(t, own)
			if name == "not delegated" && os.Geteuid() != 0 {
				t.Skip("what is writable is ours")
			}
			tree, err := cgroup.FakeV2(cgroup.Config{}, root, own, files())
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v %+v", err, tree.Force())
			}
			if left, _ := filepath.Glob(own + "/hotcell-*"); len(left) > 0 {
				t.Errorf("%v is left", left)
			}
		})
	}
}

// TestV2RootOfRoot is a server of root's whose own group isn't its: like container
// engines it makes its groups at the root.
func TestV2RootOfRoot(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("for root only")
	}
	root, own := delegated(t)
	put(t, root, map[string]string{"cgroup.controllers": "cpu memory pids\n", "cgroup.subtree_control": "", "cgroup.procs": ""})
	if err := unix.Removexattr(own, "user.delegate"); err != nil {
		t.Fatal(err)
	}
	tree, err := cgroup.FakeV2(cgroup.Config{}, root, own, files())
	if err != nil {
		t.Fatal(err)
	}
	if dir := tree.Dirs()[0]; filepath.Dir(dir) != root || read(t, root+"/cgroup.procs") != "" {
		t.Errorf("%s", dir)
	}
	if err := tree.Close(); err != nil {
		t.Error(err)
	}
}

// TestV2Kernel uses a real hierarchy of version 2, of which no controller is needed:
// a process is born in a group, and all that it starts is killed in one step.
func TestV2Kernel(t *testing.T) {
	t.Parallel()
	base := ""
	table, _ := os.ReadFile("/proc/self/mountinfo")
	for line := range strings.Lines(string(table)) {
		if f := strings.Fields(line); strings.Contains(line, " - cgroup2 ") && len(f) > 4 {
			base = f[4]
		}
	}
	dir := filepath.Join(base, fmt.Sprintf("hotcell-test-%d", os.Getpid()))
	g, err := cgroup.BareV2(dir)
	if err != nil {
		t.Skipf("no group of version 2 can be made here: %v", err)
	}
	p, out := start(t, g, "/bin/sh", "-c", "grep ^0: /proc/self/cgroup; setsid sh -c 'sleep 600 & echo on; exec sleep 600' & wait")
	for _, want := range []string{"0::" + strings.TrimPrefix(dir, base), "on"} {
		if line, _ := out.ReadString('\n'); strings.TrimSpace(line) != want {
			t.Errorf("%q, want %q", line, want)
		}
	}
	if n := len(strings.Fields(read(t, dir+"/cgroup.procs"))); n != 3 {
		t.Errorf("%d processes, want 3", n)
	}
	p.Stop(0)
	if left := read(t, dir+"/cgroup.procs"); left != "" {
		t.Errorf("%s are left", left)
	}
	if err := os.Remove(dir); err != nil {
		t.Error(err)
	}
}
