package contexts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/clock"
	"hotcell/internal/lives"
	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// TestClockIsSetBack, between one server and the next: what came later is the newer all
// the same.
func TestClockIsSetBack(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	dir := t.TempDir()
	var before *lives.End
	for i, by := range []time.Duration{48 * time.Hour, time.Hour, 0} {
		c.Set(by)
		if before != nil {
			before.Again = c.Now()
		}
		s, j := serverAt(t, dir, before, c.Now)
		e, err := s.Default(t.Context(), "sb", contexts.Options{Language: "fake"})
		if err != nil {
			t.Fatal(err)
		}
		x, err := e.Execute(interpreter.Request{ID: fmt.Sprint(i), Code: "name"})
		if err != nil {
			t.Fatal(err)
		}
		if all := read(t, x, nil); (find(all, wire.EventNotice) != nil) != (i > 0) {
			t.Errorf("server %d: its default context begins with %+v", i, all)
		}
		var ids []string
		for _, x := range s.Kept(10, nil) {
			ids = append(ids, x.ID())
		}
		if want := []string{"2", "1", "0"}[2-i:]; !slices.Equal(ids, want) {
			t.Errorf("server %d: the newest are %s, not %s", i, ids, want)
		}
		s.Close()
		j.Close()
		before = &lives.End{Stopped: c.Now()}
	}
}

func find(all []wire.Event, kind wire.EventType) *wire.Event {
	for _, e := range all {
		if e.Type == kind {
			return &e
		}
	}
	return nil
}
