package room_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/procs"
	"hotcell/files"
	"hotcell/files/room"
	"hotcell/internal/child"
	"hotcell/process"
)

// TestRoom does everything here and by an agent, and wants the same of both.
func TestRoom(t *testing.T) {
	t.Parallel()
	s, far := place(t, room.Config{})
	near := process.Place{Sandbox: "n", Dir: t.TempDir()}
	var told [2]string
	for i, tc := range []struct {
		room room.Room
		dir  string
	}{{room.New(room.Config{}).Of(near), near.Dir}, {s.Of(far), far.Dir}} {
		var said strings.Builder
		for _, line := range everything(t, tc.room) {
			said.WriteString(strings.ReplaceAll(line, tc.dir, "DIR") + "\n")
		}
		told[i] = said.String()
	}
	if diff := cmp.Diff(told[0], told[1]); diff != "" {
		t.Errorf("here and by an agent:\n%s", diff)
	}
	if len(told[0]) < 1000 {
		t.Errorf("only: %s", told[0])
	}
}

// everything is what comes of all that can be asked for, in words.
func everything(t *testing.T, r room.Room) (said []string) {
	t.Helper()
	ctx := t.Context()
	say := func(what string, err error, v any) {
		words := "fine"
		if err != nil {
			words = err.Error()
			for _, kind := range []error{files.ErrNotFound, files.ErrPath, files.ErrExists, files.ErrArgument, files.ErrTooMany, files.ErrRead, files.ErrShrunk} {
				if errors.Is(err, kind) {
					words += " [" + kind.Error() + "]"
				}
			}
		}
		said = append(said, what+": "+words+" "+show(v))
	}
	at := time.Date(2400, 1, 2, 3, 4, 5, 6000, time.UTC)
	for _, path := range []string{"a/b/f", "none/", "a", "odd\xff\x01", "", "a/b/f/g", strings.Repeat("x/", 3000)} {
		say("create "+path, save(ctx, r, path, "one\ntwo "+path+"\nthree"), nil)
	}
	abs, err := r.Path("a/b/f")
	say("path", err, abs)
	if err := os.Chtimes(abs, at, at); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"a/b/f", "a", "none", "odd\xff\x01", "/"} {
		i, err := r.Info(ctx, path)
		i.Modified = i.Modified.UTC()
		if path != "a/b/f" {
			i.Modified = time.Time{}
		}
		say("info "+path, err, i)
	}
	for _, tc := range []struct {
		path  string
		depth int
	}{{".", 9}, {".", 0}, {"none", 1}, {"a/b/f", 1}, {"a", 1}} {
		list, account, err := r.List(ctx, tc.path, tc.depth)
		for i := range list {
			list[i].Modified, list[i].Size = time.Time{}, 0
		}
		say("list "+tc.path, err, list)
		say("left out", nil, account)
	}
	for _, text := range []string{"two", "", "\xff", "nothing"} {
		found, account, err := r.Find(ctx, ".", text)
		say("find "+text, err, found)
		say("left out", nil, account)
		names, account, err := r.Search(ctx, ".", text+"*")
		say("search "+text, err, names)
		say("left out", nil, account)
	}
	done, err := r.Replace(ctx, []string{"a/b/f", "none", "a", "odd\xff\x01"}, "two", "2\xfe")
	say("replace", err, len(done))
	for _, d := range done {
		say("replaced "+d.File, d.Err, nil)
	}
	_, err = r.Replace(ctx, []string{"a"}, "", "")
	say("replace nothing", err, nil)
	for _, part := range [][2]int64{{0, -1}, {2, 5}, {0, 0}} {
		all, err := load(ctx, r, "a/b/f", part[0], part[1])
		say("read", err, all)
	}
	_, err = load(ctx, r, "a", 0, -1)
	say("read a directory", err, nil)
	say("mkdir", r.Mkdir(ctx, "d/e", "0700"), nil)
	say("mkdir", r.Mkdir(ctx, "a/b/f", "0700"), nil)
	say("permissions", r.SetPermissions(ctx, "d", "", "", "0711"), nil)
	say("permissions", r.SetPermissions(ctx, "d", "no-such-user", "", ""), nil)
	say("move", r.Move(ctx, "d", "a/d"), nil)
	say("move", r.Move(ctx, "d", "a/d"), nil)
	say("delete", r.Delete(ctx, "a", false), nil)
	say("delete", r.Delete(ctx, "a", true), nil)
	say("delete", r.Delete(ctx, ".", true), nil)
	return said
}

// show is a value as it goes to a client, whose text is UTF-8.
func show(v any) string { return strings.ToValidUTF8(fmt.Sprintf("%+v", v), "\uFFFD") }

// save writes a file in pieces.
func save(ctx context.Context, r room.Room, path, text string) error {
	d, err := r.Create(ctx, path)
	if err != nil {
		return err
	}
	defer d.Discard()
	if _, err := io.Copy(d, iotest.HalfReader(strings.NewReader(text))); err != nil {
		return err
	}
	return d.Commit()
}

// load reads a part of a file; a negative size is all of it.
func load(ctx context.Context, r room.Room, path string, from, size int64) (string, error) {
	c, err := r.Open(ctx, path)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if size >= 0 {
		if err := c.Section(from, size); err != nil {
			return "", err
		}
	}
	all, err := io.ReadAll(iotest.HalfReader(c))
	return string(all), err
}

// TestMuchData goes through in pieces of all sizes.
func TestMuchData(t *testing.T) {
	t.Parallel()
	s, p := place(t, room.Config{})
	r := s.Of(p)
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<18)
	d, err := r.Create(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	left := want
	for size := 1; len(left) > 0; size = size*3 + 1 {
		n, err := d.Write(left[:min(size, len(left))])
		if err != nil {
			t.Fatal(err)
		}
		left = left[n:]
	}
	if d.Size != int64(len(want)) {
		t.Errorf("size %d", d.Size)
	}
	if err := d.Commit(); err != nil {
		t.Fatal(err)
	}
	c, err := r.Open(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	_ = c.Close()
	_ = c.Close()
	d.Discard()
}

// TestDiscard leaves nothing, and is over when it returns.
func TestDiscard(t *testing.T) {
	t.Parallel()
	s, p := place(t, room.Config{})
	d, err := s.Of(p).Create(t.Context(), "x/y/f")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Write(make([]byte, 1<<20)); err != nil {
		t.Fatal(err)
	}
	d.Discard()
	empty(t, p.Dir)
}

func empty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left in it: %v %v", left, err)
	}
}

// TestEnds: an agent is there when it is needed, and goes when it is idle, when
// its sandbox ends, when the server ends; what was being written goes too.
func TestEnds(t *testing.T) {
	t.Parallel()
	starts := make(chan *child.Process, 3)
	s, p := place(t, room.Config{Idle: 50 * time.Millisecond, Start: func(ctx context.Context, spec child.Spec) (*child.Process, error) {
		c, err := outside(ctx, spec)
		starts <- c
		return c, err
	}})
	r := s.Of(p)
	if s.Agents() != 0 {
		t.Error("an agent before its first use")
	}
	if _, err := r.Info(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	first := <-starts
	<-first.Done() // it is idle
	if e := first.Exit(); e.Code != 0 || s.Agents() != 0 {
		t.Errorf("it ended with %s", e)
	}
	ctx, leave, err := s.Begin(p.Sandbox)
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Create(ctx, "x/f")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.End(t.Context(), p.Sandbox) }() // ends with the visit
	<-ctx.Done()
	if _, err := d.Write(make([]byte, 1)); !errors.Is(err, files.ErrEnded) {
		t.Errorf("the end of the sandbox: %v", err)
	}
	d.Discard()
	leave()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if e := (<-starts).Exit(); e.Code != 0 {
		t.Errorf("it ended with %s", e)
	}
	empty(t, p.Dir)
	if _, err := r.Info(t.Context(), "."); err != nil {
		t.Fatal(err)
	}
	s.Close()
	<-(<-starts).Done()
	if _, err := r.Info(t.Context(), "."); !errors.Is(err, process.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestLost: who loses the agent is told, and the next call has another.
func TestLost(t *testing.T) {
	t.Parallel()
	var last *child.Process
	s, p := place(t, room.Config{Start: func(ctx context.Context, spec child.Spec) (c *child.Process, err error) {
		last, err = outside(ctx, spec)
		return last, err
	}})
	r := s.Of(p)
	d, err := r.Create(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	_ = last.Signal(os.Kill)
	for err == nil {
		_, err = d.Write(make([]byte, 1<<20))
	}
	d.Discard()
	if !errors.Is(err, room.ErrUnavailable) || !strings.Contains(err.Error(), "SIGKILL") {
		t.Errorf("a lost agent: %v", err)
	}
	<-last.Done()
	if _, err := r.Info(t.Context(), "."); err != nil {
		t.Errorf("the next call: %v", err)
	}
	if s.Agents() != 1 {
		t.Errorf("%d agents", s.Agents())
	}
}

// TestNoStart: an agent that can't be started, or isn't one.
func TestNoStart(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]room.Config{
		"no such program": {Program: "/none"},
		"another program": {Program: "/bin/true"},
		"a silent end":    {Program: "/bin/sh", Args: []string{"-c", "exit 7"}},
	} {
		s, p := place(t, cfg)
		_, err := s.Of(p).Info(t.Context(), ".")
		if !errors.Is(err, room.ErrUnavailable) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "a silent end" && !strings.Contains(err.Error(), "exit status 7") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHangUp: a search ends when its client leaves, in the agent too.
func TestHangUp(t *testing.T) {
	t.Parallel()
	var last *child.Process
	s, p := place(t, room.Config{Start: func(ctx context.Context, spec child.Spec) (c *child.Process, err error) {
		last, err = outside(ctx, spec)
		return last, err
	}})
	r := s.Of(p)
	file, err := os.Create(filepath.Join(p.Dir, "big"))
	if err != nil {
		t.Fatal(err)
	}
	_ = file.Truncate(1 << 40) // hours of zeros after its first bytes
	if _, err := file.WriteString(strings.Repeat("text ", 4000)); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	cause := errors.New("the client left")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, cause)
	defer cancel()
	if _, _, err := r.Find(ctx, "big", "needle"); !errors.Is(err, cause) {
		t.Errorf("hang-up: %v", err)
	}
	// An agent that was still at it would have to be killed.
	if err := s.End(t.Context(), p.Sandbox); err != nil || last.Exit().Code != 0 {
		t.Error(err, last.Exit())
	}
}

// TestNothingIsLeft in an agent of calls that went well or badly.
func TestNothingIsLeft(t *testing.T) {
	t.Parallel()
	var last *child.Process
	s, p := place(t, room.Config{Start: func(ctx context.Context, spec child.Spec) (c *child.Process, err error) {
		last, err = outside(ctx, spec)
		return last, err
	}})
	r := s.Of(p)
	if err := save(t.Context(), r, "f", strings.Repeat("x", 1<<20)); err != nil {
		t.Fatal(err)
	}
	calls := func() {
		cut, cancel := context.WithCancel(t.Context())
		_, _ = r.Info(cut, "f")
		_, _ = r.Info(cut, "none")
		_, _, _ = r.Find(cut, "f", "y")
		_ = save(cut, r, "new/g", "g")
		_ = r.Delete(cut, "new", true)
		_, _ = load(cut, r, "f", 1, 5)
		unread, _ := r.Open(cut, "f")
		_ = unread.Close()
		half, _ := r.Open(cut, "f")
		_, _ = half.Read(make([]byte, 10))
		_ = half.Close()
		discarded, _ := r.Create(cut, "x/y")
		discarded.Discard()
		left, _ := r.Create(cut, "x/y")
		_, _ = left.Write(make([]byte, 10))
		cancel()
		_, _ = r.Info(cut, "f")
		left.Discard()
	}
	calls()
	before := procs.DescriptorsOf(last.Pid())
	for range 30 {
		calls()
	}
	within, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := procs.Eventually(within, func() error {
		if now := procs.DescriptorsOf(last.Pid()); now > before {
			return fmt.Errorf("%d descriptors, before %d: %s", now, before, procs.Listing(last.Pid()))
		}
		if left, _ := os.ReadDir(p.Dir); len(left) != 1 {
			return fmt.Errorf("left: %v", left)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if s.Agents() != 1 {
		t.Errorf("%d agents", s.Agents())
	}
}

// TestManyAtOnce share one agent, also when it is lost in between.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var started []*child.Process
	s, p := place(t, room.Config{Start: func(ctx context.Context, spec child.Spec) (*child.Process, error) {
		c, err := outside(ctx, spec)
		mu.Lock()
		defer mu.Unlock()
		started = append(started, c)
		return c, err
	}})
	r := s.Of(p)
	storm := func(kill bool) {
		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() { // ends with its calls
				name := fmt.Sprintf("dir%d/f%d", i%4, i)
				want := strings.Repeat(name, 10_000)
				err := save(t.Context(), r, name, want)
				var got string
				if err == nil {
					got, err = load(t.Context(), r, name, 0, -1)
				}
				if kill && errors.Is(err, room.ErrUnavailable) {
					return
				}
				if err != nil || got != want {
					t.Errorf("%s: %d bytes, %v", name, len(got), err)
				}
			})
		}
		if kill {
			mu.Lock()
			_ = started[len(started)-1].Signal(os.Kill)
			mu.Unlock()
		}
		wg.Wait()
	}
	storm(false)
	if len(started) != 1 {
		t.Errorf("%d agents were started", len(started))
	}
	storm(true)
	storm(false)
	if err := s.End(t.Context(), p.Sandbox); err != nil {
		t.Error(err)
	}
	for _, c := range started {
		<-c.Done()
	}
}
