package terminal_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"

	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/process/terminal"
)

// TestCardOfLiveTerminal stays when that of an older one with the same id is forgotten.
func TestCardOfLiveTerminal(t *testing.T) {
	shelf, err := lives.OpenShelf[terminal.Card](filepath.Join(t.TempDir(), "terminals"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s := terminal.NewSet(terminal.Config{Shelf: shelf})
	t.Cleanup(func() { s.Close(); _ = shelf.Close() })
	place := process.Place{Sandbox: "a", Dir: t.TempDir()}
	create := func(id string) *terminal.Terminal {
		t.Helper()
		got, err := s.Create(t.Context(), place, terminal.Options{ID: id, Lazy: true})
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	create("again").Kill()
	create("again")
	for i := range 300 { // more than are remembered
		create(fmt.Sprint(i)).Kill()
	}
	alive, ended := 0, 0
	for _, c := range shelf.All() {
		switch {
		case c.Exit != nil:
			ended++
		case c.ID == "again":
			alive++
		default:
			t.Errorf("%+v is said to be alive", c)
		}
	}
	if alive != 1 || ended != 256 {
		t.Errorf("there are cards of %d that live and %d that have ended", alive, ended)
	}
	s.Close()
	next := terminal.NewSet(terminal.Config{Shelf: shelf})
	t.Cleanup(next.Close)
	if n := len(shelf.All()); n != 256 {
		t.Errorf("the next server keeps %d", n)
	}
}
