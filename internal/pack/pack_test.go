package pack_test

import (
	"testing"
	"time"

	"hotcell/internal/pack"
)

func TestFields(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_800_000_000, 7)
	raw := pack.Text(nil, "text")
	raw = pack.Number(raw, 1<<40)
	raw = pack.Float(raw, -1.5)
	raw = pack.Time(pack.Time(raw, at), time.Time{})
	raw = pack.Text(append(raw, 'x'), []byte("bytes"))
	raw = append(raw, "rest"...)
	r := pack.NewReader(raw)
	if got := r.Text(); got != "text" {
		t.Errorf("text: %q", got)
	}
	if got := r.Number(); got != 1<<40 {
		t.Errorf("number: %d", got)
	}
	if got := r.Float(); got != -1.5 {
		t.Errorf("float: %v", got)
	}
	if got, none := r.Time(), r.Time(); !got.Equal(at) || !none.IsZero() {
		t.Errorf("times: %s, %s", got, none)
	}
	if b, got := r.Byte(), r.Bytes(); b != 'x' || string(got) != "bytes" {
		t.Errorf("bytes: %q, %q", b, got)
	}
	if got := r.Rest(); string(got) != "rest" || !r.OK() || r.More() {
		t.Errorf("rest: %q, ok %t", got, r.OK())
	}
	for n := range len(raw) - len("rest") { // cut anywhere, it says so
		r := pack.NewReader(raw[:n])
		r.Text()
		r.Number()
		r.Float()
		r.Time()
		r.Time()
		r.Byte()
		r.Bytes()
		if r.OK() {
			t.Errorf("%d of %d bytes were enough", n, len(raw))
		}
	}
}
