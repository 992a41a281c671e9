package interpreter

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

// fill gives every member of a struct a value that isn't zero, also those that are
// added one day.
func fill(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Unix(1_800_000_000, 123_456_789)))
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`{"a":1}`)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("ä text")
	case reflect.Int, reflect.Int64:
		v.SetInt(300)
	case reflect.Uint64:
		v.SetUint(300)
	case reflect.Float64:
		v.SetFloat(1.5)
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i))
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"text/plain", "image/png"} {
			v.SetMapIndex(reflect.ValueOf(key), reflect.ValueOf(json.RawMessage(`"x"`)))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no value for %s", v.Type())
	}
}

func TestCodecKeepsEveryMember(t *testing.T) {
	t.Parallel()
	var full wire.Event
	fill(t, reflect.ValueOf(&full).Elem())
	events := []wire.Event{full, {}, {Seq: 1, Time: full.Time, Type: wire.EventStdout, Text: "x\n"}}
	for i := range reflect.TypeFor[wire.Event]().NumField() { // each alone
		var one wire.Event
		fill(t, reflect.ValueOf(&one).Elem().Field(i))
		events = append(events, one)
	}
	for _, e := range events {
		raw, err := eventCodec{}.Append([]byte("before"), e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := eventCodec{}.Decode(raw[len("before"):])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
	}
}

func FuzzCodec(f *testing.F) {
	for _, e := range []wire.Event{
		{Seq: 1, Time: time.Unix(1, 2), Type: wire.EventState, State: wire.StateRunning, Epoch: 1, Count: 2},
		{Type: wire.EventResult, Bundle: wire.Bundle{"text/plain": json.RawMessage(`"2"`)}},
		{Type: wire.EventError, Name: "E", Lost: []string{"a", "b"}, Cause: &wire.Cause{Reason: "timeout"}},
	} {
		raw, err := eventCodec{}.Append(nil, e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := eventCodec{}.Decode(raw)
		if err != nil {
			return
		}
		again, err := eventCodec{}.Append(nil, e)
		if err != nil {
			t.Skip() // a cause that is no JSON
		}
		got, err := eventCodec{}.Decode(again)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
	})
}
