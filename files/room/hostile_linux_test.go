package room_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/e2e/procs"
	"hotcell/files"
	"hotcell/files/room"
	"hotcell/internal/child"
	"hotcell/internal/wire"
)

// What an agent does that user code has taken over: it says these frames, one for
// each that it is sent. Some are no frames.
func lies() map[string][]string {
	return map[string][]string{
		"a huge frame":          {"\xff\xff\xff\xff{}"},
		"half a frame":          {"\x00\x00\x10\x00{\"ans"},
		"no JSON":               {frame("hello")},
		"JSON of another kind":  {frame(`[1,2,3]`)},
		"nothing in it":         {frame(`{}`)},
		"a negative size":       {frame(`{"answer":{"size":-5}}`)},
		"more than was said":    {frame(`{"answer":{"size":3}}`), frame(`{"data":10}`) + "0123456789"},
		"negative data":         {frame(`{"answer":{"size":3}}`), frame(`{"data":-1}`)},
		"an answer for data":    {frame(`{"answer":{"size":3}}`), frame(`{"answer":{}}`)},
		"less than was said":    {frame(`{"answer":{"size":3}}`), frame(`{"data":2}`) + "01"},
		"an unknown failure":    {frame(`{"failure":{"kind":"root","words":"` + strings.Repeat("x", 100_000) + `"}}`)},
		"much to say":           {frame(`{"failure":{"kind":"denied","words":"` + strings.Repeat("x", 100_000) + `"}}`)},
		"nothing":               {""},
		"descriptors":           {"descriptors"},
		"an end without a word": {"end"},
	}
}

func frame(s string) string {
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// takenOver is such an agent.
func takenOver(lie string) int {
	_ = unix.SetNonblock(3, false)
	kept := map[net.Conn]bool{}
	for {
		oob := make([]byte, unix.CmsgSpace(4))
		n, oobn, _, _, err := unix.Recvmsg(3, make([]byte, 1), oob, 0)
		if err != nil || n == 0 {
			return 0
		}
		messages, _ := unix.ParseSocketControlMessage(oob[:oobn])
		fds, _ := unix.ParseUnixRights(&messages[0])
		file := os.NewFile(uintptr(fds[0]), "call")
		conn, _ := net.FileConn(file)
		_ = file.Close()
		for _, said := range lies()[lie] {
			var req any
			if wire.ReadFrame(conn, &req) != nil {
				break
			}
			switch said {
			case "end":
				return 3
			case "descriptors":
				null, _ := os.Open("/dev/null")
				rights := unix.UnixRights(int(null.Fd()), int(null.Fd()), int(null.Fd()))
				_, _, _ = conn.(*net.UnixConn).WriteMsgUnix([]byte(frame(`{"failure":{"kind":"denied","words":"here"}}`)), rights, nil)
			default:
				_, _ = io.WriteString(conn, said)
			}
		}
		if lies()[lie][0] == "" {
			kept[conn] = true
			continue
		}
		_ = conn.Close()
	}
}

// TestTakenOver: an agent that lies can tell its own client lies; but the server
// goes on, holds no more than a frame, and knows the end of it.
func TestTakenOver(t *testing.T) { // not in parallel: it counts descriptors
	first, p := place(t, room.Config{}) // the runtime opens some for good
	if _, err := first.Of(p).Info(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	first.Close()
	before := descriptors(t)
	for lie := range lies() {
		s, p := place(t, room.Config{Args: []string{"be-child", "taken-over", lie}, Patience: time.Second})
		r := s.Of(p)
		_, err := load(t.Context(), r, "f", 0, -1)
		told := errors.Is(err, room.ErrUnavailable) || errors.Is(err, files.ErrDenied)
		if lie == "an unknown failure" {
			told = err != nil // it is ours to find out about
		}
		if !told || len(err.Error()) > 20_000 {
			t.Errorf("%s: %.200v", lie, err)
		}
		if lie == "nothing" && !strings.Contains(err.Error(), "1s") {
			t.Errorf("%s: %v", lie, err)
		}
		if _, _, err := r.List(t.Context(), ".", 1); err == nil && !strings.Contains(lies()[lie][0], "answer") {
			t.Errorf("%s: a list", lie)
		}
		if err := save(t.Context(), r, "f", strings.Repeat("x", 1<<20)); err == nil {
			t.Errorf("%s: a file was written", lie)
		}
		s.Close()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, before %d", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(all)
}

// stop stops an agent, and returns when it has stopped.
func stop(t *testing.T, p *child.Process) {
	t.Helper()
	_ = p.Signal(syscall.SIGSTOP)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := procs.Eventually(ctx, func() error {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid()))
		for _, task := range tasks {
			if stat, err := os.ReadFile(task); err == nil && !strings.Contains(string(stat), ") T ") {
				return fmt.Errorf("it runs: %s", stat)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestStopped: the sandbox's code may stop the agent, which is its own user's.
func TestStopped(t *testing.T) {
	t.Parallel()
	var last *child.Process
	s, p := place(t, room.Config{Patience: time.Second, Start: func(ctx context.Context, spec child.Spec) (c *child.Process, err error) {
		last, err = outside(ctx, spec)
		return last, err
	}})
	r := s.Of(p)
	for name, do := range map[string]func() error{
		"a question": func() error { _, err := r.Info(t.Context(), "."); return err },
		"an upload":  func() error { return save(t.Context(), r, "f", strings.Repeat("x", 8<<20)) },
	} {
		if _, err := r.Info(t.Context(), "."); err != nil {
			t.Fatal(err)
		}
		stop(t, last)
		if err := do(); !errors.Is(err, room.ErrUnavailable) || !strings.Contains(err.Error(), "nothing for 1s") {
			t.Errorf("%s: %v", name, err)
		}
		<-last.Done()
		if err := do(); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
	stop(t, last)
	began := time.Now()
	if err := s.End(t.Context(), p.Sandbox); err != nil || time.Since(began) > 10*time.Second {
		t.Errorf("its end: %v after %s", err, time.Since(began))
	}
}
