package cgroup_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/internal/cgroup"
	"hotcell/internal/child"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if role, ok := map[string]func(){"eat": eat, "bomb": bomb}[os.Args[1]]; ok {
			role()
			return
		}
	}
	goleak.VerifyTestMain(m)
}

// eat uses memory until it may not.
func eat() {
	for all := [][]byte{}; ; {
		piece := make([]byte, 1<<20)
		for i := 0; i < len(piece); i += 4096 {
			piece[i] = 1
		}
		all = append(all, piece)
		if len(all) > 4096 {
			fmt.Println("no limit")
			return
		}
	}
}

// bomb starts itself until it may not, and tells how often that was.
func bomb() {
	for n := 0; ; n++ {
		c := exec.Command("/bin/sleep", "600")
		c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		if err := c.Start(); err != nil {
			fmt.Println(n, err)
			return
		}
		if n > 5000 {
			fmt.Println("no limit")
			return
		}
	}
}

// open makes a tree of the machine's own groups, and wants nothing to be left of it.
func open(t *testing.T, cfg cgroup.Config) *cgroup.Tree {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = t.TempDir()
	}
	tree := cgroup.Open(cfg)
	force := tree.Force()
	if !force.Memory || !force.Processes {
		t.Skipf("no groups can be made here: %+v", force)
	}
	t.Cleanup(func() {
		if err := tree.Close(); err != nil {
			t.Error(err)
		}
		for _, dir := range tree.Dirs() {
			if _, err := os.Stat(dir); err == nil {
				t.Errorf("%s is left", dir)
			}
		}
	})
	return tree
}

func sandbox(t *testing.T, tree *cgroup.Tree, l cgroup.Limits) *cgroup.Sandbox {
	t.Helper()
	s, err := tree.Sandbox(l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func group(t *testing.T, s *cgroup.Sandbox, l cgroup.Limits) *cgroup.Group {
	t.Helper()
	g, err := s.Group("context", l)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// start starts a program in a group, and returns what it puts out.
func start(t *testing.T, g child.Group, path string, args ...string) (*child.Process, *bufio.Reader) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := child.Start(t.Context(), child.Spec{Path: path, Args: args, Env: os.Environ(), Stdout: w, Stderr: w, Group: g})
	_ = w.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0); _ = r.Close() })
	return p, bufio.NewReader(r)
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const mib = 1 << 20

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{})
	for name, c := range map[string]struct {
		sandbox, group int64
		want           string
	}{
		"group":      {0, 64 * mib, "out of memory: the system killed 1 process at the context's limit of 64 MiB"},
		"sandbox":    {96 * mib, 0, "out of memory: the system killed 1 process at the sandbox's limit of 96 MiB"},
		"the lower":  {256 * mib, 64 * mib, "out of memory: the system killed 1 process at the context's limit of 64 MiB"},
		"not so low": {64 * mib, 256 * mib, "out of memory: the system killed 1 process at the sandbox's limit of 64 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := sandbox(t, tree, cgroup.Limits{Memory: c.sandbox})
			neighbour, _ := start(t, group(t, s, cgroup.Limits{}), "/bin/sleep", "600")
			g := group(t, s, cgroup.Limits{Memory: c.group})
			p, _ := start(t, g, self(t), "eat")
			<-p.Done()
			if e := p.Exit(); e.Signal != syscall.SIGKILL || e.Count.String() != c.want {
				t.Errorf("%s: %q, want %q", e, e.Count, c.want)
			}
			select {
			case <-neighbour.Done():
				t.Error("a neighbour was killed")
			default:
			}
			// The next one in the same group starts from 0.
			p, _ = start(t, group(t, s, cgroup.Limits{Memory: c.group}), "/bin/true")
			<-p.Done()
			if e := p.Exit(); e.Code != 0 || e.Count != (child.Count{}) {
				t.Errorf("afterwards: %s, %q", e, e.Count)
			}
		})
	}
}

func TestAllTogetherAreBounded(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{Whole: cgroup.Limits{Memory: 64 * mib}})
	p, _ := start(t, group(t, sandbox(t, tree, cgroup.Limits{}), cgroup.Limits{}), self(t), "eat")
	<-p.Done()
	want := "out of memory: the system killed 1 process at the limit of all sandboxes together, 64 MiB"
	if e := p.Exit(); e.Count.String() != want {
		t.Errorf("%s: %q, want %q", e, e.Count, want)
	}
}

// TestProcessesAreBounded covers what a sandbox starts itself, and what we start in it.
func TestProcessesAreBounded(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{})
	s := sandbox(t, tree, cgroup.Limits{Processes: 60})
	g := group(t, s, cgroup.Limits{})
	p, out := start(t, g, self(t), "bomb")
	line, _ := out.ReadString('\n')
	if !strings.Contains(line, "resource temporarily unavailable") {
		t.Errorf("it said %q", line)
	}
	<-p.Done()
	c := p.Exit().Count
	if c.Refused == 0 || !strings.Contains(c.String(), "the sandbox's limit of 60 processes and threads") {
		t.Errorf("%+v: %s", c, c)
	}
	for _, dir := range g.Dirs() {
		if members, _ := os.ReadFile(dir + "/cgroup.procs"); len(members) > 0 {
			t.Errorf("left in %s: %s", dir, members)
		}
	}

	full := sandbox(t, tree, cgroup.Limits{Processes: 2})
	start(t, group(t, full, cgroup.Limits{}), "/bin/sleep", "600")
	_, err := child.Start(t.Context(), child.Spec{Path: "/bin/sleep", Args: []string{"600"}, Group: group(t, full, cgroup.Limits{})})
	if err == nil && tree.Force().Mechanism == cgroup.V2 { // nobody else goes in to start it
		_, err = child.Start(t.Context(), child.Spec{Path: "/bin/true", Group: group(t, full, cgroup.Limits{})})
	}
	if err == nil || !strings.Contains(err.Error(), "no room for one more in the sandbox, whose limit is 2 processes and threads") {
		t.Errorf("%v", err)
	}
	// We aren't in there ourselves.
	raw, _ := os.ReadFile("/proc/self/cgroup")
	if strings.Contains(string(raw), "/hotcell-") && !strings.Contains(string(raw), "-server") {
		t.Errorf("the server is in a sandbox's group:\n%s", raw)
	}
}

// TestEveryDescendantIsInside covers a process that forks as its first act.
func TestEveryDescendantIsInside(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{})
	s := sandbox(t, tree, cgroup.Limits{})
	for range 20 {
		_, out := start(t, group(t, s, cgroup.Limits{Memory: 512 * mib}), "/bin/sh", "-c", "cat /proc/self/cgroup; (setsid cat /proc/self/cgroup &) ; wait; exec sleep 600")
		for range 2 {
			var lines []string
			for len(lines) < 10 {
				line, err := out.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				if lines = append(lines, line); strings.HasPrefix(line, "0::") {
					break
				}
			}
			all := strings.Join(lines, "")
			if n := strings.Count(all, "/hotcell-"); n < len(s.Dirs()) {
				t.Fatalf("in %d of %d groups:\n%s", n, len(s.Dirs()), all)
			}
		}
	}
}

func TestResourceLimits(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]cgroup.Config{"groups": {}, "no groups": {Off: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg.Dir = t.TempDir()
			tree := cgroup.Open(cfg)
			defer tree.Close()
			s := sandbox(t, tree, cgroup.Limits{Files: 100, FileSize: 5 << 20, Memory: 1 << 30})
			_, out := start(t, group(t, s, cgroup.Limits{Files: 200}), "/bin/bash", "-c", "ulimit -n; ulimit -Hn; ulimit -f; ulimit -c; ulimit -d")
			want := []string{"100", "100", "5120", "0", "unlimited"}
			if name == "no groups" {
				want[4] = "1048576"
			}
			for i, w := range want {
				if line, _ := out.ReadString('\n'); strings.TrimSpace(line) != w {
					t.Errorf("%d: %q, want %s", i, line, w)
				}
			}
		})
	}
}

// TestDeadServersGroupsAreCleared lets a second tree of a directory find the first's.
func TestDeadServersGroupsAreCleared(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dead := open(t, cgroup.Config{Dir: dir})
	other := open(t, cgroup.Config{})
	old, _ := start(t, group(t, sandbox(t, dead, cgroup.Limits{}), cgroup.Limits{}), "/bin/sh", "-c", "setsid sleep 600 & sleep 600")
	neighbour, _ := start(t, group(t, sandbox(t, other, cgroup.Limits{}), cgroup.Limits{}), "/bin/sleep", "600")
	open(t, cgroup.Config{Dir: dir})
	<-old.Done()
	for _, d := range dead.Dirs() {
		if _, err := os.Stat(d); err == nil {
			t.Errorf("%s is left", d)
		}
	}
	select {
	case <-neighbour.Done():
		t.Error("another server's process was killed")
	default:
	}
}

// TestClose ends what runs in a sandbox, and refuses what comes later.
func TestClose(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{})
	s := sandbox(t, tree, cgroup.Limits{Processes: 300})
	p, _ := start(t, group(t, s, cgroup.Limits{}), "/bin/bash", "-c", `f() { f | f & }; f; exec sleep 600`)
	waiting := group(t, s, cgroup.Limits{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	<-p.Done()
	for _, dir := range s.Dirs() {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
	if _, err := child.Start(t.Context(), child.Spec{Path: "/bin/true", Group: waiting}); err == nil {
		t.Error("a process was started in a sandbox that has ended")
	}
	if _, err := s.Group("context", cgroup.Limits{}); err == nil {
		t.Error("a sandbox that has ended gave a group")
	}
}

func BenchmarkGroup(b *testing.B) {
	tree := cgroup.Open(cgroup.Config{Dir: b.TempDir()})
	defer tree.Close()
	s, err := tree.Sandbox(cgroup.Limits{Memory: 1 << 30, Processes: 100})
	if err != nil {
		b.Fatal(err)
	}
	sleep := exec.Command("/bin/sleep", "600")
	if err := sleep.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() { _ = sleep.Process.Kill(); _ = sleep.Wait() }()
	for name, n := range map[string]int{"fresh": 1000, "used again": 1} {
		b.Run(name, func(b *testing.B) {
			var out []*cgroup.Group
			for b.Loop() {
				g, err := s.Group("context", cgroup.Limits{Memory: 1 << 28})
				if err != nil {
					b.Fatal(err)
				}
				if out = append(out, g); len(out) >= n {
					b.StopTimer()
					for _, g := range out {
						g.End()
					}
					out = nil
					b.StartTimer()
				}
			}
			b.StopTimer()
			for _, g := range out {
				g.End()
			}
		})
	}
	b.Run("sandbox", func(b *testing.B) {
		for b.Loop() {
			s, err := tree.Sandbox(cgroup.Limits{Memory: 1 << 30, Processes: 100})
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("admit", func(b *testing.B) {
		g, err := s.Group("context", cgroup.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		home := cgroup.Open(cgroup.Config{Dir: b.TempDir()})
		defer home.Close()
		other, _ := home.Sandbox(cgroup.Limits{})
		away, _ := other.Group("context", cgroup.Limits{})
		for i := 0; b.Loop(); i++ {
			to := g
			if i%2 == 1 {
				to = away
			}
			if err := to.Admit(sleep.Process.Pid); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, grouped := range map[string]bool{"start in a group": true, "start without": false} {
		b.Run(name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				time.Sleep(20 * time.Millisecond) // or what waits for the scheduler is not seen
				began := time.Now()
				spec := child.Spec{Path: "/bin/true"}
				if grouped {
					if spec.Group, err = s.Group("context", cgroup.Limits{}); err != nil {
						b.Fatal(err)
					}
				}
				p, err := child.Start(b.Context(), spec)
				if err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(began))
				<-p.Done()
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2])/1e3, "µs/median")
		})
	}
}

// TestProcessorIsBounded compares the time that a program takes with the processor's.
func TestProcessorIsBounded(t *testing.T) {
	t.Parallel()
	tree := open(t, cgroup.Config{})
	if !tree.Force().CPU {
		t.Skip("the processor isn't bounded here")
	}
	s := sandbox(t, tree, cgroup.Limits{CPU: 0.2})
	began := time.Now()
	_, out := start(t, group(t, s, cgroup.Limits{}), "/bin/bash", "-c", "for ((i = 0; i < 300000; i++)); do :; done; times")
	var m, sec float64
	line, _ := out.ReadString('\n')
	if _, err := fmt.Sscanf(line, "%fm%fs", &m, &sec); err != nil {
		t.Fatal(line, err)
	}
	used, took := time.Duration(sec*float64(time.Second)), time.Since(began)
	if took < 2*used {
		t.Errorf("it has used %s in %s", used, took)
	}
}
