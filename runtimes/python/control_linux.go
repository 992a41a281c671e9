package python

import (
	"context"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// packetLimit is the largest packet on the control socket.
const packetLimit = 1 << 16

// packet is what the template says; driver/_hotcell/template.py tells which
// members belong to which op.
type packet struct {
	Op     string   `json:"op"`
	Seq    uint64   `json:"seq,omitempty"`
	Pid    int      `json:"pid,omitempty"`
	Code   int      `json:"code,omitempty"`
	Signal int      `json:"signal,omitempty"`
	Error  string   `json:"error,omitempty"`
	Sites  []string `json:"sites,omitempty"`
}

// launchTemplate starts the process with its control socket on descriptor 3.
func launchTemplate(spec child.Spec) (*net.UnixConn, *child.Process, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make control socket: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "control"), os.NewFile(uintptr(fds[1]), "control")
	defer ours.Close()
	defer theirs.Close()
	c, err := net.FileConn(ours)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("make control connection: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, nil, nil, fmt.Errorf("make control connection: it is a %T", c)
	}
	output, write, err := os.Pipe()
	if err != nil {
		_ = conn.Close()
		return nil, nil, nil, fmt.Errorf("make output pipe: %w", err)
	}
	defer write.Close()
	spec.Stdout, spec.Stderr = write, write
	spec.Files = append([]*os.File{theirs}, spec.Files...)
	// A template that dies of our death by signal can't end its kernels any
	// more; one that reads the end of its control socket does.
	spec.OutlivesUs = true
	process, err := child.Start(context.Background(), spec)
	if err != nil {
		_ = conn.Close()
		_ = output.Close()
		return nil, nil, nil, err
	}
	return conn, process, output, nil
}

func sendFork(conn *net.UnixConn, seq uint64, files []*os.File) error {
	fds := make([]int, len(files))
	for i, f := range files {
		fds[i] = int(f.Fd())
	}
	return send(conn, "fork", seq, unix.UnixRights(fds...))
}

func send(conn *net.UnixConn, verb string, number uint64, rights []byte) error {
	_, _, err := conn.WriteMsgUnix(fmt.Appendf(nil, "%s %d", verb, number), rights, nil)
	return err
}

// received returns the descriptors that came with a packet.
func received(rights []byte) []*os.File {
	messages, err := unix.ParseSocketControlMessage(rights)
	if err != nil {
		return nil
	}
	var files []*os.File
	for _, m := range messages {
		fds, err := unix.ParseUnixRights(&m)
		if err != nil {
			continue
		}
		for _, fd := range fds {
			unix.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "pidfd"))
		}
	}
	return files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
