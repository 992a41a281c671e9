package terminal

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

const (
	// readSize is more than the kernel gives at once.
	readSize = 32 << 10
	// leftMost is more than a terminal's buffers in the kernel hold. Whatever
	// comes beyond it after the shell's end is written by somebody who escaped.
	leftMost = 128 << 10
)

// run reads what the terminal shows until its process has ended, and takes
// everything down.
func (t *Terminal) run(proc *child.Process, master, slave *os.File) {
	var wg sync.WaitGroup
	wg.Go(func() { t.input.feed(master) }) // ends with input.close, below
	// Ends with the process.
	wg.Go(func() {
		<-proc.Done()
		t.set.forget(t, t.endOf(proc.Exit()))
		t.input.close()
		_ = master.SetDeadline(time.Unix(1, 0)) // wakes the reader, and the feeder
	})
	buf := make([]byte, readSize)
	for {
		room := t.tape.room()
		n, err := master.Read(buf[:min(room, len(buf))])
		t.tape.write(buf[:n])
		if err != nil {
			if !isTimeout(err) { // nobody would read on
				_ = proc.Signal(syscall.SIGKILL)
			}
			break
		}
	}
	<-proc.Done()
	wg.Wait()
	t.drain(master, buf)
	t.mu.Lock()
	t.over, t.master = true, nil
	t.mu.Unlock()
	_ = slave.Close()
	_ = master.Close()
	t.finish(proc.Exit())
}

// drain reads what the kernel still holds. We have kept the other side of the
// pair open: a program that closes all it has of the terminal, and opens it
// again later, is no end, and neither is one in the background that keeps it
// open an obstacle.
func (t *Terminal) drain(master *os.File, buf []byte) {
	_ = master.SetDeadline(time.Time{})
	raw, err := master.SyscallConn()
	if err != nil {
		return
	}
	for total := 0; total < leftMost; {
		room, n := t.tape.room(), 0
		err := raw.Read(func(fd uintptr) bool {
			for err = unix.EINTR; errors.Is(err, unix.EINTR); {
				n, err = unix.Read(int(fd), buf[:min(room, len(buf))])
			}
			return true // whatever it is: nothing there is the end
		})
		if err != nil || n <= 0 {
			return
		}
		t.tape.write(buf[:n])
		total += n
	}
}

// finish says that the terminal is gone.
func (t *Terminal) finish(e child.Exit) {
	t.exit = t.endOf(e)
	t.set.tell(t)
	t.set.forget(t, t.exit)
	t.set.buried(t)
	t.tape.end()
	close(t.done)
}

// endOf puts the end of the process into words.
func (t *Terminal) endOf(e child.Exit) Exit {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := Exit{Code: e.Code, Reason: t.reason}
	if out.Reason == "" {
		out.Reason = reasonFor(e)
	}
	return out
}

// reasonFor is how the Daytona clients know the reasons.
func reasonFor(e child.Exit) string {
	switch {
	case e.Unknown:
		return "unknown"
	case e.Code == 0:
		return ""
	case e.Code == 130:
		return "Ctrl+C"
	case e.Code == 137:
		return "SIGKILL"
	case e.Code == 143:
		return "SIGTERM"
	case e.Code > 128:
		return "signal " + strconv.Itoa(e.Code-128)
	default:
		return "non-zero exit"
	}
}

// openPair opens a pseudo-terminal. The master's descriptor doesn't block, so
// that reading it costs no thread and can be called off.
func openPair(size *pty.Winsize) (master, slave *os.File, err error) {
	opened, slave, err := pty.Open()
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer opened.Close()
	err = errors.Join(pty.Setsize(opened, size), knowUTF8(slave))
	fd := -1
	if err == nil {
		fd, err = unix.FcntlInt(opened.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	}
	if err == nil {
		err = unix.SetNonblock(fd, true)
	}
	if err != nil {
		_ = slave.Close()
		return nil, nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return os.NewFile(uintptr(fd), "ptmx"), slave, nil
}

func setSize(master *os.File, cols, rows int) error {
	if err := pty.Setsize(master, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)}); err != nil {
		return fmt.Errorf("resize the terminal: %w", err)
	}
	return nil
}

// hangUp ends a process in the way of a terminal that goes away: the shell
// passes the signal on to its jobs and may still write its history. A shell that
// is just about to read its next line may sleep over a signal, hence several.
func hangUp(proc *child.Process, grace time.Duration) {
	const times = 10
	for range times {
		if grace == 0 {
			break
		}
		_ = proc.Signal(syscall.SIGHUP)
		_ = proc.Signal(syscall.SIGCONT)
		timer := time.NewTimer(grace / times)
		select {
		case <-proc.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
	proc.Stop(0)
}

// withoutHere leaves out what describes the terminal that the server itself may
// run in.
func (t *Terminal) withoutHere(env []string) []string {
	out := env[:0]
	for _, pair := range env {
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "COLUMNS", "LINES", "TERMCAP", "TMUX", "TMUX_PANE", "STY", "WINDOWID", "VTE_VERSION",
			"TERM_PROGRAM", "TERM_PROGRAM_VERSION", "COLORTERM", "SSH_TTY":
			_, own := t.opts.Env[name]
			if _, placed := t.place.Env[name]; !own && !placed {
				continue
			}
		}
		out = append(out, pair)
	}
	return out
}

// foreground is whether another program than the shell has the terminal.
func (t *Terminal) foreground() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.master == nil || t.over {
		return false
	}
	raw, err := t.master.SyscallConn()
	if err != nil {
		return false
	}
	group := 0
	_ = raw.Control(func(fd uintptr) { group, err = unix.IoctlGetInt(int(fd), unix.TIOCGPGRP) })
	return err == nil && group > 0 && group != t.proc.Pid()
}

// isTimeout tells a deadline, by which we wake a reader, from a fault.
func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }
