package runtimes

import (
	"os"
	"slices"
	"sync"
)

// Names are the files that runs have beside those of their user. A program may have
// removed its own long before it ends, but until [Names.Clean] nobody else gets the name:
// the file would be removed as the first one's, and a third one's program could be found
// in its place. The zero value has none; nil keeps no account.
type Names struct {
	mu    sync.Mutex
	taken []taken
}

// taken is a name in a directory, which may have several paths.
type taken struct {
	own  string
	dir  os.FileInfo
	name string
}

// take reserves a name for the run that has own as its directory, unless another has it.
func (n *Names) take(own, dir, name string) bool {
	if n == nil {
		return true
	}
	st, err := os.Stat(dir)
	if err != nil {
		return true // nothing will be written there either
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if slices.ContainsFunc(n.taken, func(t taken) bool { return t.name == name && os.SameFile(t.dir, st) }) {
		return false
	}
	n.taken = append(n.taken, taken{own: own, dir: st, name: name})
	return true
}

// Clean is [Clean], after which others may have the run's names.
func (n *Names) Clean(own string) error {
	err := Clean(own)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.taken = slices.DeleteFunc(n.taken, func(t taken) bool { return t.own == own })
	return err
}
