package isolation

import (
	"path/filepath"
	"slices"
	"strings"
)

// narrow keeps the home of the server's user out of what sandboxes see. An
// interpreter that was installed right into it, or above it, has no directory of its
// own; only what belongs to programs is shown of such a one.
func narrow(paths []string, home string) []string {
	var out []string
	for _, path := range paths {
		path = filepath.Clean(path)
		if home == "" || !within(home, path) {
			out = append(out, path)
			continue
		}
		for _, part := range []string{"bin", "lib", "lib64", "libexec", "include", "share"} {
			if sub := filepath.Join(path, part); !within(home, sub) {
				out = append(out, sub)
			}
		}
	}
	return slices.Compact(out)
}

// within reports whether a path is a directory or lies in it.
func within(path, dir string) bool {
	rest, err := filepath.Rel(dir, path)
	return err == nil && rest != ".." && !strings.HasPrefix(rest, "../")
}
