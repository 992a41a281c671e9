package interpreter

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// drainTime is how long the protocol may still be read once the process is
// gone: what it sent is in the socket, so this only bounds a copy of the
// descriptor that a forked child holds until it is killed too.
const drainTime = 200 * time.Millisecond

// sendNowLimit is what a socket's default buffer of 208 KiB holds several times.
const sendNowLimit = 32 << 10

// kernel is the one that a context has at the moment: the started process,
// its output, and the protocol.
//
// Goroutines: a reader and a writer of the protocol and the two of output. All
// end when close is called; the reader also at the protocol's end.
type kernel struct {
	*runtimes.Kernel
	complete func(wire.Bundle) wire.Bundle // nil: bundles stay as they are
	out      *output
	// replies are the messages for the loop: ready, done, and the answers to
	// complete, inspect and is_complete. It is closed at the protocol's end.
	replies chan wire.Message
	telling sync.RWMutex // read-held while replies is sent to, since the writer does so too
	over    bool         // replies is closed; guarded by telling
	outbox  chan wire.Request
	queued  atomic.Int32 // requests in outbox, or being written from there
	writing sync.Mutex   // held while a frame is written, so that frames stay whole
	stop    chan struct{}
	wg      sync.WaitGroup

	mu      sync.Mutex
	current *Execution // whose events the driver's messages are
	asking  string     // id of the request whose reply is awaited
	// unread is set when the protocol ended with something in it that the
	// driver had not read, or could not be sent any more.
	unread bool
	broken error // what the driver, or somebody in its name, said that no driver says

	trusted bool // has not said yet that it is a context's

	names []string // the loop's: what the driver said at the last done
	more  int
	told  child.Count // the reader's, until it has ended: what was told already
}

// counted is what the system has counted against the kernel's limits since it was
// asked last. The kernel has to be alive.
func (c *kernel) counted() child.Count {
	if c.Group == nil {
		return child.Count{}
	}
	now := c.Group.Count()
	news := now.Since(c.told)
	c.told = now
	return news
}

// ended is exit in words.
func (c *kernel) ended() string {
	if fault := c.breach(); fault != nil {
		return fmt.Sprintf("killed, since it broke the protocol between its driver and the server: %v", fault)
	}
	return c.EndedAs(c.exit())
}

// breach is how the protocol was broken, if it was.
func (c *kernel) breach() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.broken
}

// breaks notes it. Nothing that comes after can be told apart from what went before,
// so the kernel is of no use any more.
func (c *kernel) breaks(err error) {
	c.mu.Lock()
	c.broken = err
	c.mu.Unlock()
	c.kill()
}

// exit is how a kernel that is gone has ended, without what was told before.
func (c *kernel) exit() child.Exit {
	e := c.Process.Exit()
	e.Count = e.Count.Since(c.told)
	return e
}

func newKernel(k *runtimes.Kernel, cfg Config) *kernel {
	c := &kernel{
		Kernel:   k,
		complete: cfg.Complete,
		out:      newOutput(k.Stdout, k.Stderr, cfg.Now, cfg.Observe),
		replies:  make(chan wire.Message, 1),
		outbox:   make(chan wire.Request, 16),
		stop:     make(chan struct{}),
	}
	// Ends at the connection's end or when close closes it.
	c.wg.Go(c.read)
	// Ends when close closes stop, which also closes the connection under it.
	c.wg.Go(c.write)
	return c
}

// send writes a request, or queues it where writing it could take a while. One
// that a gone kernel does not take is dropped: its end is noticed by whoever
// waits for the answer.
func (c *kernel) send(r wire.Request) {
	if c.sendNow(r) {
		return
	}
	c.queued.Add(1)
	select {
	case c.outbox <- r:
		return
	case <-c.stop:
	case <-c.Process.Done():
	}
	c.queued.Add(-1)
}

// sendNow writes a small request at once, which saves the step to another
// goroutine: the socket has room for it unless the driver has left several
// times as much unread. What was queued before goes first.
func (c *kernel) sendNow(r wire.Request) bool {
	if !small(r) || c.queued.Load() > 0 || !c.writing.TryLock() {
		return false
	}
	defer c.writing.Unlock()
	if wire.WriteFrame(c.Conn, r) != nil {
		c.setUnread() // the reader sees the same end and says so
	}
	return true
}

// small tells that a kernel that has read everything has room for a request.
func small(r wire.Request) bool {
	size := len(r.Code) + len(r.Value)
	for name, value := range r.Env {
		size += len(name) + len(value)
	}
	return size <= sendNowLimit
}

func (c *kernel) write() {
	for {
		select {
		case r := <-c.outbox:
			c.writing.Lock()
			err := wire.WriteFrame(c.Conn, r)
			c.writing.Unlock()
			c.queued.Add(-1)
			if errors.Is(err, wire.ErrFrameTooLarge) { // nothing was written
				c.tooLarge(r)
				continue
			}
			if err != nil {
				c.setUnread()
				return // the reader sees the same end and says so
			}
		case <-c.stop:
			return
		}
	}
}

// tooLarge answers, in the driver's place, a request that no frame holds.
func (c *kernel) tooLarge(r wire.Request) {
	why := fmt.Sprintf("the request is too large: with all that JSON escapes it has more than %d MiB", wire.MaxFrame>>20)
	switch r.Type {
	case wire.ReqExecute:
		c.out.message(&wire.Event{Type: wire.EventError, Name: "RequestTooLargeError", Value: why}, 0)
		if e, _ := c.endCurrent(r.ID); e != nil {
			// The loop doesn't touch the names while it waits for this.
			c.reply(wire.Message{Type: wire.MsgDone, ID: r.ID, Status: string(wire.StatusError), Names: c.names, More: c.more})
		}
	case wire.ReqInput: // what waits for it must go on
		c.sendNow(wire.Request{Type: wire.ReqInput, EOF: true})
	default:
		c.reply(wire.Message{Type: wire.MsgRefused, ID: r.ID, Value: why})
	}
}

func (c *kernel) setUnread() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread = true
}

func (c *kernel) hasUnread() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.unread
}

// read takes the driver's messages to where they belong.
func (c *kernel) read() {
	defer c.hangUp()
	r := bufio.NewReader(c.Conn)
	for {
		var m wire.Message
		if err := wire.ReadFrame(r, &m); err != nil {
			if errors.Is(err, syscall.ECONNRESET) { // Linux: the peer closed with data in its queue
				c.setUnread()
			}
			if errors.Is(err, wire.ErrNoMessage) || errors.Is(err, wire.ErrFrameTooLarge) {
				c.breaks(err)
			}
			return // end of the protocol, whatever the reason
		}
		var delay time.Duration
		if wire.FrameBuffered(r) { // which is taken next
			delay = soon
		}
		if !c.take(m, delay) {
			return
		}
	}
}

// take handles one message, and reports whether there may be more. Those who read
// the execution's events may hear of it after a delay.
func (c *kernel) take(m wire.Message, delay time.Duration) bool {
	switch m.Type {
	case wire.MsgReady, wire.MsgRefused:
		return c.reply(m)
	case wire.MsgDone:
		e, full := c.endCurrent(m.ID)
		if e == nil {
			return true // not of the running execution: nobody's
		}
		// The code may not notice that a process of its own was killed, or know why.
		if text := c.counted().String(); text != "" {
			_ = e.append(wire.Event{Type: wire.EventNotice, Text: capital(text)})
		}
		if !full {
			e.conclude(wire.Status(m.Status)) // here, so that clients needn't wait for the loop
		}
		return c.reply(m)
	case wire.MsgCompleteReply, wire.MsgInspectReply, wire.MsgIsCompleteReply:
		c.mu.Lock()
		wanted := m.ID == c.asking
		c.mu.Unlock()
		return !wanted || c.reply(m)
	}
	ev, ok := eventOf(m)
	if !ok {
		return true
	}
	if c.complete != nil && len(ev.Bundle) > 0 {
		ev.Bundle = c.complete(ev.Bundle)
	}
	if ev.Type == wire.EventInputRequest {
		c.mu.Lock()
		if e := c.current; e != nil {
			e.ask()
		}
		c.mu.Unlock()
	}
	c.out.message(&ev, delay)
	if m.Ack {
		c.send(wire.Request{Type: wire.ReqAck})
	}
	return true
}

// hangUp says that no replies come any more.
func (c *kernel) hangUp() {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.over = true
	close(c.replies)
}

func (c *kernel) reply(m wire.Message) bool {
	c.telling.RLock() // nobody waits for it but the end of the protocol
	defer c.telling.RUnlock()
	if c.over {
		return false
	}
	select {
	case c.replies <- m:
		return true
	case <-c.stop:
		return false
	}
}

// begin makes e the execution whose output and events come from now on.
func (c *kernel) begin(e *Execution) {
	c.mu.Lock()
	c.current = e
	c.mu.Unlock()
	c.out.attach(e)
}

// endCurrent detaches the execution with this id, so that what the kernel
// writes after its done is background output.
func (c *kernel) endCurrent(id string) (e *Execution, full bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil || c.current.req.ID != id {
		return nil, false
	}
	e, c.current = c.current, nil
	return e, c.out.end()
}

// eventOf makes an event of a message that stands for one.
func eventOf(m wire.Message) (wire.Event, bool) {
	ev := wire.Event{Bundle: m.Bundle, Metadata: m.Metadata}
	switch m.Type {
	case wire.MsgDisplay:
		ev.Type, ev.DisplayID, ev.Update = wire.EventDisplay, m.DisplayID, m.Update
	case wire.MsgResult:
		ev.Type = wire.EventResult
	case wire.MsgChart:
		ev.Type, ev.Chart = wire.EventChart, m.Chart
	case wire.MsgClearOutput:
		ev.Type, ev.Wait = wire.EventClearOutput, m.Wait
	case wire.MsgInputRequest:
		ev.Type, ev.Prompt, ev.Password = wire.EventInputRequest, m.Prompt, m.Password
	case wire.MsgError:
		ev = wire.Event{Type: wire.EventError, Name: m.Name, Value: m.Value, Traceback: m.Traceback}
	default:
		return ev, false
	}
	return ev, true
}

// configured waits for the kernel's word that it is a context's.
func (c *kernel) configured(ctx context.Context) error {
	select {
	case m, ok := <-c.replies:
		switch {
		case !ok:
			return fmt.Errorf("configure kernel: %w", errProtocolEnd)
		case m.Type == wire.MsgRefused:
			return &RefusedError{Value: m.Value}
		}
		return nil
	case <-c.Process.Done():
		return fmt.Errorf("configure kernel: %w", runtimes.Struck("it ended: "+c.Process.Exit().String()))
	case <-ctx.Done():
		return fmt.Errorf("configure kernel: %w", context.Cause(ctx))
	}
}

// errProtocolEnd is a kernel that ends before it has run anything, which is not for
// what it was asked.
var errProtocolEnd = runtimes.Struck("it ended: the driver closed its protocol descriptor")

// interrupt sends SIGINT to the group, and the frame for drivers that need it.
func (c *kernel) interrupt() {
	r := wire.Request{Type: wire.ReqInterrupt}
	if !c.sendNow(r) {
		c.queued.Add(1)
		select {
		case c.outbox <- r:
		default: // it does not read, so it does not need it
			c.queued.Add(-1)
		}
	}
	_ = c.Process.Signal(syscall.SIGINT)
}

// close kills the group, waits until it is reaped, and joins everything.
func (c *kernel) close() {
	_ = c.Process.Signal(syscall.SIGKILL)
	<-c.Process.Done()
	_ = c.Conn.SetReadDeadline(time.Now())
	close(c.stop)
	_ = c.Conn.Close()
	c.out.close()
	c.wg.Wait()
}
