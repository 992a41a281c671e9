package cgroup

import (
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Tree holds the groups of one server.
type Tree struct {
	force  Force
	whole  Limits
	system fileSystem
	node   node        // all sandboxes together
	home   node        // the server's own group, version 1
	clones bool        // version 2: the kernel can start a process in a group
	users  atomic.Bool // see HaveUsers
	holds  atomic.Bool // a process can be held back before its first instruction
	leave  func()      // version 2: undoes what opening has done to the server's own group
	log    *slog.Logger

	mu        sync.Mutex
	closed    bool
	made      int
	sandboxes map[*Sandbox]struct{}
}

// Open finds out what bounds processes on this machine, and makes a tree of it. It
// never fails: the least there is are the processes' own limits.
func Open(cfg Config) *Tree {
	t := newTree(cfg, cgroupfs())
	if cfg.Off {
		t.force = Force{Mechanism: Rlimits, Reason: "groups are turned off"}
		return t
	}
	m, err := mounted()
	if err != nil {
		t.force = Force{Mechanism: Rlimits, Reason: err.Error()}
		return t
	}
	t.open(m, nameFor(cfg.Dir))
	return t
}

func newTree(cfg Config, system fileSystem) *Tree {
	t := &Tree{system: system, whole: cfg.Whole, log: cfg.Log, sandboxes: make(map[*Sandbox]struct{}), leave: func() {}}
	// For others than root, set-user-id programs would lose their effect by it.
	t.holds.Store(os.Geteuid() == 0)
	if t.log == nil {
		t.log = slog.New(slog.DiscardHandler)
	}
	return t
}

// open tries version 2, then version 1.
func (t *Tree) open(m mounts, prefix string) {
	name := prefix + fmt.Sprintf("%d-%s", os.Getpid(), strings.ToLower(rand.Text()[:6]))
	err2 := t.openV2(m, prefix, name)
	if err2 == nil {
		return
	}
	err1 := t.openV1(m, prefix, name)
	if err1 == nil {
		return
	}
	t.node = node{}
	t.force = Force{Mechanism: Rlimits, Reason: err2.Error() + "; " + err1.Error()}
}

// nameFor is what the groups of all servers with a data directory begin with. They
// can't run at the same time, so what another has left is a dead one's.
func nameFor(dir string) string {
	h := fnv.New64a()
	var st unix.Stat_t
	if dir == "" || unix.Stat(dir, &st) != nil {
		fmt.Fprint(h, rand.Text())
	}
	fmt.Fprint(h, st.Dev, "/", st.Ino)
	return fmt.Sprintf("hotcell-%x-", h.Sum64())
}

// clearOld removes what dead servers have left beside us.
func (t *Tree) clearOld(base node, prefix string) {
	for _, old := range base.below() {
		if name := filepath.Base(old.dirs()[0]); strings.HasPrefix(name, prefix) {
			if err := clearBelow(old); err != nil {
				t.log.Warn("groups of a dead server are left", slog.String("group", name), slog.Any("error", err))
			}
		}
	}
}

// below lists the nodes under one, as far as any of its directories has them.
func (n node) below() []node {
	names := make(map[string]bool)
	for _, dir := range n.dirs() {
		entries, _ := os.ReadDir(dir)
		for _, e := range entries {
			if e.IsDir() {
				names[e.Name()] = true
			}
		}
	}
	var out []node
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out = append(out, n.child(name, false))
	}
	return out
}

// real reports whether there are groups of the kernel's.
func (t *Tree) real() bool { return t.node.system.mkdir != nil }

// Dirs are the tree's directories, if there are any.
func (t *Tree) Dirs() []string { return t.node.dirs() }

// Force says what bounds sandboxes here.
func (t *Tree) Force() Force { return t.force }

// HaveUsers says that each sandbox has a user of its own. Then there is something to
// count its processes by where there are no groups: RLIMIT_NPROC, which counts those of a
// user, and so would count everybody's if sandboxes shared one.
func (t *Tree) HaveUsers() { t.users.Store(true) }

// Sandbox makes the bounds of a sandbox.
func (t *Tree) Sandbox(limits Limits) (*Sandbox, error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return nil, ErrClosed
	}
	t.made++
	s := &Sandbox{tree: t, name: fmt.Sprintf("s%d", t.made), limits: limits, groups: make(map[*Group]struct{})}
	t.mu.Unlock()
	if t.real() {
		s.node = t.node.child(s.name, false)
		err := s.node.make()
		if err == nil {
			err = errors.Join(s.node.bound(limits), s.node.open())
		}
		if err != nil {
			_ = s.node.remove()
			return nil, fmt.Errorf("bound the sandbox: %w", err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = s.node.remove()
		return nil, ErrClosed
	}
	t.sandboxes[s] = struct{}{}
	return s, nil
}

func (t *Tree) forget(s *Sandbox) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.sandboxes, s)
}

// Close kills what is left in any sandbox and removes all groups.
func (t *Tree) Close() error {
	t.mu.Lock()
	t.closed = true
	all := slices.Collect(maps.Keys(t.sandboxes))
	t.mu.Unlock()
	var errs []error
	for _, s := range all {
		errs = append(errs, s.Close())
	}
	if t.real() {
		errs = append(errs, clearBelow(t.node))
		t.leave()
	}
	return errors.Join(errs...)
}
