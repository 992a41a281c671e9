package python

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
	"hotcell/runtimes"
)

var errTemplateGone = runtimes.Struck("the template process has ended")

// endGrace is how long a template may take to kill its kernels and end.
const endGrace = 2 * time.Second

// forked is the answer to a fork.
type forked struct {
	process *child.Adopted
	err     error
}

// template is a Python process from which kernels are forked. It is the
// kernels' parent: it reports their exits and reaps them when told to.
//
// Goroutines: run, and one that reads its output; both end with the process.
type template struct {
	log    *slog.Logger
	forget func(*template)
	ready  chan struct{} // closed when it can fork, or has failed to start
	ended  chan struct{} // closed when everything is over

	mu      sync.Mutex
	conn    *net.UnixConn // nil until it is started and after it was hung up
	fault   error         // why it can't fork any more
	retired bool
	sites   map[string]time.Time // package directories, when it imported from them
	seq     uint64
	waiting map[uint64]chan forked
	kernels map[int]*child.Adopted
}

func newTemplate(log *slog.Logger, forget func(*template)) *template {
	return &template{
		log: log, forget: forget,
		ready: make(chan struct{}), ended: make(chan struct{}),
		waiting: make(map[uint64]chan forked), kernels: make(map[int]*child.Adopted),
	}
}

// run is the template's life.
func (t *template) run(spec child.Spec) {
	defer close(t.ended)
	defer t.forget(t)
	began := time.Now()
	conn, process, output, err := launchTemplate(spec)
	if err != nil {
		t.fail(fmt.Errorf("start template: %w", err))
		close(t.ready)
		return
	}
	words := make(chan string, 1)
	// Ends when the template has closed its output, which its end does.
	go func() { words <- t.readOutput(output) }()

	t.mu.Lock()
	hungUp := t.fault != nil
	t.conn = conn
	t.mu.Unlock()
	if hungUp {
		_ = conn.Close()
	}
	t.serve(conn, began)

	_ = conn.Close() // for a template that is alive and has broken off
	grace := time.NewTimer(endGrace)
	defer grace.Stop()
	select {
	case <-t.ready:
	default: // still importing, it has no kernels to end
		grace.Reset(0)
	}
	select {
	case <-process.Done():
	case <-grace.C:
		process.Stop(0)
	}
	t.over(process.Exit(), <-words)
}

// serve takes the template's packets until there are no more.
func (t *template) serve(conn *net.UnixConn, began time.Time) {
	buf, rights := make([]byte, packetLimit), make([]byte, unix.CmsgSpace(4*4))
	for {
		n, m, _, _, err := conn.ReadMsgUnix(buf, rights)
		if err != nil || n == 0 {
			return
		}
		files := received(rights[:m])
		var p packet
		if err := json.Unmarshal(buf[:n], &p); err != nil {
			closeAll(files)
			t.log.Error("template sent what is no packet", slog.Any("error", err))
			return
		}
		switch p.Op {
		case "ready":
			t.mu.Lock()
			t.sites = modified(p.Sites)
			t.mu.Unlock()
			close(t.ready)
			t.log.Debug("template is ready", slog.Duration("took", time.Since(began)))
		case "forked":
			t.forked(p, files)
			continue
		case "failed":
			t.answer(p.Seq, forked{err: errors.New(p.Error)})
			t.endUnused()
		case "exited":
			t.exited(p)
		}
		closeAll(files)
	}
}

// fork asks for a kernel that has the given ends. Into its jail it goes by itself; its
// first message says whether it is there.
func (t *template) fork(ctx context.Context, ends *runtimes.Ends, w walls) (*child.Adopted, error) {
	t.mu.Lock()
	if t.fault != nil || t.conn == nil {
		err := t.fault
		t.mu.Unlock()
		return nil, err
	}
	t.seq++
	seq, answer, conn := t.seq, make(chan forked, 1), t.conn
	t.waiting[seq] = answer
	t.mu.Unlock()

	if err := sendFork(conn, seq, ends.Theirs[:], w); err != nil {
		t.abandon(seq, answer)
		if jail := (*jailError)(nil); errors.As(err, &jail) {
			return nil, err
		}
		err = fmt.Errorf("%w: %w", errTemplateGone, err)
		t.fail(err) // before serve has noticed
		return nil, err
	}
	select {
	case f := <-answer:
		return f.process, f.err
	case <-ctx.Done():
		t.abandon(seq, answer)
		return nil, context.Cause(ctx)
	}
}

// abandon gives up on an answer. A kernel that comes all the same is killed.
func (t *template) abandon(seq uint64, answer chan forked) {
	t.mu.Lock()
	_, pending := t.waiting[seq]
	if pending {
		t.waiting[seq] = nil
	}
	t.mu.Unlock()
	if !pending { // it has just been answered
		if f := <-answer; f.process != nil {
			_ = f.process.Signal(syscall.SIGKILL)
		}
	}
}

func (t *template) forked(p packet, files []*os.File) {
	if len(files) != 1 {
		closeAll(files)
		// There was no room for it here. The kernel ends when its socket is closed.
		t.answer(p.Seq, forked{err: fmt.Errorf("take the kernel's descriptor: %w", syscall.EMFILE)})
		return
	}
	k := child.Adopt(p.Pid, files[0])
	t.mu.Lock()
	t.kernels[p.Pid] = k
	t.mu.Unlock()
	t.answer(p.Seq, forked{process: k})
}

func (t *template) answer(seq uint64, f forked) {
	t.mu.Lock()
	answer := t.waiting[seq]
	delete(t.waiting, seq)
	t.mu.Unlock()
	if answer != nil {
		answer <- f
	} else if f.process != nil {
		_ = f.process.Signal(syscall.SIGKILL)
	}
}

// exited passes an exit on, lets the template reap, and ends a retired
// template with its last kernel.
func (t *template) exited(p packet) {
	t.mu.Lock()
	k, conn := t.kernels[p.Pid], t.conn
	t.mu.Unlock()
	if k == nil { // there was no room for its descriptor; unreaped it would keep its jail from ending
		if conn != nil {
			_ = sendReap(conn, p.Pid)
		}
		return
	}
	k.Exited(child.Exit{Code: p.Code, Signal: syscall.Signal(p.Signal), At: time.Now()})
	if conn != nil {
		_ = sendReap(conn, p.Pid)
	}
	t.mu.Lock()
	delete(t.kernels, p.Pid)
	t.mu.Unlock()
	t.endUnused()
}

// usable says whether new kernels may come from it. One that is still
// importing is.
func (t *template) usable() bool {
	t.mu.Lock()
	usable, sites := t.fault == nil && !t.retired, t.sites
	t.mu.Unlock()
	if !usable {
		return false
	}
	return maps.EqualFunc(sites, modified(slices.Collect(maps.Keys(sites))), time.Time.Equal)
}

// retire lets it live only as long as its kernels.
func (t *template) retire() {
	t.mu.Lock()
	t.retired = true
	t.mu.Unlock()
	t.endUnused()
}

// endUnused ends a retired template that has no kernels and owes none.
func (t *template) endUnused() {
	t.mu.Lock()
	unused := t.retired && t.fault == nil && len(t.kernels) == 0 && len(t.waiting) == 0
	t.mu.Unlock()
	if unused {
		t.hangUp()
	}
}

// hangUp tells it to end, and its kernels with it.
func (t *template) hangUp() {
	t.mu.Lock()
	if t.fault == nil {
		t.fault = errTemplateGone
	}
	conn := t.conn
	t.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}

// fail says why it can't fork any more. The first reason stays.
func (t *template) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.fault == nil {
		t.fault = err
	}
}

// over settles what is left when the process has ended.
func (t *template) over(exit child.Exit, words string) {
	err := fmt.Errorf("%w: %s", errTemplateGone, exit)
	if words != "" {
		err = fmt.Errorf("%w; it said: %s", err, words)
	}
	select {
	case <-t.ready:
	default:
		// It never worked: trying again would end the same way, unless somebody killed it.
		if exit.Signal != syscall.SIGKILL {
			err = fmt.Errorf("the template could not start: %s; it said: %s", exit, words)
		}
		t.mu.Lock()
		if t.fault == nil {
			t.log.Error("python template could not start", slog.String("exit", exit.String()), slog.String("said", words))
		}
		t.mu.Unlock()
		t.fail(err)
		close(t.ready)
	}
	t.fail(err)
	t.mu.Lock()
	t.conn = nil
	kernels, waiting := maps.Clone(t.kernels), t.waiting
	t.kernels, t.waiting = nil, make(map[uint64]chan forked)
	hungUp := errors.Is(t.fault, errTemplateGone)
	t.mu.Unlock()
	if len(kernels) > 0 && !hungUp {
		t.log.Warn("python template ended", slog.String("exit", exit.String()), slog.Int("kernels", len(kernels)))
	}
	for _, k := range kernels {
		k.Orphaned()
	}
	for _, answer := range waiting {
		if answer != nil {
			answer <- forked{err: err}
		}
	}
}

// readOutput logs what the template says and keeps the end of it.
func (t *template) readOutput(output *os.File) string {
	defer output.Close()
	const kept = 4 << 10
	var tail []byte
	buf := make([]byte, kept)
	for {
		n, err := output.Read(buf)
		if n > 0 {
			t.log.Debug("template said", slog.String("text", string(buf[:n])))
			tail = append(tail, buf[:n]...)
			tail = tail[max(0, len(tail)-kept):]
		}
		if err != nil {
			return strings.TrimSpace(strings.ToValidUTF8(string(tail), "\uFFFD"))
		}
	}
}
