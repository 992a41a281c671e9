package process

import "hotcell/internal/child"

// LookPath finds a program as a process with the environment env and the
// directory dir would, see [child.LookPath].
func LookPath(name, dir string, env []string) (string, error) {
	return child.LookPath(name, dir, env)
}
