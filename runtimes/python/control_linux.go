package python

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"

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

// walls are what a fork has to join, as the template and the fork are told.
type walls struct {
	doors []*os.File // of its group, which it goes through first
	words string     // of the packet
	files []*os.File // behind the kernel's ends
	ahead []byte     // what the fork finds on its protocol before the first frame
}

// wallsOf describes a jail. driver/_hotcell/jail.py tells what the words are.
func wallsOf(jail child.Jail) (walls, error) {
	if jail == nil {
		return walls{}, nil
	}
	j := jail.Join()
	var w walls
	namespaces := 0
	if j.Init != nil {
		var err error
		if namespaces, err = j.Init.Namespaces(); err != nil {
			return walls{}, fmt.Errorf("enter the jail: %w", err)
		}
	}
	if namespaces != 0 {
		w.files = append(w.files, j.Init.File())
	}
	ruled := 0
	if j.Ruleset != nil {
		w.files, ruled = append(w.files, j.Ruleset), 1
	}
	for name, value := range j.Env {
		w.ahead = append(append(w.ahead, name+"="+value...), 0)
	}
	kept := 0
	if j.Reaches {
		kept = 1 << unix.CAP_DAC_READ_SEARCH
	}
	w.words = fmt.Sprintf(" %d %d %d %d %d %d", j.UID, kept, namespaces, ruled, len(w.ahead), len(j.Seccomp))
	// The template reads nothing of this, and the socket has room for 200 KiB.
	if w.ahead = append(w.ahead, j.Seccomp...); len(w.ahead) > aheadLimit {
		return walls{}, fmt.Errorf("enter the jail: its filter and variables take %d bytes, of at most %d", len(w.ahead), aheadLimit)
	}
	return w, nil
}

// aheadLimit leaves room for variables beside a filter, of which Linux takes 32 KiB.
const aheadLimit = 48 << 10

// sendFork asks for a fork that has the given ends.
func sendFork(conn *net.UnixConn, seq uint64, ends []*os.File, w walls) error {
	var said error
	err := withDescriptors(slices.Concat(ends, w.doors, w.files), func(fds []int) {
		said = send(conn, fmt.Appendf(nil, "fork %d %d%s", seq, len(w.doors), w.words), unix.UnixRights(fds...))
	})
	if err != nil { // the ends are open
		return &jailError{err}
	}
	return said
}

// jailError is a jail that nothing can be forked into. The template is well.
type jailError struct{ err error }

func (e *jailError) Error() string { return "enter the jail: " + e.err.Error() }
func (e *jailError) Unwrap() error { return e.err }

// withDescriptors calls f with the files' descriptors, which stay open meanwhile and
// as non-blocking as they are.
func withDescriptors(files []*os.File, f func([]int)) error {
	fds := make([]int, 0, len(files))
	var next func() error
	next = func() error {
		if len(fds) == len(files) {
			f(fds)
			return nil
		}
		rc, err := files[len(fds)].SyscallConn()
		if err != nil {
			return err
		}
		if cerr := rc.Control(func(fd uintptr) {
			fds = append(fds, int(fd))
			err = next()
		}); cerr != nil {
			return cerr
		}
		return err
	}
	return next()
}

func sendReap(conn *net.UnixConn, pid int) error {
	return send(conn, fmt.Appendf(nil, "reap %d", pid), nil)
}

func send(conn *net.UnixConn, packet, rights []byte) error {
	_, _, err := conn.WriteMsgUnix(packet, rights, nil)
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
