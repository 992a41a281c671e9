// Package hostile_test is code that means harm, and a server that has to hold. Each
// attempt is made by one sandbox through the API, while another one works: what is
// tried, what its author reads of it, and how long the others wait.
package hostile_test

import (
	"os"
	"sync"
	"testing"

	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// kind is a boundary that is tried.
type kind struct {
	name  string
	mode  string
	users bool // each sandbox has a user of its own
	// reaches tells that this user passes directories by a capability, to get to the
	// interpreters.
	reaches bool
}

// namespaces tells whether a sandbox has its own view of the machine.
func (k kind) namespaces() bool { return k.mode == "namespace" }

// kinds are all there are. What a machine can't, [newScene] says.
func kinds() []kind {
	root := os.Geteuid() == 0
	return []kind{
		{name: "namespace", mode: "namespace", users: root},
		{name: "process", mode: "process"},
		{name: "process, with users", mode: "process", users: true},
		{name: "process, with users that reach", mode: "process", users: true, reaches: true},
		{name: "none", mode: "none"},
	}
}

// TestHostile makes every attempt behind every boundary that promises to stop it.
func TestHostile(t *testing.T) {
	t.Parallel()
	passable(t)
	path := program.Build(t)
	var alone sync.Mutex
	for _, k := range kinds() {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, k, path, &alone)
			s.all(t)
			s.unchanged(t)
		})
	}
}

// TestNothingIsSkipped where there are namespaces: an attempt that isn't made stops
// nobody, so the list says of each what happens there.
func TestNothingIsSkipped(t *testing.T) {
	n := 0
	names := map[string]bool{}
	for _, g := range groups() {
		for _, a := range g.attempts {
			n++
			if names[a.name] {
				t.Errorf("there are two of the name %q", a.name)
			}
			names[a.name] = true
			if a.stopped == "" && a.here == nil || a.stopped == unpromised {
				t.Errorf("%s: nothing says what happens in namespaces", a.name)
			}
		}
	}
	if n < 60 {
		t.Errorf("there are %d attempts", n)
	}
}
