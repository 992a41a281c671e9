//go:build linux

package cgroup

import (
	"errors"
	"os"
	"path/filepath"
)

// ParseMounts is for tests.
func ParseMounts(table, own string) map[string][2]string {
	out := make(map[string][2]string)
	for controller, m := range parseMounts(table, own) {
		out[controller] = [2]string{m.own, m.root}
	}
	return out
}

// Dirs are a group's directories.
func (g *Group) Dirs() []string { return g.node.dirs() }

// Dirs are a sandbox's directories.
func (s *Sandbox) Dirs() []string { return s.node.dirs() }

// FakeV2 makes a tree of version 2 in an ordinary directory, the server's own group
// below a root. Each new directory gets the given files.
func FakeV2(cfg Config, root, own string, files map[string]string) (*Tree, error) {
	t := newTree(cfg, fileSystem{
		mkdir: func(path string) error {
			err := os.Mkdir(path, 0o755)
			for name, content := range files {
				err = errors.Join(err, os.WriteFile(filepath.Join(path, name), []byte(content), 0o644))
			}
			return err
		},
		rmdir: func(path string) error {
			entries, err := os.ReadDir(path)
			for _, e := range entries {
				if e.IsDir() {
					return os.ErrExist
				}
			}
			return errors.Join(err, os.RemoveAll(path))
		},
	})
	err := t.openV2(mounts{"": {own: own, root: root}}, nameFor(cfg.Dir), nameFor(cfg.Dir)+"1-x")
	t.clones = false // by which the kernel would notice
	return t, err
}

// BareV2 is a group in a real hierarchy of version 2, which has no controller.
func BareV2(dir string) (*Group, error) {
	t := newTree(Config{}, cgroupfs())
	t.clones = canClone()
	n := node{system: t.system, v2: true, pids: dir}
	s := &Sandbox{tree: t, groups: make(map[*Group]struct{})}
	return &Group{sandbox: s, of: "context", node: n}, n.make()
}
