package child

import (
	"os"
	"path/filepath"
	"strings"
)

// LookPath finds a program as a process with the environment env and the
// directory dir would: by the PATH in env, or from dir if its name has a slash.
func LookPath(name, dir string, env []string) (string, error) {
	if name == "" {
		return "", os.ErrNotExist
	}
	if strings.Contains(name, "/") {
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		return name, executable(name)
	}
	path := ""
	for _, pair := range env {
		if value, ok := strings.CutPrefix(pair, "PATH="); ok {
			path = value
		}
	}
	var refused error
	for _, d := range filepath.SplitList(path) {
		if !filepath.IsAbs(d) { // empty means dir itself
			d = filepath.Join(dir, d)
		}
		full := filepath.Join(d, name)
		err := executable(full)
		if err == nil {
			return full, nil
		}
		if os.IsPermission(err) {
			refused = err
		}
	}
	if refused != nil {
		return "", refused
	}
	return "", os.ErrNotExist
}

// executable reports why a file can't be started.
func executable(path string) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case st.IsDir() || st.Mode()&0o111 == 0:
		return os.ErrPermission
	default:
		return nil
	}
}
