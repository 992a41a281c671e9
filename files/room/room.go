// Package room is the files of a sandbox as the sandbox's own user sees them.
//
// Where a sandbox has no boundary, they are those that the server sees, and
// package files is asked at once. Where it has one, the server doesn't touch
// them: an agent does, a process inside the boundary that runs the same package
// files ([Serve]), so that every path, link and permission means what it means
// to the sandbox's code, and what is done counts as the sandbox's own.
//
// Ownership: a [Set] owns the agents, one for each sandbox in use. A [Draft] and
// a [Content] belong to whoever asked for them. Goroutines: one for each agent
// that is starting or stopping, joined by [Set.Close].
package room

import (
	"cmp"
	"context"

	"hotcell/files"
)

// Room is the files of one sandbox.
type Room struct {
	tree files.Tree
	// open finds the agent; nil is none. It is to be released.
	open func(context.Context) (*agent, error)
}

// Path is the absolute path that a client's path means.
func (r Room) Path(path string) (string, error) { return r.tree.Path(path) }

// do has something done, here or by the agent.
func (r Room) do(ctx context.Context, req *request) (answer, error) {
	if r.open == nil {
		return perform(ctx, r.tree, req)
	}
	c, err := r.call(ctx, req)
	if err != nil {
		return answer{}, err
	}
	defer c.close()
	return c.answer()
}

// List is [files.Tree.List].
func (r Room) List(ctx context.Context, path string, depth int) ([]files.Info, files.Account, error) {
	a, err := r.do(ctx, &request{Do: doList, Path: raw(path), Depth: depth})
	return a.List, a.Account, err
}

// Info is [files.Tree.Info].
func (r Room) Info(ctx context.Context, path string) (files.Info, error) {
	a, err := r.do(ctx, &request{Do: doInfo, Path: raw(path)})
	if err != nil || len(a.List) != 1 {
		return files.Info{}, cmp.Or(err, errUntold)
	}
	return a.List[0], nil
}

// Find is [files.Tree.Find].
func (r Room) Find(ctx context.Context, path, text string) ([]files.Match, files.Account, error) {
	a, err := r.do(ctx, &request{Do: doFind, Path: raw(path), Text: raw(text)})
	return a.Matches, a.Account, err
}

// Search is [files.Tree.Search].
func (r Room) Search(ctx context.Context, path, pattern string) ([]string, files.Account, error) {
	a, err := r.do(ctx, &request{Do: doSearch, Path: raw(path), Text: raw(pattern)})
	return a.Found, a.Account, err
}

// Replace is [files.Tree.Replace].
func (r Room) Replace(ctx context.Context, paths []string, old, text string) ([]files.Replaced, error) {
	req := &request{Do: doReplace, Text: raw(old), To: raw(text)}
	for _, p := range paths {
		req.Paths = append(req.Paths, raw(p))
	}
	a, err := r.do(ctx, req)
	if err != nil {
		return nil, err
	}
	done := make([]files.Replaced, len(paths))
	for i, path := range paths {
		done[i] = files.Replaced{File: path, Err: errUntold}
		if i < len(a.Failures) {
			done[i].Err = a.Failures[i].err()
		}
	}
	return done, nil
}

// Mkdir is [files.Tree.Mkdir].
func (r Room) Mkdir(ctx context.Context, path, mode string) error {
	_, err := r.do(ctx, &request{Do: doMkdir, Path: raw(path), Mode: raw(mode)})
	return err
}

// Delete is [files.Tree.Delete].
func (r Room) Delete(ctx context.Context, path string, recursive bool) error {
	_, err := r.do(ctx, &request{Do: doDelete, Path: raw(path), Recursive: recursive})
	return err
}

// Move is [files.Tree.Move].
func (r Room) Move(ctx context.Context, source, destination string) error {
	_, err := r.do(ctx, &request{Do: doMove, Path: raw(source), To: raw(destination)})
	return err
}

// SetPermissions is [files.Tree.SetPermissions].
func (r Room) SetPermissions(ctx context.Context, path, owner, group, mode string) error {
	_, err := r.do(ctx, &request{Do: doPermit, Path: raw(path), Owner: raw(owner), Group: raw(group), Mode: raw(mode)})
	return err
}
