package wire_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
)

func TestFrameRoundTrip(t *testing.T) {
	t.Parallel()
	for _, want := range []wire.Request{
		{Type: wire.ReqExecute, ID: "1", Code: "print(1)\r\n\x00 \u00e9", Env: map[string]string{"A": "b\n\"c"}},
		{Type: wire.ReqExecute, Code: strings.Repeat("x", 5<<20)},
		{},
	} {
		var buf bytes.Buffer
		if err := wire.WriteFrame(&buf, want); err != nil {
			t.Fatal(err)
		}
		var got wire.Request
		if err := wire.ReadFrame(&buf, &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if err := wire.ReadFrame(&buf, &got); !errors.Is(err, io.EOF) {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestBadFrames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, raw string
		want      error
	}{
		{"half a length", "\x00\x00", io.ErrUnexpectedEOF},
		{"half a body", "\x00\x00\x00\x09{\"type\"", io.ErrUnexpectedEOF},
		{"a length alone", "\x03\xff\xff\xff", io.ErrUnexpectedEOF},
		{"too large", "\xff\xff\xff\xff{}", wire.ErrFrameTooLarge},
		{"no UTF-8", "\x00\x00\x00\x0e{\"type\":\"\xff\xff\xff\"}", wire.ErrNoMessage},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var m wire.Message
			if err := wire.ReadFrame(strings.NewReader(c.raw), &m); !errors.Is(err, c.want) {
				t.Errorf("%v", err)
			}
		})
	}
	var m wire.Message
	if err := wire.ReadFrame(strings.NewReader("\x00\x00\x00\x03[1]"), &m); err == nil {
		t.Error("an array was taken for a message")
	}
}

// TestRawJSONIsMadeValid: what is written can be read, whatever somebody's own JSON holds.
func TestRawJSONIsMadeValid(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	if err := wire.WriteFrame(&buf, wire.Message{Metadata: json.RawMessage("\"a\xff\"")}); err != nil {
		t.Fatal(err)
	}
	var m wire.Message
	if err := wire.ReadFrame(&buf, &m); err != nil || string(m.Metadata) != "\"a\ufffd\"" {
		t.Errorf("%q, %v", m.Metadata, err)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x0f{\"type\":\"done\"}\x00\x00\x00\x02{}"))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bytes.NewReader(raw)
		for {
			before := r.Len()
			var m wire.Message
			if wire.ReadFrame(r, &m) != nil {
				return
			}
			body := raw[len(raw)-before+4 : len(raw)-r.Len()]
			if n := binary.BigEndian.Uint32(raw[len(raw)-before:]); int(n) != len(body) {
				t.Fatalf("a frame of %d bytes took %d", n, len(body))
			}
		}
	})
}

func TestFrameBuffered(t *testing.T) {
	t.Parallel()
	var frames bytes.Buffer
	for range 2 {
		if err := wire.WriteFrame(&frames, wire.Request{Type: wire.ReqAck}); err != nil {
			t.Fatal(err)
		}
	}
	whole := frames.Bytes()
	for cut, want := range map[int]bool{0: true, 1: false, len(whole)/2 - 3: false, len(whole) / 2: false} {
		r := bufio.NewReader(bytes.NewReader(whole[:len(whole)-cut]))
		var got wire.Request
		if err := wire.ReadFrame(r, &got); err != nil {
			t.Fatal(err)
		}
		if wire.FrameBuffered(r) != want {
			t.Errorf("without the last %d bytes: %t", cut, !want)
		}
	}
}
