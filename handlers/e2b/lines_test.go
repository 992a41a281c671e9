package e2b_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/handlers/e2b"
	"hotcell/internal/wire"
)

// one decodes the line that an event becomes, which has to be ASCII.
func one(tb testing.TB, e wire.Event) map[string]any {
	tb.Helper()
	raw, err := e2b.AppendEvent(&e)
	if err != nil {
		tb.Fatal(err)
	}
	body, ok := bytes.CutSuffix(raw, []byte("\n"))
	if !ok || bytes.ContainsFunc(body, func(r rune) bool { return r < ' ' || r >= 0x7f }) {
		tb.Fatalf("not a line of ASCII: %q", raw)
	}
	var line map[string]any
	if err := json.Unmarshal(body, &line); err != nil {
		tb.Fatalf("%v: %q", err, raw)
	}
	return line
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		event wire.Event
		want  map[string]any
	}{
		"of the code": {
			wire.Event{Name: "E", Value: "v", Traceback: "t"},
			map[string]any{"type": "error", "name": "E", "value": "v", "traceback": "t"},
		},
		"of a restart": {
			wire.Event{Name: "ContextRestartedError", Value: "v", Cause: &wire.Cause{Reason: "context_restarted"}},
			map[string]any{"type": "error", "name": "ContextRestarting", "value": "v", "traceback": ""},
		},
		"of a death": {
			wire.Event{Name: "KernelDiedError", Value: "it died.", Lost: []string{"x", "y"}, LostMore: 3},
			map[string]any{"type": "error", "name": "KernelDiedError", "value": "it died; lost: x, y and 3 more", "traceback": ""},
		},
	} {
		c.event.Type = wire.EventError
		if d := cmp.Diff(c.want, one(t, c.event)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func TestOddBundles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ bundle, want string }{
		"lines in JSON":         {`{"application/json": {"a":` + "\n\r\n" + `1}}`, `{"json": {"a": 1}}`},
		"text that is none":     {`{"text/html": {"a": 1}, "text/plain": 4}`, `{"html": "{\"a\": 1}", "text": "4"}`},
		"null":                  {`{"image/png": null, "text/plain": null}`, `{}`},
		"a member's name":       {`{"png": "x", "type": "y"}`, `{"extra": {"png": "x", "type": "y"}}`},
		"a table that is none":  {`{"application/vnd.hotcell.table+json": 3}`, `{"application/vnd.hotcell.table+json": 3, "extra": {"application/vnd.hotcell.table+json": 3}}`},
		"a table without data":  {`{"application/vnd.hotcell.table+json": {"rows": 0}}`, `{"application/vnd.hotcell.table+json": {"rows": 0}, "extra": {"application/vnd.hotcell.table+json": {"rows": 0}}}`},
		"quotes with more":      {`{"text/plain": "'a' and 'b'"}`, `{"text": "'a' and 'b'"}`},
		"quotes of two kinds":   {`{"text/plain": "'a\""}`, `{"text": "'a\""}`},
		"double quotes":         {`{"text/plain": "\"a'b\""}`, `{"text": "a'b"}`},
		"an escaped last quote": {`{"text/plain": "'a\\'"}`, `{"text": "'a\\'"}`},
	} {
		e := wire.Event{Type: wire.EventDisplay}
		if err := json.Unmarshal([]byte(c.bundle), &e.Bundle); err != nil {
			t.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		want["type"], want["is_main_result"] = "result", false
		if d := cmp.Diff(want, one(t, e)); d != "" {
			t.Errorf("%s: %s", name, d)
		}
	}
}

func FuzzLines(f *testing.F) {
	f.Add("it's", `{"a": "é\n"}`)
	f.Add("\u2028\x7f\x00\xff😀", `"'x'"`)
	f.Add(`'\`, `"\ud800"`)
	f.Fuzz(func(t *testing.T, text, raw string) {
		out := one(t, wire.Event{Type: wire.EventStdout, Text: text, Time: time.Unix(0, 0)})
		if want := strings.ToValidUTF8(text, "\x00"); len([]rune(want)) > 0 && !strings.ContainsRune(want, 0) && out["text"] != want {
			t.Fatalf("%q became %q", text, out["text"])
		}
		var value any
		if json.Unmarshal([]byte(raw), &value) != nil || value == nil {
			return
		}
		shown := one(t, wire.Event{Type: wire.EventResult, Bundle: wire.Bundle{
			"application/json": json.RawMessage(raw), "text/plain": json.RawMessage(raw), text + "/x": json.RawMessage(raw),
		}})
		if d := cmp.Diff(value, shown["json"]); d != "" {
			t.Fatal(d)
		}
	})
}
