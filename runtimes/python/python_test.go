package python_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"

	"hotcell/internal/jail"
	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/python"
)

// shared is one runtime for the tests that only need kernels: a template
// takes a second to import everything.
var shared *python.Runtime

// jailVar makes this program the first process of a jail, in namespaces of its
// own; the value is what beInit has to know.
const jailVar = "HOTCELL_TEST_JAIL"

// serversSecret is in the environment of what is the server in these tests.
const serversSecret = "xyzzy-plugh"

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be-child" {
		os.Exit(jail.Main(os.Args[3:]))
	}
	if os.Getenv(jailVar) != "" {
		fmt.Fprintln(os.Stderr, beInit())
		os.Exit(1)
	}
	program, err := program()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if os.Getenv("HOTCELL_TEST_ABANDONS") != "" {
		fmt.Fprintln(os.Stderr, abandon(program))
		os.Exit(1)
	}
	_ = os.Setenv("A_SERVERS_SECRET", serversSecret)
	shared = python.New(python.Config{Program: program})
	code := m.Run()
	_ = shared.Close()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// abandon is the service in a child of the tests that will be killed.
func abandon(program string) error {
	r := python.New(python.Config{Program: program, Preload: []string{}})
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	for _, spec := range []runtimes.Spec{{}, {Env: map[string]string{"PYTHONHASHSEED": "1"}}} {
		k, err := r.Start(ctx, spec)
		if err == nil {
			err = wire.WriteFrame(k.Conn, wire.Request{Type: wire.ReqExecute, Code: "while True: pass"})
		}
		if err != nil {
			return err
		}
		fmt.Println(k.Process.Pid())
	}
	select {}
}

// program is the interpreter that the tests run.
func program() (string, error) {
	if p := os.Getenv("HOTCELL_PYTHON"); p != "" {
		return p, nil
	}
	p, err := filepath.Abs("../../.venv/bin/python")
	if err == nil {
		_, err = os.Stat(p)
	}
	if err != nil {
		return "", &missing{err}
	}
	return p, nil
}

type missing struct{ err error }

func (m *missing) Error() string {
	return "no Python for the tests: run `make setup`, or set HOTCELL_PYTHON (" + m.err.Error() + ")"
}

// kernel drives a started kernel as the server does: it takes the output
// before every message, and answers what wants an answer.
type kernel struct {
	t *testing.T
	*runtimes.Kernel
	input  []string // answers to input requests; then end of input
	before func(wire.Message)
}

func start(t *testing.T) *kernel {
	t.Helper()
	return startOf(t, shared, runtimes.Spec{})
}

func startOf(t *testing.T, r *python.Runtime, spec runtimes.Spec) *kernel {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	k, err := r.Start(ctx, spec)
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	t.Cleanup(func() {
		_ = k.Conn.Close()
		_ = k.Process.Signal(unix.SIGKILL)
		<-k.Process.Done()
		_ = k.Stdout.Close()
		_ = k.Stderr.Close()
	})
	return &kernel{t: t, Kernel: k}
}

// configured starts a kernel and makes it somebody's.
func configured(t *testing.T) *kernel {
	t.Helper()
	k := start(t)
	k.configure(wire.Request{Cwd: t.TempDir()})
	return k
}

func (k *kernel) configure(r wire.Request) {
	k.t.Helper()
	r.Type, r.Language = wire.ReqConfigure, "python"
	k.send(r)
	if m := k.read(); m.Type != wire.MsgReady {
		k.t.Fatalf("configure: %+v", m)
	}
}

func (k *kernel) send(r wire.Request) {
	k.t.Helper()
	if err := wire.WriteFrame(k.Conn, r); err != nil {
		k.t.Fatalf("send: %v", err)
	}
}

func (k *kernel) read() wire.Message {
	k.t.Helper()
	var m wire.Message
	if err := k.Conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		k.t.Fatal(err)
	}
	if err := wire.ReadFrame(k.Conn, &m); err != nil {
		k.t.Fatalf("read: %v", err)
	}
	return m
}

// run is what an execution produced.
type run struct {
	stdout, stderr strings.Builder
	order          []string // messages by type and output as "1:text", in order
	messages       []wire.Message
	done           wire.Message
}

func (r *run) first(kind string) wire.Message {
	for _, m := range r.messages {
		if m.Type == kind {
			return m
		}
	}
	return wire.Message{}
}

func (r *run) count(kind string) int {
	n := 0
	for _, m := range r.messages {
		if m.Type == kind {
			n++
		}
	}
	return n
}

// result is the text of the cell's value.
func (r *run) result() string { return text(r.first(wire.MsgResult), "text/plain") }

func text(m wire.Message, kind string) string {
	var s string
	_ = json.Unmarshal(m.Bundle[kind], &s)
	return s
}

func (k *kernel) execute(code string) *run {
	k.t.Helper()
	return k.request(wire.Request{Code: code})
}

// ok executes and expects success.
func (k *kernel) ok(code string) *run {
	k.t.Helper()
	r := k.execute(code)
	if r.done.Status != "ok" {
		k.t.Fatalf("%q: status %s, %s", code, r.done.Status, r.first(wire.MsgError).Traceback)
	}
	return r
}

func (k *kernel) request(req wire.Request) *run {
	k.t.Helper()
	if req.Type == "" {
		req.Type = wire.ReqExecute
	}
	req.ID = "x"
	k.send(req)
	return k.await()
}

// await takes what an execution produces until it is done.
func (k *kernel) await() *run {
	k.t.Helper()
	r := &run{}
	for {
		m := k.next(r)
		r.messages = append(r.messages, m)
		r.order = append(r.order, m.Type)
		if k.before != nil {
			k.before(m)
		}
		switch {
		case m.Type == wire.MsgDone:
			r.done = m
			return r
		case m.Ack:
			k.send(wire.Request{Type: wire.ReqAck})
		case m.Type == wire.MsgInputRequest:
			reply := wire.Request{Type: wire.ReqInput, EOF: len(k.input) == 0}
			if len(k.input) > 0 {
				reply.Value, k.input = k.input[0], k.input[1:]
			}
			k.send(reply)
		}
	}
}

// next waits for a message, taking all output that comes before it.
func (k *kernel) next(r *run) wire.Message {
	k.t.Helper()
	fds := []unix.PollFd{
		{Fd: int32(descriptor(k.t, k.Conn)), Events: unix.POLLIN},
		{Fd: int32(descriptor(k.t, k.Stdout)), Events: unix.POLLIN},
		{Fd: int32(descriptor(k.t, k.Stderr)), Events: unix.POLLIN},
	}
	for {
		n, err := unix.Poll(fds, 30_000)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			k.t.Fatalf("no message within 30 s: %v; stdout %.2000q stderr %.2000q", err, r.stdout.String(), r.stderr.String())
		}
		k.drain(r, fds)
		if fds[0].Revents != 0 {
			k.drain(r, fds)
			return k.read()
		}
		if fds[1].Revents&unix.POLLHUP != 0 {
			fds[1].Fd = -1
		}
		if fds[2].Revents&unix.POLLHUP != 0 {
			fds[2].Fd = -1
		}
	}
}

// descriptor is the number behind a connection or a file, still non-blocking.
func descriptor(t *testing.T, c any) (number uintptr) {
	t.Helper()
	rc, err := c.(syscall.Conn).SyscallConn()
	if err == nil {
		err = rc.Control(func(fd uintptr) { number = fd })
	}
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func (k *kernel) drain(r *run, fds []unix.PollFd) {
	buf := make([]byte, 64<<10)
	for i, into := range []*strings.Builder{&r.stdout, &r.stderr} {
		for fds[i+1].Fd >= 0 {
			n, err := unix.Read(int(fds[i+1].Fd), buf)
			if n <= 0 || err != nil {
				break
			}
			into.Write(buf[:n])
			label := []string{"1:", "2:"}[i]
			if last := len(r.order) - 1; last >= 0 && strings.HasPrefix(r.order[last], label) {
				r.order[last] += string(buf[:min(n, max(0, 1000-len(r.order[last])))])
			} else {
				r.order = append(r.order, label+string(buf[:n]))
			}
		}
	}
}
