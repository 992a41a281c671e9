package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// endTime is how long a process that was killed is waited for before its
// failed start is told; reaping takes microseconds.
const endTime = time.Second

// unchecked turns off an assertion of Node's own, which ends the process when
// a timer's callback was terminated, as an interrupt does.
const unchecked = "--no-force-async-hooks-checks"

// Start starts a kernel and waits for its driver's hello.
func (r *Runtime) Start(ctx context.Context, spec runtimes.Spec) (*runtimes.Kernel, error) {
	if r.info.Fault != "" {
		return nil, fmt.Errorf("%w: %s", runtimes.ErrUnavailable, r.info.Fault)
	}
	main, err := r.driver.main()
	if err != nil {
		return nil, fmt.Errorf("prepare the node driver: %w", err)
	}
	k, err := r.launch(ctx, main, spec)
	if err != nil {
		return nil, fmt.Errorf("start a node kernel: %w", err)
	}
	if err := awaitHello(ctx, k); err != nil {
		return nil, fmt.Errorf("start a node kernel (%s): %w", r.info.Program, abandon(k, err))
	}
	return k, nil
}

// launch starts the process with its pipes and its socket.
func (r *Runtime) launch(ctx context.Context, main string, spec runtimes.Spec) (*runtimes.Kernel, error) {
	stdout, err := newPipe()
	if err != nil {
		return nil, err
	}
	stderr, err := newPipe()
	if err != nil {
		stdout.close()
		return nil, err
	}
	conn, theirs, err := connection()
	if err != nil {
		stdout.close()
		stderr.close()
		return nil, err
	}
	p, err := child.Start(ctx, child.Spec{
		Path: r.info.Program, Args: []string{unchecked, main}, Env: merged(r.cfg.Env, spec.Env),
		Stdout: stdout.write, Stderr: stderr.write, Files: []*os.File{theirs},
	})
	_ = theirs.Close()
	if err != nil {
		stdout.close()
		stderr.close()
		_ = conn.Close()
		return nil, err
	}
	stdout.closeWrite()
	stderr.closeWrite()
	return &runtimes.Kernel{Conn: conn, Stdout: stdout.read, Stderr: stderr.read, Process: p}, nil
}

// connection makes the protocol's socketpair.
func connection() (net.Conn, *os.File, error) {
	fds, err := socketpair()
	if err != nil {
		return nil, nil, fmt.Errorf("make a socketpair: %w", err)
	}
	ours := os.NewFile(uintptr(fds[0]), "protocol")
	theirs := os.NewFile(uintptr(fds[1]), "driver")
	defer ours.Close() // FileConn has its own
	conn, err := net.FileConn(ours)
	if err != nil {
		_ = theirs.Close()
		return nil, nil, fmt.Errorf("use the socketpair: %w", err)
	}
	return conn, theirs, nil
}

// awaitHello reads the driver's first message, until ctx ends.
func awaitHello(ctx context.Context, k *runtimes.Kernel) error {
	stop := context.AfterFunc(ctx, func() { _ = k.Conn.SetReadDeadline(time.Unix(1, 0)) })
	err := wire.ReadFrame(k.Conn, &k.Hello)
	if !stop() {
		return fmt.Errorf("wait for the driver's hello: %w", context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("wait for the driver's hello: %w", err)
	}
	if k.Hello.Type != wire.MsgHello || k.Hello.Protocol != wire.ProtocolVersion {
		return fmt.Errorf("the driver said %q with protocol %d; %q with %d is needed",
			k.Hello.Type, k.Hello.Protocol, wire.MsgHello, wire.ProtocolVersion)
	}
	return nil
}

// abandon ends a kernel that did not start, and adds to the error what it said
// and how it ended.
func abandon(k *runtimes.Kernel, cause error) error {
	defer k.Stdout.Close()
	defer k.Stderr.Close()
	defer k.Conn.Close()
	ended := "it was still running"
	select {
	case <-k.Process.Done():
		ended = k.Process.Exit().String()
	default:
		// A process that closed its end is about to exit, with a status worth telling.
		t := time.NewTimer(endTime)
		defer t.Stop()
		if isEOF(cause) {
			select {
			case <-k.Process.Done():
				ended = k.Process.Exit().String()
			case <-t.C:
			}
		}
	}
	_ = k.Process.Signal(os.Kill)
	<-k.Process.Done()
	said := strings.TrimSpace(tail(k.Stderr))
	if said == "" {
		said = "nothing"
	}
	return fmt.Errorf("%w; %s; on stderr: %s", cause, ended, clip(said, 2000))
}

// merged adds the variables of a spec to the inherited ones. The later of two
// entries wins in the child.
func merged(base []string, added map[string]string) []string {
	env := make([]string, 0, len(base)+len(added))
	env = append(env, base...)
	for name, value := range added {
		env = append(env, name+"="+value)
	}
	return env
}

func isEOF(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}
