package golang_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/golang"
)

// patience is how long a test waits for what must come.
const patience = 20 * time.Second

// client is a small server side: it drives one kernel over frames.
type client struct {
	t      testing.TB
	kernel *runtimes.Kernel
	out    *collector
	errs   *collector
	frames chan wire.Message
}

// collector takes what comes out of a pipe.
type collector struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{}
}

func collect(f *os.File) *collector {
	c := &collector{more: make(chan struct{}, 1)}
	// Ends with the pipe.
	go func() {
		buf := make([]byte, 32<<10)
		for {
			n, err := f.Read(buf)
			c.mu.Lock()
			c.text.Write(buf[:n])
			c.mu.Unlock()
			select {
			case c.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return c
}

func (c *collector) take() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.text.String()
	c.text.Reset()
	return s
}

// outcome is all that came of one cell.
type outcome struct {
	value    wire.Message // the result's
	status   string
	result   string
	display  []wire.Message
	err      wire.Message
	names    []string
	took     time.Duration
	stdout   string
	stderr   string
	messages int
}

func start(tb testing.TB) *client {
	tb.Helper()
	return startWith(tb, runtimes.Spec{})
}

func startWith(tb testing.TB, spec runtimes.Spec) *client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	defer cancel()
	k, err := golang.New(golang.Config{}).Start(ctx, spec)
	if err != nil {
		tb.Fatal(err)
	}
	c := &client{t: tb, kernel: k, out: collect(k.Stdout), errs: collect(k.Stderr), frames: make(chan wire.Message, 64)}
	// Ends with the connection.
	go func() {
		defer close(c.frames)
		for {
			var m wire.Message
			if err := wire.ReadFrame(k.Conn, &m); err != nil {
				return
			}
			c.frames <- m
		}
	}()
	tb.Cleanup(c.close)
	if m := c.ask(wire.Request{Type: wire.ReqConfigure, Language: "go", Cwd: tb.TempDir()}); m.Type != wire.MsgReady {
		tb.Fatalf("configure: %+v", m)
	}
	return c
}

func (c *client) close() {
	_ = c.kernel.Conn.Close()
	_ = c.kernel.Process.Signal(os.Kill)
	<-c.kernel.Process.Done()
	for range c.frames {
	}
	_ = c.kernel.Stdout.Close()
	_ = c.kernel.Stderr.Close()
}

func (c *client) send(r wire.Request) {
	c.t.Helper()
	if err := wire.WriteFrame(c.kernel.Conn, r); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		c.t.Fatalf("send %s: %v", r.Type, err)
	}
}

func (c *client) next() (wire.Message, bool) {
	c.t.Helper()
	select {
	case m, ok := <-c.frames:
		return m, ok
	case <-time.After(patience):
		c.t.Fatal("the driver says nothing")
	}
	return wire.Message{}, false
}

func (c *client) ask(r wire.Request) wire.Message {
	c.t.Helper()
	c.send(r)
	m, ok := c.next()
	if !ok {
		c.t.Fatalf("the driver ended at %s", r.Type)
	}
	return m
}

// run runs one cell to its end.
func (c *client) run(code string) outcome {
	c.t.Helper()
	began := time.Now()
	c.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: code})
	o := c.finish()
	o.took = time.Since(began)
	return o
}

func (c *client) finish() outcome {
	c.t.Helper()
	var o outcome
	for {
		m, ok := c.next()
		if !ok {
			<-c.kernel.Process.Done()
			o.status = "died"
			o.stdout, o.stderr = c.out.take(), c.errs.take()
			return o
		}
		o.messages++
		switch m.Type {
		case wire.MsgResult:
			o.result, o.value = text(m), m
		case wire.MsgDisplay, wire.MsgClearOutput:
			o.display = append(o.display, m)
			c.send(wire.Request{Type: wire.ReqAck})
		case wire.MsgError:
			o.err = m
		case wire.MsgDone:
			o.status, o.names = m.Status, m.Names
			o.stdout, o.stderr = c.drained()
			return o
		}
	}
}

// drained returns the output once a marker that the kernel was told to write
// behind it has arrived: the pipes are ordered.
func (c *client) drained() (stdout, stderr string) {
	const marker = "\x00drained\x00"
	c.send(wire.Request{Type: wire.ReqExecute, ID: "drain", Code: `import hcʹos "os"; hcʹos.Stdout.WriteString("\x00drained\x00"); hcʹos.Stderr.WriteString("\x00drained\x00")`})
	for {
		m, ok := c.next()
		if !ok || m.Type == wire.MsgDone {
			break
		}
	}
	return c.out.until(c.t, marker), c.errs.until(c.t, marker)
}

func (c *collector) until(tb testing.TB, marker string) string {
	tb.Helper()
	var all strings.Builder
	deadline := time.After(patience)
	for {
		all.WriteString(c.take())
		if before, _, ok := strings.Cut(all.String(), marker); ok {
			return before
		}
		select {
		case <-c.more:
		case <-deadline:
			tb.Fatalf("the output's end is missing; got %q", all.String())
		}
	}
}

func text(m wire.Message) string {
	var s string
	_ = json.Unmarshal(m.Bundle["text/plain"], &s)
	return s
}

func (c *client) exit() child.Exit {
	<-c.kernel.Process.Done()
	return c.kernel.Process.Exit()
}
