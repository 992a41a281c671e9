package runtimes

import (
	"os"
	"slices"
	"strings"

	"hotcell/internal/child"
)

// Inherited is what a process has of the server's environment: all but the
// server's own settings, its key among them. Inside of a jail it is only what says
// where programs are and which language the user speaks: the rest may hold what is
// nobody's business.
func Inherited(jail child.Jail) []string {
	return slices.DeleteFunc(os.Environ(), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		if jail == nil {
			return strings.HasPrefix(name, "HOTCELL_")
		}
		return !slices.Contains([]string{"PATH", "LANG", "LANGUAGE", "TZ", "TERM"}, name) && !strings.HasPrefix(name, "LC_")
	})
}

// Sharing is implemented by runtimes whose programs need files that not everybody
// who runs on this machine may be able to see. Those are listed, as directories.
type Sharing interface {
	Shared() []string
}

// Shared lists the files that all runtimes need.
func (t *Table) Shared() []string {
	var all []string
	for _, r := range t.runtimes {
		if s, ok := r.(Sharing); ok && r.Info().Fault == "" {
			all = append(all, s.Shared()...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
