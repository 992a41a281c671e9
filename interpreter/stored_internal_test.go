package interpreter

import (
	"strings"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/stream"
)

// TestCutBeforeTheFirstEvent: one that waited never ran; of one that had nothing to wait
// for nobody knows, since the event that says so is written a moment later.
func TestCutBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		atOnce bool
		status wire.Status
		words  string
	}{
		"waited":           {false, wire.StatusCancelled, "the server died, before this ran"},
		"nothing to await": {true, wire.StatusDied, "it may have begun, and ended with its python kernel; its variables are lost: x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := stream.NewJournal(t.TempDir(), stream.JournalOptions{})
			t.Cleanup(j.Close)
			if _, err := create(j, "sb", about{Language: "python", AtOnce: c.atOnce}, Snapshot{ID: "e", ContextID: "c", Created: time.Now()}); err != nil {
				t.Fatal(err)
			}
			found, err := FindStored(j, "e")
			if err != nil {
				t.Fatal(err)
			}
			EndStored(found, Cut{Reason: "server_died", Words: "the server died", Lost: []string{"x"}, Now: time.Now()})
			if found, err = FindStored(j, "e"); err != nil {
				t.Fatal(err)
			}
			s := Restore(found).Snapshot()
			if s.Status != c.status || s.Error == nil || !strings.Contains(s.Error.Value, c.words) || s.Error.Cause.Reason != "server_died" {
				t.Errorf("%+v %+v", s, s.Error)
			}
		})
	}
}
