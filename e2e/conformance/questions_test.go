package conformance_test

import (
	"slices"
	"strings"
	"testing"

	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
)

// TestQuestions asks drivers about code.
func TestQuestions(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	type is struct{ code, status string }
	for language, q := range map[string]struct {
		setup                   string
		complete, match         string // the last match replaces what is after the last dot or blank
		inspect, shows, unknown string
		is                      []is
	}{
		"python": {
			"numbers = [1]\ndef greet(name):\n    '''Says hello.'''", "x = numb", "numbers",
			"greet", "Says hello", "nosuchname_x",
			[]is{{"1 + 1", "complete"}, {"def f():", "incomplete"}, {"x = (1,", "incomplete"}, {"1 +* 2", "invalid"}},
		},
		"javascript": {
			"let numbers = [1]; function greet(name) { return 'hello' }", "numb", "numbers",
			"greet", "greet", "nosuchname_x",
			[]is{{"1 + 1", "complete"}, {"function f() {", "incomplete"}, {"1 +* 2", "invalid"}},
		},
		"typescript": {
			"let numbers: number[] = [1]; function greet(name: string) { return 'hello' }", "numb", "numbers",
			"greet", "greet", "nosuchname_x",
			[]is{{"let x: number = 1", "complete"}, {"function f() {", "incomplete"}, {"1 +* 2", "invalid"}},
		},
		"go": {
			"numbers := []int{1}\nfunc greet(name string) string { return \"hello\" }", "numb", "numbers",
			"greet", "func", "nosuchname_x",
			[]is{{"1 + 1", "complete"}, {"func f() {", "incomplete"}, {"1 + ) 2", "invalid"}},
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			ctx := limited(t)
			cx := open(t, native(s), clients.Options{Language: language}).(clients.Controlled)
			succeed(ctx, t, cx, q.setup, "")
			ask := func(kind, code string) clients.Answer {
				t.Helper()
				a, err := cx.Ask(ctx, kind, code, len([]rune(code)))
				if err != nil {
					t.Errorf("%s %q: %v", kind, code, err)
				}
				return a
			}
			a := ask("complete", q.complete)
			if !slices.ContainsFunc(a.Matches, func(m string) bool { return strings.HasPrefix(m, q.match) }) || a.End != len(q.complete) ||
				!strings.HasPrefix(q.match, q.complete[a.Start:a.End]) {
				t.Errorf("complete %q: %+v", q.complete, a)
			}
			if a := ask("inspect", q.inspect); !a.Found || !strings.Contains(a.Text, q.shows) {
				t.Errorf("inspect %q: %+v", q.inspect, a)
			}
			if a := ask("inspect", q.unknown); a.Found {
				t.Errorf("inspect %q: %+v", q.unknown, a)
			}
			for _, c := range q.is {
				if a := ask("is_complete", c.code); a.Status != c.status {
					t.Errorf("is_complete %q: %+v, want %s", c.code, a, c.status)
				}
			}
			succeed(ctx, t, cx, phrases()[language].setup, "")
			succeed(ctx, t, cx, phrases()[language].count, "1\n")
		})
	}
}

// TestOddCode has code that is no proper text, or very much of it. Whatever it
// comes to, the client is told, and the next run is a good one.
func TestOddCode(t *testing.T) {
	eachLanguage(t, func(in speaking) {
		t, s, language, p := in.t, in.s, in.language, in.p
		ctx := limited(t)
		d := inSandbox(t, s, language)
		cx := open(t, d, clients.Options{Language: language})
		succeed(ctx, t, cx, p.setup, "")
		comment := map[string]string{"python": "# "}[language]
		if comment == "" {
			comment = "// "
		}
		quote := func(code string) []byte {
			return []byte(`{"contextId":"` + cx.ID() + `","code":"` + code + `"}`)
		}
		for name, code := range map[string]string{
			"NUL":                    `x\u0000y`,
			"NUL in a comment":       comment + `\u0000`,
			"lone surrogate":         comment + `\ud800 \udfff`,
			"lone surrogate in code": `\ud800`,
			"invalid UTF-8":          comment + "\xff\xfe",
			"CR alone":               comment + `a\r` + comment + `b`,
			"CRLF":                   comment + `a\r\n` + comment + `b\r\n`,
			"byte order mark":        `\ufeff` + comment + `a`,
			"control characters":     comment + `\u0001\u0002\u001b\u007f\u0085\u2028\u2029`,
			"deep":                   strings.Repeat("(", 20_000) + "1" + strings.Repeat(")", 20_000),
			"5 MB":                   comment + strings.Repeat("x", 5<<20),
			"5 MB of lines":          strings.Repeat(comment+`x\n`, 1<<20),
		} {
			r, err := d.Run(ctx, quote(code))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			o, err := r.Wait(ctx)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if o.Status != "ok" && o.Status != "error" {
				t.Errorf("%s: %s", name, o)
			}
		}
		succeed(ctx, t, cx, p.count, "1\n")
	})
}
