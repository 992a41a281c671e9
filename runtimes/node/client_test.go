package node_test

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/node"
)

// patience bounds every wait: it is only reached when something is broken.
const patience = 30 * time.Second

func newRuntime(tb testing.TB) *node.Runtime {
	tb.Helper()
	r := node.New(node.Config{ScratchDir: tb.TempDir()})
	if fault := r.Info().Fault; fault != "" {
		tb.Fatal(fault)
	}
	tb.Cleanup(func() {
		if err := r.Close(); err != nil {
			tb.Error(err)
		}
	})
	return r
}

// client speaks to one kernel as the server does: it answers acks, collects
// the output, and counts executions.
type client struct {
	tb       testing.TB
	runtime  *node.Runtime
	kernel   *runtimes.Kernel
	messages chan wire.Message
	readers  sync.WaitGroup
	count    int

	mu      sync.Mutex
	changed *sync.Cond
	stdout  strings.Builder
	stderr  strings.Builder
	writes  sync.Mutex
}

func newClient(tb testing.TB) *client {
	tb.Helper()
	return startClient(tb, newRuntime(tb), runtimes.Spec{}, wire.Request{Cwd: tb.TempDir()})
}

func startClient(tb testing.TB, r *node.Runtime, spec runtimes.Spec, configure wire.Request) *client {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	k, err := r.Start(ctx, spec)
	if err != nil {
		tb.Fatal(err)
	}
	c := &client{tb: tb, runtime: r, kernel: k, messages: make(chan wire.Message, 1024)}
	c.changed = sync.NewCond(&c.mu)
	c.readers.Go(func() { c.collect(k.Stdout, &c.stdout) })
	c.readers.Go(func() { c.collect(k.Stderr, &c.stderr) })
	c.readers.Go(c.receive)
	tb.Cleanup(c.close)
	configure.Type = wire.ReqConfigure
	c.send(configure)
	if m := c.next(); m.Type != wire.MsgReady {
		tb.Fatalf("configure was answered with %+v", m)
	}
	return c
}

func (c *client) close() {
	_ = c.kernel.Process.Signal(syscall.SIGKILL)
	<-c.kernel.Process.Done()
	_ = c.kernel.Conn.Close()
	c.readers.Wait()
	_ = c.kernel.Stdout.Close()
	_ = c.kernel.Stderr.Close()
}

func (c *client) collect(r io.Reader, into *strings.Builder) {
	buf := make([]byte, 64<<10)
	for {
		n, err := r.Read(buf)
		c.mu.Lock()
		into.Write(buf[:n])
		c.changed.Broadcast()
		c.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (c *client) receive() {
	defer close(c.messages)
	for {
		var m wire.Message
		if err := wire.ReadFrame(c.kernel.Conn, &m); err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) && !errors.Is(err, syscall.ECONNRESET) {
				c.tb.Errorf("read a frame: %v", err)
			}
			return
		}
		if m.Ack {
			c.send(wire.Request{Type: wire.ReqAck})
		}
		c.messages <- m
	}
}

func (c *client) send(r wire.Request) {
	c.tb.Helper()
	c.writes.Lock()
	defer c.writes.Unlock()
	if err := wire.WriteFrame(c.kernel.Conn, r); err != nil {
		c.tb.Logf("send %s: %v", r.Type, err)
	}
}

// next returns the next message; after the end, one without a type.
func (c *client) next() wire.Message {
	c.tb.Helper()
	select {
	case m := <-c.messages:
		return m
	case <-time.After(patience):
		c.tb.Fatalf("no message; stdout %q; stderr %q", clip(c.written(&c.stdout)), clip(c.written(&c.stderr)))
		return wire.Message{}
	}
}

func clip(s string) string { return s[max(0, len(s)-2500):] }

// outcome is what one execution gave.
type outcome struct {
	Result    string // text/plain
	Name      string // of the error
	Value     string
	Traceback string
	Status    string
	Messages  []wire.Message // all but result, error and done
	Names     []string
	More      int
}

func (c *client) begin(r wire.Request) string {
	c.tb.Helper()
	c.count++
	r.Type, r.ID = wire.ReqExecute, strconv.Itoa(c.count)
	if r.Language == "" {
		r.Language = "javascript"
	}
	code, fault := c.runtime.Translate(r.Language, r.Code)
	if fault != nil {
		c.tb.Fatalf("translate: %+v", fault)
	}
	r.Code, r.Language = code, ""
	c.send(r)
	return r.ID
}

func (c *client) finish() outcome {
	c.tb.Helper()
	var o outcome
	for {
		m := c.next()
		if m.Type != "" && m.ID != strconv.Itoa(c.count) {
			c.tb.Errorf("a message of execution %q in %d: %+v", m.ID, c.count, m)
		}
		switch m.Type {
		case "":
			<-c.kernel.Process.Done()
			c.tb.Logf("the kernel ended: %s; stderr %q", c.kernel.Process.Exit(), clip(c.written(&c.stderr)))
			o.Status = "died"
			return o
		case wire.MsgResult:
			o.Result = plainText(m)
		case wire.MsgError:
			o.Name, o.Value, o.Traceback = m.Name, m.Value, m.Traceback
		case wire.MsgDone:
			o.Status, o.Names, o.More = m.Status, m.Names, m.More
			return o
		default:
			o.Messages = append(o.Messages, m)
			if m.Type == wire.MsgInputRequest {
				return o
			}
		}
	}
}

func plainText(m wire.Message) string {
	s, err := strconv.Unquote(string(m.Bundle["text/plain"]))
	if err != nil {
		return string(m.Bundle["text/plain"])
	}
	return s
}

func (c *client) run(code string) outcome {
	c.tb.Helper()
	c.begin(wire.Request{Code: code})
	return c.finish()
}

func (c *client) interrupt() {
	c.tb.Helper()
	c.send(wire.Request{Type: wire.ReqInterrupt})
	_ = c.kernel.Process.Signal(syscall.SIGINT)
}

// written returns what was collected so far.
func (c *client) written(out *strings.Builder) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return out.String()
}

// forget drops it.
func (c *client) forget(out *strings.Builder) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out.Reset()
}

// await returns when the output contains what is wanted.
func (c *client) await(out *strings.Builder, want string) {
	c.tb.Helper()
	timeout := time.AfterFunc(patience, func() {
		_ = c.kernel.Process.Signal(os.Kill)
		<-c.kernel.Process.Done()
		c.changed.Broadcast()
	})
	defer timeout.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !strings.Contains(out.String(), want) {
		select {
		case <-c.kernel.Process.Done():
			c.tb.Fatalf("the kernel ended before it wrote %q; it wrote %q", want, clip(out.String()))
		default:
		}
		c.changed.Wait()
	}
}
