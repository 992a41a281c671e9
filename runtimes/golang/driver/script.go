package driver

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"hotcell/internal/wire"
)

// Exit codes of programs, as Go's own are.
const (
	exitRejected = 1 // it does not compile
	exitPanic    = 2
)

// script makes this process a program, and returns its exit code. What the
// program has started ends with the process, as goroutines do.
func (k *kernel) script(req wire.Request) int {
	text, err := k.become(req)
	if err != nil {
		_ = k.conn.send(wire.Message{Type: wire.MsgRefused, Value: err.Error()})
		return exitRejected
	}
	if err := k.conn.send(wire.Message{Type: wire.MsgReady}); err != nil {
		return exitRejected
	}
	k.program = true
	fail := k.cell(wire.Request{ID: "script", Code: text})
	if fail == nil {
		return 0
	}
	said := strings.ReplaceAll(fail.traceback, "cell[1]", "script.go")
	switch fail.name {
	case "panic", "runtime error":
		fmt.Fprintf(os.Stderr, "%s\n\ngoroutine 1 [running]:\n%s\n", panicLine(fail), said)
		return exitPanic
	default:
		fmt.Fprintln(os.Stderr, said)
		return exitRejected
	}
}

// become takes on the program's directory, environment and arguments.
func (k *kernel) become(req wire.Request) (text string, err error) {
	s := req.Script
	if s == nil {
		return "", fmt.Errorf("a script without a script")
	}
	raw, err := os.ReadFile(s.File)
	if err != nil {
		return "", fmt.Errorf("read the program: %w", err)
	}
	if err := os.Chdir(req.Cwd); err != nil {
		return "", fmt.Errorf("change to the working directory: %w", err)
	}
	os.Clearenv()
	for name, value := range s.Env {
		if err := os.Setenv(name, value); err != nil {
			return "", fmt.Errorf("set the variable %q: %w", name, err)
		}
	}
	os.Args = append([]string{s.Path}, s.Args...)
	if err := duplicate(1, 2); err != nil { // both streams are one text
		return "", fmt.Errorf("join the output streams: %w", err)
	}
	signal.Reset(syscall.SIGINT)
	return string(raw), nil
}

// panicLine is how Go begins to tell a panic.
func panicLine(f *fault) string {
	if f.name == "panic" {
		return "panic: " + f.value
	}
	return "panic: " + f.name + ": " + f.value
}

// showInScript prints a display, which has no place of its own in the output of
// a program. Pictures, and what they are drawn of, go to the server.
func (k *kernel) showInScript(b wire.Bundle) error {
	if drawn(b) {
		return k.conn.send(wire.Message{Type: wire.MsgDisplay, Bundle: b})
	}
	for _, mime := range []string{"text/plain", "text/markdown", "text/latex", "text/html", "image/svg+xml", "application/json"} {
		raw, ok := b[mime]
		if !ok {
			continue
		}
		text := string(raw)
		_ = json.Unmarshal(raw, &text) // JSON formats are no strings, and stay as they are
		_, err := fmt.Fprintln(os.Stdout, text)
		return err
	}
	return nil
}

// drawn reports whether a bundle has a picture or what one is drawn of.
func drawn(b wire.Bundle) bool {
	for mime := range b {
		if strings.HasPrefix(mime, "image/") && mime != "image/svg+xml" || strings.HasPrefix(mime, "application/vnd.") {
			return true
		}
	}
	return false
}
