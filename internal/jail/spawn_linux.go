package jail

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// Spawn implements [child.Jail].
func (j *Jail) Spawn(ctx context.Context, spec child.Spec) (*child.Adopted, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	r := request{
		Op: opStart, Path: []byte(spec.Path), Dir: []byte(spec.Dir), Search: spec.Search, Terminal: spec.Terminal,
		Args: packed(spec.Args), Env: packed(j.environ(spec.Env)), Mark: uint64(child.NewMark()),
	}
	if len(r.Dir) == 0 {
		r.Dir = []byte("/") // ours is nothing that it should be in
	}
	files, err := doors(spec.Group)
	if err != nil {
		return nil, err
	}
	r.Doors = len(files) / 2
	defer closeAll(files[:len(files):len(files)])
	for i, f := range []*os.File{spec.Stdin, spec.Stdout, spec.Stderr} {
		if f != nil {
			r.Streams[i] = true
			files = append(files, f)
		}
	}
	files = append(files, spec.Files...)
	got, err := j.ask(ctx, r, &asked{mark: child.Mark(r.Mark), since: time.Now(), spec: spec}, files...)
	if err != nil {
		return nil, err
	}
	if got.process == nil {
		return nil, &os.PathError{Op: got.reply.What, Path: j.subject(got.reply.What, spec), Err: unix.Errno(got.reply.Errno)}
	}
	return got.process, nil
}

// doors are the way into a group, and as many back, if it has any.
func doors(group child.Group) ([]*os.File, error) {
	g, ok := group.(child.Doors)
	if !ok {
		return nil, nil
	}
	in, back, err := g.Doors()
	return append(in, back...), err
}

func (j *Jail) subject(what string, spec child.Spec) string {
	if what == "chdir" {
		return spec.Dir
	}
	return spec.Path
}

// CheckDir implements [child.Jail].
func (j *Jail) CheckDir(path string) error {
	if j.why() == nil && j.admits(path) {
		return nil
	}
	got, err := j.ask(context.Background(), request{Op: opDir, Dir: []byte(path)}, &asked{})
	if err != nil {
		return err
	}
	if got.reply.Op == replyFailed {
		return unix.Errno(got.reply.Errno)
	}
	return nil
}

// admits reports that what runs inside can have a directory as its own, for the one that
// nearly everybody asks for: nobody inside can put another in the place of the work
// directory, so it is here what it is there. That saves a short execution a third of a
// millisecond in which the first process is woken.
func (j *Jail) admits(path string) bool {
	uid := cmp.Or(j.cfg.UID, os.Geteuid())
	var st unix.Stat_t
	if path != j.cfg.Work || uid == 0 || unix.Stat(path, &st) != nil {
		return false
	}
	return st.Mode&unix.S_IFMT == unix.S_IFDIR && int(st.Uid) == uid && st.Mode&unix.S_IXUSR != 0
}

// Limit has the first process lower the limits of one inside, which has the same number
// there: in namespaces, where it hasn't, the server may do that itself.
func (j *Jail) Limit(pid int, l child.Rlimits) error {
	if j.cfg.Mode == Namespace {
		return &child.RlimitsError{PID: pid, Limits: l}
	}
	got, err := j.ask(context.Background(), request{Op: opLimit, PID: pid, Limits: l}, &asked{})
	if err == nil && got.reply.Op == replyFailed {
		err = fmt.Errorf("limit process %d: %w", pid, unix.Errno(got.reply.Errno))
	}
	return err
}

// ask asks the first process something, and waits for the answer.
func (j *Jail) ask(ctx context.Context, r request, a *asked, files ...*os.File) (answer, error) {
	a.answer = make(chan answer, 1)
	j.mu.Lock()
	if j.fault != nil || j.waiting == nil {
		defer j.mu.Unlock()
		return answer{}, j.fault
	}
	j.seq++
	r.Seq = j.seq
	j.waiting[r.Seq] = a
	j.mu.Unlock()
	if err := j.pipe.send(r, files...); err != nil {
		if !errors.Is(err, unix.E2BIG) && !errors.Is(err, unix.EMFILE) { // else nothing was written
			j.fail(fmt.Errorf("%w: %w", ErrEnded, err))
			_ = j.pipe.conn.Close()
		}
		j.abandon(r.Seq, a)
		return answer{}, fmt.Errorf("ask the jail's first process: %w", err)
	}
	late := time.NewTimer(answerLimit)
	defer late.Stop()
	select {
	case got := <-a.answer:
		return got, got.err
	case <-ctx.Done():
		j.abandon(r.Seq, a)
		return answer{}, context.Cause(ctx)
	case <-late.C:
		// Those inside have stopped it, as they can without namespaces. It won't do any more.
		j.fail(fmt.Errorf("%w: their first one has not answered for %s", ErrEnded, answerLimit))
		_ = j.pipe.conn.Close()
		j.abandon(r.Seq, a)
		return answer{}, j.why()
	}
}

// answerLimit is for an answer, which takes a millisecond, and as long as a disk needs
// to load a program.
const answerLimit = 20 * time.Second

// why is the reason why nothing starts any more.
func (j *Jail) why() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.fault
}

// abandon gives up on an answer. A process that comes all the same is killed.
func (j *Jail) abandon(seq uint64, a *asked) {
	j.mu.Lock()
	pending := j.waiting[seq] == a
	if pending {
		j.waiting[seq] = &asked{mark: a.mark, since: a.since}
	}
	j.mu.Unlock()
	if pending {
		return
	}
	if got := <-a.answer; got.process != nil { // it has just been answered
		_ = got.process.Signal(unix.SIGKILL)
	}
}

// environ is an environment with what every process inside has.
func (j *Jail) environ(env []string) []string {
	out := env
	for name, value := range j.join.Env {
		has := false
		for _, pair := range env {
			has = has || strings.HasPrefix(pair, name+"=")
		}
		if !has {
			out = append(out[:len(out):len(out)], name+"="+value)
		}
	}
	return out
}

// words keeps the end of what a first process says, which is why it couldn't start.
type words struct {
	mu   sync.Mutex
	tail []byte
	done chan struct{}
}

// hear reads until nobody has the other end, which the end of the first process sees to.
func hear(r *os.File, wg *sync.WaitGroup) *words {
	w := &words{done: make(chan struct{})}
	wg.Go(func() {
		defer close(w.done)
		defer r.Close()
		_, _ = io.Copy(w, r)
	})
	return w
}

func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tail = append(w.tail, p...)
	w.tail = w.tail[max(0, len(w.tail)-wordsLimit):]
	return len(p), nil
}

func (w *words) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(strings.ToValidUTF8(string(w.tail), "\uFFFD"))
}
