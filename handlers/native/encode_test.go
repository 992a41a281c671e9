package native_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/handlers/native"
	"hotcell/internal/wire"
)

// What is written by hand must be what encoding/json would have written.
func TestEventJSON(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	code := 3
	for name, e := range map[string]wire.Event{
		"output":      {Seq: 1, Time: at, Type: wire.EventStdout, Text: "plain\n"},
		"escapes":     {Seq: 1 << 60, Time: at, Type: wire.EventStderr, Text: "\"\\\b\f\n\r\t\x00\x1f\x7f/<>&\u2028é😀"},
		"state":       {Seq: 2, Time: at, Type: wire.EventState, State: wire.StateDone, Status: wire.StatusOK, Duration: 1.5},
		"result":      {Seq: 3, Time: at, Type: wire.EventResult, Bundle: wire.Bundle{"text/html": json.RawMessage(`"<b>&</b>"`)}},
		"lined chart": {Seq: 4, Time: at, Type: wire.EventChart, Chart: json.RawMessage("{\n\"a\": 1}")},
		"error":       {Seq: 5, Time: at, Type: wire.EventError, Name: "E", Value: "v", Cause: &wire.Cause{Reason: "kernel_died", ExitCode: &code}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := native.AppendEvent([]byte("before"), &e)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := bytes.CutPrefix(got, []byte("before"))
			if !ok || bytes.ContainsRune(got, '\n') {
				t.Fatalf("%q: what stood before is gone, or there is a line break", got)
			}
			var back wire.Event
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatalf("%s: %v", got, err)
			}
			if e.Chart != nil {
				e.Chart = json.RawMessage(`{"a":1}`)
			}
			if diff := cmp.Diff(e, back); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func FuzzOutputJSON(f *testing.F) {
	f.Add("plain", uint64(1))
	f.Add("\xff\xed\xa0\x80\x00\"\\", uint64(1<<64-1))
	f.Fuzz(func(t *testing.T, text string, seq uint64) {
		got, err := native.AppendEvent(nil, &wire.Event{Seq: seq, Time: time.Unix(0, 0).UTC(), Type: wire.EventStdout, Text: text})
		if err != nil {
			t.Fatal(err)
		}
		var back wire.Event
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if want := string([]rune(text)); back.Text != want || back.Seq != seq {
			t.Errorf("%q came back as %q, %d as %d", want, back.Text, seq, back.Seq)
		}
	})
}
