package jail

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

const (
	// messageLimit is more than an environment and arguments can have, of which
	// Linux takes a quarter of the stack's limit, and more than base64 makes of it.
	messageLimit = 32 << 20
	// filesLimit is how many descriptors may come with a message: SCM_MAX_FD.
	filesLimit = 253
)

// Ops of requests.
const (
	opStart = "start" // a process, whose descriptors come along
	opReap  = "reap"  // one that has ended, and been swept up behind
	opEnd   = "end"   // one that the server has no descriptor of
	opDir   = "dir"   // may a process have this directory as its own?
	opLimit = "limit" // lower a process's limits, which takes its own user
)

// request is what the server asks the first process for. Paths, arguments and
// variables are bytes, which JSON's text isn't.
type request struct {
	Op       string        `json:"op"`
	Seq      uint64        `json:"seq"` // of a start for ever: the process's name on this socket
	Path     []byte        `json:"path,omitempty"`
	Dir      []byte        `json:"dir,omitempty"`
	Search   bool          `json:"search,omitempty"`
	Terminal bool          `json:"terminal,omitempty"`
	Args     []byte        `json:"args,omitempty"` // each with a NUL behind it, like the variables
	Env      []byte        `json:"env,omitempty"`
	Mark     uint64        `json:"mark,omitempty"`
	Doors    int           `json:"doors,omitempty"` // of its group: the first so many descriptors are the way in, as many more the way back
	PID      int           `json:"pid,omitempty"`
	Limits   child.Rlimits `json:"limits,omitempty"`
	Streams  [3]bool       `json:"streams"` // which of the first three are among the descriptors
}

// Ops of replies.
const (
	replyReady   = "ready"   // its own pidfd comes along
	replyStarted = "started" // the process's pidfd comes along
	replyFailed  = "failed"
	replyFine    = "fine"   // the directory
	replyExited  = "exited" // and is unreaped
)

// reply is what the first process says.
type reply struct {
	Op     string `json:"op"`
	Seq    uint64 `json:"seq,omitempty"`
	Errno  int    `json:"errno,omitempty"`
	What   string `json:"what,omitempty"` // that failed: chdir
	Code   int    `json:"code,omitempty"`
	Signal int    `json:"signal,omitempty"`
}

// packed writes words with a NUL behind each.
func packed(words []string) []byte {
	var b []byte
	for _, w := range words {
		b = append(append(b, w...), 0)
	}
	return b
}

// unpacked reads them again.
func unpacked(b []byte) []string {
	if len(b) == 0 {
		return []string{}
	}
	return strings.Split(string(bytes.TrimSuffix(b, []byte{0})), "\x00")
}

// pipe is one end of the socket between the server and a first process: a length
// of four bytes, JSON, and descriptors that come with the first byte.
type pipe struct {
	conn    *net.UnixConn
	limit   time.Duration // for the other end to take a message; 0: none
	writing sync.Mutex
}

// openPipe makes an end of a descriptor, which it closes.
func openPipe(f *os.File) (*pipe, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("open the jail's socket: %w", err)
	}
	conn, ok := c.(*net.UnixConn)
	if !ok {
		_ = c.Close()
		return nil, fmt.Errorf("open the jail's socket: it is a %T", c)
	}
	return &pipe{conn: conn}, nil
}

func (p *pipe) send(m any, files ...*os.File) error {
	body, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode for the jail: %w", err)
	}
	if len(body) > messageLimit {
		return unix.E2BIG
	}
	if len(files) > filesLimit {
		return unix.EMFILE
	}
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	var rights []byte
	if len(files) > 0 {
		fds := make([]int, len(files))
		for i, f := range files {
			fds[i] = int(f.Fd())
		}
		rights = unix.UnixRights(fds...)
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if p.limit > 0 {
		_ = p.conn.SetWriteDeadline(time.Now().Add(p.limit))
	}
	n, _, err := p.conn.WriteMsgUnix(frame, rights, nil)
	if err == nil && n < len(frame) {
		_, err = p.conn.Write(frame[n:])
	}
	return err
}

// receive reads one message. Its descriptors are the caller's.
func (p *pipe) receive(m any) ([]*os.File, error) {
	var head [4]byte
	rights := make([]byte, unix.CmsgSpace(4*filesLimit))
	n, oob, _, _, err := p.conn.ReadMsgUnix(head[:], rights)
	if err == nil && n == 0 {
		err = io.EOF
	}
	if err != nil {
		return nil, err
	}
	files := received(rights[:oob])
	if _, err = io.ReadFull(p.conn, head[n:]); err == nil {
		err = p.body(binary.BigEndian.Uint32(head[:]), m)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

func (p *pipe) body(size uint32, m any) error {
	if size > messageLimit {
		return errors.New("a message of the jail's is too long")
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(p.conn, body); err != nil {
		return err
	}
	return json.Unmarshal(body, m)
}

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
		for _, fd := range fds { // close-on-exec, package net asks for that
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	return files
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
