package python_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"hotcell/internal/wire"
)

// TestHostileText sends what JSON can carry and source text can't be, and
// what is merely too much.
func TestHostileText(t *testing.T) {
	t.Parallel()
	k := configured(t)
	raw := func(code string) *run {
		body := `{"type":"execute","id":"x","code":"` + code + `"}`
		frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
		if _, err := k.Conn.Write(frame); err != nil {
			t.Fatal(err)
		}
		return k.await()
	}
	r := raw(`x = 1\ny = '\ud800'`)
	if e := r.first(wire.MsgError); e.Name != "SyntaxError" || !strings.Contains(e.Value, "lone surrogate (U+D800) at column 6") {
		t.Errorf("lone surrogate: %+v", e)
	}
	if r := raw(`'\ud83d\ude00'`); r.result() != "'😀'" {
		t.Errorf("surrogate pair: %s", r.result())
	}
	if r := k.ok("x = '''" + strings.Repeat("é", 2_500_000) + "'''\nlen(x)"); r.result() != "2500000" {
		t.Errorf("5 MB of text: %s", r.result())
	}
	if r := k.ok(strings.Repeat("y = 1 # "+strings.Repeat("x", 240)+"\n", 20_000) + "y"); r.result() != "1" {
		t.Errorf("5 MB of statements: %s", r.result())
	}
	for name, code := range map[string]string{
		"brackets":     strings.Repeat("(", 100_000),
		"operators":    "x = " + strings.Repeat("-", 200_000) + "1",
		"only magic":   "%",
		"shebang":      "!",
		"question":     "??",
		"backslash":    "x = \\",
		"open string":  "'''",
		"tab mix":      "if 1:\n\tx\n        y",
		"control":      "x\x01\x02",
		"long line":    "x = = " + strings.Repeat("y", 1_000_000),
		"unknown cell": "%%nosuch\nx",
	} {
		if r := k.execute(code); r.done.Status == "" || r.first(wire.MsgError).Traceback == "" && r.done.Status == "error" {
			t.Errorf("%s: %+v", name, r.done)
		}
	}
	k.ok("1")
}

// TestHugeBundle: what is over the size of a frame is the cell's error.
func TestHugeBundle(t *testing.T) {
	t.Parallel()
	k := configured(t)
	for _, code := range []string{"'x' * 70_000_000", "display({'text/plain': 'x' * 70_000_000}, raw=True)"} {
		r := k.execute(code)
		if e := r.first(wire.MsgError); !strings.Contains(e.Value, "at most 64 MiB") {
			t.Errorf("%s: %+v", code, e)
		}
	}
	if r := k.ok("'x' * 60_000_000"); len(r.result()) != 60_000_002 {
		t.Errorf("%d characters", len(r.result()))
	}
}

// TestHostileNames: what isn't a name can't end a cell badly.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	k := configured(t)
	k.ok(`class Key:
	bad = False
	def __hash__(self):
		if Key.bad: raise RuntimeError('no hash')
		return 1
globals()[Key()] = 1
Key.bad = True
mine = 2`)
	if r := k.ok("mine"); r.result() != "2" || strings.Join(r.done.Names, " ") != "Key mine" {
		t.Errorf("%s, names %v", r.result(), r.done.Names)
	}
}
