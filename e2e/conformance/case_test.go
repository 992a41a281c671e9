package conformance_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/clients"
)

// languages are those of the table, as clients name them.
var languages = []string{"python", "javascript", "typescript", "go"}

// testCase is a context and what is run in it, one step after another. A
// language that has no steps isn't tested by it; TypeScript takes those of
// JavaScript unless it has its own.
type testCase struct {
	name   string
	env    map[string]string // of the context
	cwd    bool              // the context has a directory of its own; {cwd} in expectations
	native bool              // needs what only the native protocol can do
	steps  map[string][]step
}

func (c testCase) of(language string) []step {
	if steps, ok := c.steps[language]; ok || language != "typescript" {
		return steps
	}
	return c.steps["javascript"]
}

// limited reports whether a step has a time limit, which not every protocol has.
func (c testCase) limited(language string) bool {
	return slices.ContainsFunc(c.of(language), func(s step) bool { return s.Timeout > 0 })
}

// step is one run and what a client must be told about it.
type step struct {
	Code      string            `json:"code"`
	Env       map[string]string `json:"envs,omitempty"`
	Timeout   float64           `json:"timeout,omitempty"` // seconds
	interrupt string            // ends the run once it has printed this
	answers   []string          // to its requests for input
	want      want
}

// want is what is expected. Empty output, no error and the status ok are
// expectations too.
type want struct {
	out    string   // standard output
	err    string   // standard error
	some   bool     // out and err need only be contained
	result string   // of dialects that show it; "*" is any
	name   string   // of the error: a regular expression for the whole name
	value  []string // what its value contains
	trace  []string // what its traceback contains
	not    []string // what its traceback doesn't contain
	status string   // empty: error with a name, else ok
	lost   []string // names that the error or a notice gives as lost
	notice []string // what the notices contain
	epoch  int
	order  []string // types of the pieces, of dialects that show them
}

func (w want) wantedStatus() string {
	switch {
	case w.status != "":
		return w.status
	case w.name != "":
		return "error"
	default:
		return "ok"
	}
}

// sees says what a dialect shows of an outcome.
type sees struct {
	results, notices, statuses bool
	unquotes                   bool // a string's text has no quotes
}

// unquoted is a result without the quotes around a plain string.
func unquoted(result string) string {
	if n := len(result); n > 1 && strings.ContainsRune(`'"`, rune(result[0])) && result[0] == result[n-1] {
		return result[1 : n-1]
	}
	return result
}

// check compares an outcome to the expectation.
func (w want) check(t *testing.T, where string, o clients.Outcome, s sees) {
	t.Helper()
	var faults []string
	complain := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	stderr := o.Stderr()
	if !s.notices && len(w.notice)+len(w.lost) > 0 {
		// The notice is a part of standard error there.
		for _, n := range w.notice {
			if !strings.Contains(stderr, n) {
				complain("stderr lacks the notice %q", n)
			}
		}
		stderr = w.err
	}
	if w.some {
		if !strings.Contains(o.Stdout(), w.out) || !strings.Contains(stderr, w.err) {
			complain("stdout or stderr lacks %q or %q", w.out, w.err)
		}
	} else {
		if o.Stdout() != w.out {
			complain("stdout %s", differ(o.Stdout(), w.out))
		}
		if stderr != w.err {
			complain("stderr %s", differ(stderr, w.err))
		}
	}
	if s.unquotes {
		w.result = unquoted(w.result)
	}
	if s.results && w.result != "*" && o.Result != w.result {
		complain("result %.300q, want %q", o.Result, w.result)
	}
	if got := o.Status; s.statuses && got != w.wantedStatus() {
		complain("status %q, want %q", got, w.wantedStatus())
	}
	w.checkError(o.Error, s, complain)
	if s.notices {
		w.checkNotices(o, complain)
	}
	if len(faults) > 0 {
		t.Errorf("%s:\n  %s\ngot %s", where, strings.Join(faults, "\n  "), o)
	}
}

func (w want) checkError(f *clients.Failure, s sees, complain func(string, ...any)) {
	if f == nil {
		if w.name != "" {
			complain("no error, want %s", w.name)
		}
		return
	}
	if w.name == "" {
		complain("an error that should not be")
		return
	}
	if !regexp.MustCompile("^(" + w.name + ")$").MatchString(f.Name) {
		complain("error %q, want %s", f.Name, w.name)
	}
	for _, v := range w.value {
		if !strings.Contains(f.Value, v) {
			complain("the error's value lacks %q", v)
		}
	}
	for _, v := range w.trace {
		if !strings.Contains(f.Traceback, v) {
			complain("the traceback lacks %q", v)
		}
	}
	for _, v := range append([]string{"\x1b["}, w.not...) {
		if strings.Contains(f.Traceback, v) {
			complain("the traceback contains %q", v)
		}
	}
	if s.notices && strings.Contains(w.name, "KernelDied") && !slices.Equal(f.Lost, w.lost) {
		complain("lost %q, want %q", f.Lost, w.lost)
	}
}

func (w want) checkNotices(o clients.Outcome, complain func(string, ...any)) {
	for _, n := range w.notice {
		if !slices.ContainsFunc(o.Notices, func(got string) bool { return strings.Contains(got, n) }) {
			complain("no notice has %q", n)
		}
	}
	if len(w.notice) == 0 && len(o.Notices) > 0 {
		complain("a notice that should not be")
	}
	if len(w.notice) > 0 && !slices.Equal(o.Lost, w.lost) {
		complain("lost %q, want %q", o.Lost, w.lost)
	}
	if w.epoch != 0 && o.Epoch != w.epoch {
		complain("epoch %d, want %d", o.Epoch, w.epoch)
	}
	if w.order != nil {
		var got []string
		for _, p := range o.Pieces {
			got = append(got, p.Stream)
		}
		if !slices.Equal(got, w.order) {
			complain("order %q, want %q", got, w.order)
		}
	}
}

// differ shows where two texts part, which for long ones is all that helps.
func differ(got, want string) string {
	if len(got)+len(want) < 400 {
		return fmt.Sprintf("%q, want %q", got, want)
	}
	i := 0
	for i < min(len(got), len(want)) && got[i] == want[i] {
		i++
	}
	return fmt.Sprintf("of %d bytes, want %d; from byte %d on %.60q, want %.60q", len(got), len(want), i, got[i:], want[i:])
}

func (s step) cell() clients.Cell {
	return clients.Cell{
		Code: s.Code, Env: s.Env, Stdin: s.answers != nil,
		Timeout: time.Duration(s.Timeout * float64(time.Second)),
	}
}

// in puts the context's directory into the expectation.
func (w want) in(cwd string) want {
	if cwd != "" {
		w.out = strings.ReplaceAll(w.out, "{cwd}", cwd)
	}
	return w
}

// mustJSON is for what cannot fail.
func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
