package files

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Bounds of a glob, whose matching takes a time that grows with both.
const (
	maxGlob   = 1024
	maxBraces = 3
)

// Search finds files and directories below path whose names match a glob: *,
// ?, [a-z], {a,b}. A glob with a slash is matched against the path below path,
// where ** is any number of directories; an absolute one against the absolute
// path. What it returns is absolute, in the order of names.
func (t Tree) Search(ctx context.Context, path, pattern string) ([]string, Account, error) {
	var account Account
	match, err := glob(pattern)
	if err != nil {
		return nil, account, err
	}
	abs, err := t.Path(path)
	if err != nil {
		return nil, account, err
	}
	found := []string{}
	w := walker{ctx: ctx, left: MaxVisited, account: &account}
	err = w.walk(abs, 0, func(file string, _ fs.DirEntry) error {
		if match(abs, file) {
			if len(found) == MaxFound {
				return w.full("there are more than 10000 matches")
			}
			found = append(found, file)
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFull) {
		return nil, account, listed(ctx, path, err)
	}
	return found, account, nil
}

// glob makes a matcher of a file below a root.
func glob(pattern string) (func(root, file string) bool, error) {
	pattern = strings.TrimPrefix(pattern, "./")
	switch {
	case pattern == "":
		return nil, argument("the pattern is empty: give a name or a glob, like *.py")
	case len(pattern) > maxGlob || strings.Count(pattern, "{") > maxBraces:
		return nil, argument("the pattern is too complicated: it may have 1024 bytes and three {…}")
	case !doublestar.ValidatePattern(pattern):
		return nil, argument("the pattern %q is not a glob: a bracket, a brace or an escape is not complete", pattern)
	}
	matches := func(name string) bool {
		ok, err := doublestar.Match(pattern, name)
		return ok && err == nil // it is valid
	}
	switch {
	case strings.HasPrefix(pattern, "/"):
		return func(_, file string) bool { return matches(file) }, nil
	case strings.Contains(pattern, "/"):
		return func(root, file string) bool {
			return matches(strings.TrimPrefix(strings.TrimPrefix(file, root), "/"))
		}, nil
	}
	return func(_, file string) bool { return matches(filepath.Base(file)) }, nil
}
