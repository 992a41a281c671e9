package interpreter

import (
	"os"
	"reflect"
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

// TestAnErrorAndItsEnd: to say how an execution ended takes no file, unless its error is
// a long one.
func TestAnErrorAndItsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines int
		kept  bool
	}{"a traceback": {10, true}, "a long one": {1000, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j, err := stream.OpenJournal(dir, stream.JournalOptions{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(j.Close)
			snap := Snapshot{ID: "e", ContextID: "c", State: wire.StateDone, Status: wire.StatusError, Created: time.Now()}
			tape, err := create(j, "sb", about{Language: "python"}, snap)
			if err != nil {
				t.Fatal(err)
			}
			log := stream.New(eventCodec{}, tape, stream.Options{})
			ev := last(log, wire.Event{
				Type: wire.EventError, Time: time.Unix(0, time.Now().UnixNano()), Name: "ZeroDivisionError", Value: "division by zero",
				Traceback: strings.Repeat("  File \"<cell 1>\", line 1, in <module>\n", c.lines), Lost: []string{"x"},
			})
			snap.Error = &ev
			log.Finish(func(seq uint64) wire.Event {
				done := doneEvent(snap)
				done.Seq = seq
				return done
			}, summaryOf(snap), nil)
			for _, there := range []bool{true, false} {
				if !there {
					if err := os.RemoveAll(dir); err != nil {
						t.Fatal(err)
					}
				}
				found, err := FindStored(j, "e")
				if err != nil {
					t.Fatal(err)
				}
				got := Restore(found).Snapshot().Error
				if there || c.kept {
					if got == nil || !reflect.DeepEqual(*got, ev) {
						t.Errorf("files there: %t: %+v", there, got)
					}
				} else if got != nil {
					t.Errorf("it has %d bytes and was kept in memory", len(ev.Traceback))
				}
			}
		})
	}
}
