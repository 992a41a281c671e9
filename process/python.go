package process

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// WithPython is the host with a directory on everybody's PATH in which Python
// has the name that it lacks: programs call python and python3, and many systems
// have only the latter. The directory lies in Scratch; without one, or where
// there is nothing to do, the host stays as it is.
func (h Host) WithPython() (Host, error) {
	if h.Scratch == "" {
		return h, nil
	}
	dirs := slices.Concat(h.Path, filepath.SplitList(os.Getenv("PATH")))
	for _, dir := range dirs {
		two, three := runnable(filepath.Join(dir, "python")), runnable(filepath.Join(dir, "python3"))
		switch {
		case two && three: // the usual
			return h, nil
		case three:
			return h.link("python", filepath.Join(dir, "python3"))
		case two:
			return h.link("python3", filepath.Join(dir, "python"))
		}
	}
	return h, nil
}

func (h Host) link(name, target string) (Host, error) {
	bin := filepath.Join(h.Scratch, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return h, fmt.Errorf("make a directory for %s: %w", name, err)
	}
	if err := os.Symlink(target, filepath.Join(bin, name)); err != nil && !os.IsExist(err) {
		return h, fmt.Errorf("give %s the name %s: %w", target, name, err)
	}
	h.Path = append([]string{bin}, h.Path...)
	return h, nil
}

// runnable reports whether a file can be started.
func runnable(path string) bool {
	st, err := os.Stat(path)
	return err == nil && filepath.IsAbs(path) && st.Mode().IsRegular() && st.Mode()&0o111 != 0
}
