package driver

import (
	"fmt"
	"go/constant"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"hotcell/runtimes/golang/cell"
)

// trace collects what the interpreter writes while a panic unwinds: a line for
// each function, with its place in a cell.
type trace struct {
	mu    sync.Mutex
	lines []string

	top atomic.Int64 // the line of the cell's statement that runs
}

// at is called before each statement of a cell.
func (t *trace) at(line int) { t.top.Store(int64(line)) }

// maxTrace bounds a traceback; deep recursion says the same thing again and again.
const maxTrace = 50

func (t *trace) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) < maxTrace {
		t.lines = append(t.lines, string(p))
	}
	return len(p), nil
}

func (t *trace) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = nil
}

// step is what one line says: "1048583:5: panic: main.f(...)".
var step = regexp.MustCompile(`^(\d+):(\d+): panic: (\S*)`)

// text is the traceback of a panic: the statement of the cell, and below it
// the functions that it was in, innermost last. The interpreter tells where a
// function begins, not which line of it failed.
func (t *trace) text(s *cell.Session, name, value string) string {
	t.mu.Lock()
	lines := t.lines
	t.mu.Unlock()
	var b strings.Builder
	if cellName, line, ok := s.Place(int(t.top.Load())); ok {
		where := fmt.Sprintf("%s:%d", cellName, line)
		b.WriteString(where + "\n" + t.excerpt(s, where))
	}
	last := ""
	for _, v := range slices.Backward(lines) {
		m := step.FindStringSubmatch(v)
		if m == nil {
			continue
		}
		fn := strings.TrimPrefix(plainNames(strings.TrimSuffix(m[3], "(...)")), "main.")
		n, _ := strconv.Atoi(m[1])
		cellName, line, ok := s.Place(n)
		if !ok || fn == "init" || fn == "" {
			continue
		}
		if text := fmt.Sprintf("in %s, %s:%d\n", fn, cellName, line); text != last {
			b.WriteString(text)
			last = text
		}
	}
	b.WriteString(name + ": " + value)
	return b.String()
}

// excerpt is the source line of a place, indented.
func (t *trace) excerpt(s *cell.Session, place string) string {
	name, rest, ok := strings.Cut(place, ":")
	text, known := s.Text(name)
	if !ok || !known {
		return ""
	}
	num, _, _ := strings.Cut(rest, ":")
	n, err := strconv.Atoi(num)
	lines := strings.Split(text, "\n")
	if err != nil || n < 1 || n > len(lines) {
		return ""
	}
	line := strings.TrimSpace(lines[n-1])
	if len(line) > 200 {
		line = strings.ToValidUTF8(line[:200], "") + "…"
	}
	return "    " + line + "\n"
}

// made matches the serial numbers in the names that the rewriter makes.
var made = regexp.MustCompile("ʹ(?:[0-9]+|p)(?:method)?")

// plainNames turns emitted names back into the user's.
func plainNames(s string) string {
	return strings.ReplaceAll(made.ReplaceAllString(s, ""), "ʹmethod", "")
}

// describe names a panic value and says it as Go would.
func describe(v any) (name, value string) {
	defer func() {
		if r := recover(); r != nil {
			name, value = "panic", fmt.Sprintf("a value whose own text panics: %v", r)
		}
	}()
	v = unwrap(v)
	if re, ok := v.(runtime.Error); ok {
		return "runtime error", strings.TrimPrefix(re.Error(), "runtime error: ")
	}
	if re := asRuntime(v); re != nil {
		return "runtime error", strings.TrimPrefix(re.Error(), "runtime error: ")
	}
	switch v := v.(type) {
	case error:
		return "panic", v.Error()
	case constant.Value:
		return "panic", v.ExactString()
	case fmt.Stringer:
		return "panic", v.String()
	case string:
		return "panic", v
	}
	return "panic", fmt.Sprint(v)
}

func unwrap(v any) any {
	if rv, ok := v.(reflect.Value); ok && rv.IsValid() && rv.CanInterface() {
		return unwrap(rv.Interface())
	}
	return v
}

// runtimeError is a fault of user code that compiled Go would call a runtime
// error. The interpreter meets it as a panic of package reflect.
type runtimeError string

func (e runtimeError) Error() string { return "runtime error: " + string(e) }
func (runtimeError) RuntimeError()   {}

// asRuntime translates the panics of package reflect.
func asRuntime(v any) error {
	text := ""
	switch v := v.(type) {
	case *reflect.ValueError:
		return runtimeError("invalid memory address or nil pointer dereference")
	case string:
		text = v
	case error:
		text = v.Error()
	}
	if !strings.HasPrefix(text, "reflect") {
		return nil
	}
	switch {
	case strings.Contains(text, "index out of range"):
		return runtimeError("index out of range")
	case strings.Contains(text, "slice bounds out of range"), strings.Contains(text, "slice index out of bounds"):
		return runtimeError("slice bounds out of range")
	case strings.Contains(text, "zero Value"), strings.Contains(text, "nil pointer"), strings.Contains(text, "nil func"):
		return runtimeError("invalid memory address or nil pointer dereference")
	case strings.Contains(text, "negative len"), strings.Contains(text, "negative cap"), strings.Contains(text, "len > cap"):
		return runtimeError("makeslice: len out of range")
	}
	return nil
}
