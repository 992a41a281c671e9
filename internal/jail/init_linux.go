package jail

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// first is the first process of a jail, when it has been confined. It runs as the
// sandbox's user, so user code may send it signals, and nothing else: it isn't
// dumpable, so its memory, descriptors and environment are out of reach.
//
// Goroutines: one that takes requests, one for each start until the process has
// ended, and one that passes signals by. All end with the process.
type first struct {
	pipe *pipe

	mu    sync.Mutex
	alive map[uint64]*child.Born // by the seq of their start; until they are reaped
}

// serve is the first process's life. It runs on the process's first thread, whose
// children are the orphans of the jail and nobody else: what is started is started
// by other threads.
func serve() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("hide its memory: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("take in orphans: %w", err)
	}
	debug.SetGCPercent(20) // there is next to nothing on its heap, for each sandbox
	p, err := openPipe(os.NewFile(socketFD, "jail"))
	if err != nil {
		return err
	}
	// Handlers, and not SIG_IGN: that would be inherited. What would end it is
	// passed by, and with it those signals that a terminal sends.
	orphans, others := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(others)
	signal.Notify(orphans, syscall.SIGCHLD)
	self, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return fmt.Errorf("open its pidfd: %w", err)
	}
	pidfd := os.NewFile(uintptr(self), "self")
	err = p.send(reply{Op: replyReady}, pidfd)
	_ = pidfd.Close()
	if err != nil {
		return fmt.Errorf("say that it is ready: %w", err)
	}
	f := &first{pipe: p, alive: make(map[uint64]*child.Born)}
	gone := make(chan struct{})
	go func() { defer close(gone); f.take() }() // ends with the server's end of the socket
	for {
		select {
		case <-orphans:
			bury()
		case <-others:
		case <-gone:
			endAll()
			return nil
		}
	}
}

// bury reaps orphans. Those of other threads are left alone by __WNOTHREAD.
func bury() {
	for {
		pid, err := unix.Wait4(-1, nil, unix.WNOHANG|unix.WNOTHREAD, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
	}
}

// take takes requests until the server is gone.
func (f *first) take() {
	for {
		var r request
		files, err := f.pipe.receive(&r)
		if err != nil {
			return
		}
		switch r.Op {
		case opStart:
			go f.start(r, files) // ends with the process
			continue
		case opReap:
			f.reap(r.Seq)
		case opEnd:
			f.end(r.Seq)
		case opDir:
			_ = f.pipe.send(failure(r.Seq, checkDir(string(r.Dir))))
		case opLimit:
			_ = f.pipe.send(failure(r.Seq, r.Limits.Put(r.PID)))
		}
		closeAll(files)
	}
}

// start starts a process and reports its end.
func (f *first) start(r request, files []*os.File) {
	if r.Doors < 0 || len(files) < 2*r.Doors {
		closeAll(files)
		_ = f.pipe.send(failure(r.Seq, unix.EBADF))
		return
	}
	in, back, own := files[:r.Doors], files[r.Doors:2*r.Doors], files[2*r.Doors:]
	spec, err := specOf(r, own)
	if err != nil {
		closeAll(files)
		_ = f.pipe.send(failure(r.Seq, err))
		return
	}
	b, err := child.Bear(spec, child.Mark(r.Mark), in, back)
	closeAll(files)
	if err != nil {
		_ = f.pipe.send(failure(r.Seq, err))
		return
	}
	f.mu.Lock()
	f.alive[r.Seq] = b
	f.mu.Unlock()
	_ = f.pipe.send(reply{Op: replyStarted, Seq: r.Seq}, b.Pidfd())
	exit := b.Await()
	_ = f.pipe.send(reply{Op: replyExited, Seq: r.Seq, Code: exit.Code, Signal: int(exit.Signal)})
}

// end kills a process that the server could not take; its end is reported like any other's.
func (f *first) end(seq uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if b := f.alive[seq]; b != nil {
		_ = unix.PidfdSendSignal(int(b.Pidfd().Fd()), unix.SIGKILL, nil, 0)
	}
}

func (f *first) reap(seq uint64) {
	f.mu.Lock()
	b := f.alive[seq]
	delete(f.alive, seq)
	f.mu.Unlock()
	if b != nil {
		b.Reap()
	}
}

func specOf(r request, files []*os.File) (child.Spec, error) {
	spec := child.Spec{
		Path: string(r.Path), Dir: string(r.Dir), Search: r.Search, Terminal: r.Terminal,
		Args: unpacked(r.Args), Env: unpacked(r.Env),
	}
	for i, to := range []**os.File{&spec.Stdin, &spec.Stdout, &spec.Stderr} {
		if !r.Streams[i] {
			continue
		}
		if len(files) == 0 {
			return spec, unix.EBADF // our own limit of descriptors cut them off
		}
		*to, files = files[0], files[1:]
	}
	spec.Files = files
	return spec, nil
}

// checkDir is what chdir(2) would say.
func checkDir(path string) error {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !st.IsDir():
		return unix.ENOTDIR
	default:
		return unix.Faccessat(unix.AT_FDCWD, path, unix.X_OK, unix.AT_EACCESS) // its capability counts
	}
}

// failure is an error as the server can make it again.
func failure(seq uint64, err error) reply {
	if err == nil {
		return reply{Op: replyFine, Seq: seq}
	}
	r := reply{Op: replyFailed, Seq: seq, What: "fork/exec", Errno: int(unix.EIO)}
	if pe := (*os.PathError)(nil); errors.As(err, &pe) {
		r.What = pe.Op
	}
	var errno unix.Errno
	switch {
	case errors.As(err, &errno):
		r.Errno = int(errno)
	case errors.Is(err, os.ErrNotExist):
		r.Errno = int(unix.ENOENT)
	case errors.Is(err, os.ErrPermission):
		r.Errno = int(unix.EACCES)
	}
	return r
}

// endAll ends the jail. Of a pid namespace the kernel kills the rest when the first
// process ends; without one, all that this process may kill is the sandbox's, if it
// has a user of its own, and what has come from here is otherwise.
func endAll() {
	if os.Getpid() == 1 {
		return
	}
	if uid := os.Getuid(); uid >= UserBase {
		_ = killUser(uid)
	}
	child.KillBelow(os.Getpid())
}
