//go:build linux

package cgroup

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
