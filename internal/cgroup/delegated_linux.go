package cgroup

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// serverWeight is how much more of the processors the server gets than all sandboxes
// together, where they don't suffice: it is what everybody waits for, and it needs
// little.
const serverWeight = 1000

// openV2 makes a tree in version 2, if that may be done.
//
// The server's own group is where it belongs, if it is the server's to divide. Only
// groups without processes can be divided there: so the server moves into one of its
// own beside the sandboxes', and if it isn't alone there, it may not. For root the
// root of the hierarchy is left, which may hold processes; container engines without
// systemd do the same.
func (t *Tree) openV2(m mounts, prefix, name string) error {
	at, ok := m[""]
	if !ok {
		return errors.New("cgroup v2 is not mounted")
	}
	if err := provides(at.own); err != nil {
		return err
	}
	err := notDelegated(at)
	if err == nil {
		if err = t.divide(at.own, prefix, name, !isRoot(at.own)); err == nil {
			return nil
		}
	}
	if at.own != at.root && isRoot(at.root) && os.Geteuid() == 0 {
		if rootErr := t.divide(at.root, prefix, name, false); rootErr == nil {
			return nil
		}
	}
	return err
}

// provides checks that a directory of version 2 has what we need of it.
func provides(dir string) error {
	text, err := read(dir, "cgroup.controllers")
	if err != nil {
		return fmt.Errorf("cgroup v2 cannot be used: %w", err)
	}
	have := strings.Fields(text)
	for _, want := range []string{"memory", "pids"} {
		if !slices.Contains(have, want) {
			return fmt.Errorf("cgroup v2 has no %s controller in %s", want, dir)
		}
	}
	return nil
}

// isRoot tells the root of a hierarchy, the only group that has no type.
func isRoot(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "cgroup.type"))
	return errors.Is(err, os.ErrNotExist)
}

// notDelegated says why the server's own group isn't its to divide. systemd marks
// those that are; one that is a namespace's whole is, and one that belongs to the
// user whom we run as.
func notDelegated(at mount) error {
	if isRoot(at.own) || at.own == at.root {
		return nil
	}
	for _, mark := range []string{"trusted.delegate", "user.delegate"} {
		var value [4]byte
		if n, err := unix.Getxattr(at.own, mark, value[:]); err == nil && string(value[:n]) == "1" {
			return nil
		}
	}
	if os.Geteuid() != 0 && unix.Access(at.own, unix.W_OK) == nil {
		return nil
	}
	return fmt.Errorf("%s is not delegated to the server; with systemd, set Delegate=yes for its service", at.own)
}

// divide makes the tree under base. With move, the server goes into a group beside it.
func (t *Tree) divide(base, prefix, name string, move bool) error {
	under := node{system: t.system, v2: true, memory: base, pids: base}
	if text, _ := read(base, "cgroup.controllers"); slices.Contains(strings.Fields(text), "cpu") {
		under.cpu = base
	}
	t.clearOld(under, prefix)
	own, top := under.child(name+"-server", false), under.child(name, false)
	undo := func() {
		if move {
			_ = write(base, "cgroup.subtree_control", "-cpu -memory -pids")
			_ = write(base, "cgroup.procs", strconv.Itoa(os.Getpid()))
			_ = own.remove()
		}
	}
	if move {
		if err := own.make(); err != nil {
			return fmt.Errorf("no group can be made: %w", err)
		}
		if err := write(own.memory, "cgroup.procs", strconv.Itoa(os.Getpid())); err != nil {
			undo()
			return fmt.Errorf("the server cannot move into a group of its own: %w", err)
		}
	}
	if err := under.open(); err != nil {
		undo()
		if errors.Is(err, unix.EBUSY) {
			return fmt.Errorf("%s has other processes than the server; start it in a group of its own, as `systemd-run --scope -p Delegate=yes` does", base)
		}
		return fmt.Errorf("%s cannot be divided: %w", base, err)
	}
	if err := top.make(); err != nil {
		undo()
		return fmt.Errorf("no group can be made: %w", err)
	}
	if err := errors.Join(top.bound(t.whole), top.open()); err != nil {
		_ = top.remove()
		undo()
		return err
	}
	if move {
		_ = own.weigh(serverWeight)
	}
	t.node, t.leave, t.clones = top, undo, canClone()
	t.force = Force{Mechanism: V2, Memory: true, Processes: true, CPU: top.cpu != ""}
	if top.cpu == "" {
		t.force.Reason = "cgroup v2 has no cpu controller in " + base
	}
	return nil
}
