package script_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"hotcell/internal/wire"
	"hotcell/process"
	"hotcell/process/script"
	"hotcell/runtimes"
)

func TestRun(t *testing.T) {
	t.Parallel()
	r, scratch := runs(t, &shell{}, func(c *script.Config) { c.OutputLimit = 1000 })
	for name, c := range map[string]struct {
		req  script.Request
		want script.Result
	}{
		"output":      {script.Request{Code: "echo a; echo b >&2; echo c"}, script.Result{Output: "a\nb\nc\n"}},
		"exit code":   {script.Request{Code: "exit 7"}, script.Result{ExitCode: 7}},
		"signal":      {script.Request{Code: "kill -SEGV $$"}, script.Result{ExitCode: 139}},
		"arguments":   {script.Request{Code: `printf '[%s]' "$@"`, Args: []string{"a b", "", "'", "\n"}}, script.Result{Output: "[a b][]['][\n]"}},
		"environment": {script.Request{Code: "echo $OF_THE_BOX $FOO", Env: map[string]string{"FOO": "1"}}, script.Result{Output: "yes 1\n"}},
		"overriding":  {script.Request{Code: "echo $OF_THE_BOX", Env: map[string]string{"OF_THE_BOX": "no"}}, script.Result{Output: "no\n"}},
		"rejected":    {script.Request{Code: "reject"}, script.Result{Output: "no\n", ExitCode: 1}},
		"too much":    {script.Request{Code: "head -c 5000 /dev/zero | tr '\\0' x"}, script.Result{Output: strings.Repeat("x", 500) + "\n[hotcell: 4000 bytes are left out here; to get all of them, write the output to a file]\n" + strings.Repeat("x", 500)}},
		"in time":     {script.Request{Code: "echo a", Timeout: time.Minute}, script.Result{Output: "a\n"}},
		"by an alias": {script.Request{Code: "echo a", Language: " Shell "}, script.Result{Output: "a\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place(t)
			if c.req.Language == "" {
				c.req.Language = "sh"
			}
			c.want.Engine = "sh"
			got, err := r.Run(t.Context(), p, c.req)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			empty(t, p.Dir)
		})
	}
	t.Cleanup(func() { empty(t, filepath.Join(scratch, "scripts")) })
}

// empty checks that nothing is left in a directory.
func empty(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	for _, e := range entries {
		t.Errorf("%s is left", filepath.Join(dir, e.Name()))
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	full, stopped := errors.New("disk full"), errors.New("not started")
	r, _ := runs(t, &shell{}, nil)
	failing, _ := runs(t, &shell{fail: full}, nil)
	shut, _ := runs(t, &shell{}, func(c *script.Config) { c.Admit = func(string) error { return stopped } })
	var (
		env *process.EnvError
		cwd *process.CwdError
	)
	for name, c := range map[string]struct {
		runs *script.Runs
		req  script.Request
		dir  string
		ok   func(error) bool
	}{
		"language": {r, script.Request{Language: "ruby"}, "", func(err error) bool {
			return errors.Is(err, runtimes.ErrUnknownLanguage) && strings.Contains(err.Error(), "sh")
		}},
		"variable": {r, script.Request{Env: map[string]string{"A B": "1"}}, "", func(err error) bool { return errors.As(err, &env) && env.Name == "A B" }},
		"argument": {r, script.Request{Args: []string{"a", "b\x00"}}, "", func(err error) bool {
			return errors.Is(err, script.ErrArgument) && strings.Contains(err.Error(), "number 2")
		}},
		"too long":  {r, script.Request{Args: []string{strings.Repeat("x", 1<<20)}}, "", func(err error) bool { return errors.Is(err, script.ErrArgument) }},
		"directory": {r, script.Request{}, "/does/not/exist", func(err error) bool { return errors.As(err, &cwd) }},
		"start":     {failing, script.Request{}, "", func(err error) bool { return errors.Is(err, full) }},
		"sandbox":   {shut, script.Request{}, "", func(err error) bool { return errors.Is(err, stopped) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place(t)
			if c.dir != "" {
				p.Dir = c.dir
			}
			if c.req.Language == "" {
				c.req.Language = "sh"
			}
			if _, err := c.runs.Run(t.Context(), p, c.req); !c.ok(err) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Cleanup(func() {
		for _, one := range []*script.Runs{r, failing, shut} {
			if one.Busy("box") {
				t.Error("the place of a refused one is still taken")
			}
		}
	})
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	r, _ := runs(t, &shell{}, nil)
	for name, c := range map[string]struct{ code, output string }{
		"with output":    {"echo begun; echo ä; sleep 600", "begun\nä\n"},
		"without output": {"sleep 600", ""},
		"ignoring it":    {"trap '' TERM INT; echo a; while :; do sleep 1; done", "a\n"},
		"compiling":      {"compile for ever", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := place(t)
			began := time.Now()
			_, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: c.code, Timeout: 300 * time.Millisecond})
			if took := time.Since(began); took < 300*time.Millisecond || took > 5*time.Second {
				t.Errorf("it took %s", took)
			}
			var cut *script.CutError
			if !errors.As(err, &cut) || !errors.Is(err, script.ErrTimeout) || cut.Output != c.output {
				t.Fatalf("%v", err)
			}
			if !strings.Contains(err.Error(), "300ms") || !strings.HasSuffix(err.Error(), c.output) {
				t.Errorf("%q", err)
			}
			empty(t, p.Dir)
		})
	}
}

// TestWaitingForAKernelIsFree: only the program's own time counts.
func TestWaitingForAKernelIsFree(t *testing.T) {
	t.Parallel()
	r, _ := runs(t, &shell{}, func(c *script.Config) {
		c.Kernel = func(ctx context.Context, _ string, _ runtimes.Runtime) (*runtimes.Kernel, error) {
			wait := time.NewTimer(400 * time.Millisecond)
			defer wait.Stop()
			select {
			case <-wait.C:
				return nil, nil
			case <-ctx.Done():
				return nil, context.Cause(ctx)
			}
		}
	})
	_, err := r.Run(t.Context(), place(t), script.Request{Language: "sh", Code: "with a kernel", Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Error(err)
	}
	_, err = r.Run(t.Context(), place(t), script.Request{Language: "sh", Code: "sleep 600", Timeout: 300 * time.Millisecond})
	if !errors.Is(err, script.ErrTimeout) {
		t.Error(err)
	}
}

// TestLeftBehind: what a program has started is gone when its answer comes,
// and nothing waits for it.
func TestLeftBehind(t *testing.T) {
	t.Parallel()
	r, _ := runs(t, &shell{}, nil)
	for name, code := range map[string]string{
		"in the background": "sleep 600 & echo $!",
		"with a group":      "set -m; sleep 600 & echo $!",
		"with a session":    "setsid sh -c 'echo $$; exec sleep 600' & sleep 0.3",
		"nohup":             "nohup sleep 600 & echo $!",
		"that goes on":      "(while :; do echo x; done) & echo $!",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			got, err := r.Run(t.Context(), place(t), script.Request{Language: "sh", Code: code, Timeout: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			var pid int
			for line := range strings.Lines(got.Output) {
				if n, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
					pid = n
				}
			}
			if pid == 0 {
				t.Fatalf("no number in %.100q", got.Output)
			}
			if alive(pid) {
				_ = syscall.Kill(pid, syscall.SIGKILL)
				t.Error("it is left")
			}
		})
	}
}

// alive reports whether a process runs; one that nobody has reaped doesn't.
func alive(pid int) bool {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
	return n == 0
}

func TestEnd(t *testing.T) {
	t.Parallel()
	f := &shell{started: make(chan struct{}, 9)}
	r, _ := runs(t, f, nil)
	p, other := place(t), place(t)
	other.Sandbox = "other"
	errs := make(chan error, 2)
	for _, code := range []string{"echo a; sleep 600", "compile for ever"} {
		go func() {
			_, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: code})
			errs <- err
		}()
		<-f.started
	}
	rest := make(chan script.Result, 1)
	go func() {
		got, _ := r.Run(t.Context(), other, script.Request{Language: "sh", Code: "while ! [ -e go ]; do sleep 0.01; done; echo went on"})
		rest <- got
	}()
	<-f.started
	if !r.Busy("box") || !r.Busy("other") || r.Busy("nobody") {
		t.Error("who is busy?")
	}
	if err := r.End(t.Context(), "box"); err != nil {
		t.Fatal(err)
	}
	if r.Busy("box") {
		t.Error("busy after its end")
	}
	for range 2 {
		if err := <-errs; !errors.Is(err, script.ErrStopped) {
			t.Errorf("%v", err)
		}
	}
	if err := os.WriteFile(filepath.Join(other.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := <-rest; got.Output != "went on\n" {
		t.Errorf("the other sandbox's: %+v", got)
	}
	if err := r.End(t.Context(), "nobody"); err != nil {
		t.Error(err)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	f := &shell{started: make(chan struct{}, 9)}
	r, scratch := runs(t, f, nil)
	p := place(t)
	errs := make(chan error, 1)
	go func() {
		_, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: "echo until then; sleep 600"})
		errs <- err
	}()
	<-f.started
	r.Close()
	var cut *script.CutError
	if err := <-errs; !errors.Is(err, process.ErrClosed) || !errors.As(err, &cut) {
		t.Errorf("%v", err)
	}
	if _, err := r.Run(t.Context(), p, script.Request{Language: "sh"}); !errors.Is(err, process.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	empty(t, scratch)
	r.Close()
}

func TestLimit(t *testing.T) {
	t.Parallel()
	f := &shell{started: make(chan struct{}, 9)}
	r, _ := runs(t, f, func(c *script.Config) { c.Limit = 2 })
	p := place(t)
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			if _, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: "while ! [ -e go ]; do sleep 0.01; done"}); err != nil {
				t.Error(err)
			}
		})
		<-f.started
	}
	_, err := r.Run(t.Context(), p, script.Request{Language: "sh"})
	if !errors.Is(err, script.ErrBusy) || !strings.Contains(err.Error(), "at most 2") {
		t.Errorf("%v", err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if _, err := r.Run(t.Context(), p, script.Request{Language: "sh"}); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
}

// TestShare: one sandbox can't keep others from running programs.
func TestShare(t *testing.T) {
	t.Parallel()
	f := &shell{started: make(chan struct{}, 9)}
	r, _ := runs(t, f, func(c *script.Config) { c.Limit, c.Share = 2, 1 })
	p, other := place(t), place(t)
	other.Sandbox = "other"
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: "while ! [ -e go ]; do sleep 0.01; done"}); err != nil {
			t.Error(err)
		}
	})
	<-f.started
	_, err := r.Run(t.Context(), p, script.Request{Language: "sh"})
	if !errors.Is(err, script.ErrBusy) || !strings.Contains(err.Error(), "at most 1 at once in one sandbox") {
		t.Errorf("%v", err)
	}
	if _, err := r.Run(t.Context(), other, script.Request{Language: "sh"}); err != nil {
		t.Errorf("another sandbox: %v", err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func TestFigures(t *testing.T) {
	t.Parallel()
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	show := func(b wire.Bundle) wire.Message { return wire.Message{Type: wire.MsgDisplay, Bundle: b, Ack: true} }
	picture := wire.Bundle{"image/png": raw(`"cGlj"`), "text/plain": raw(`"fig"`)}
	model := wire.Bundle{"image/png": raw(`"cGlj"`), "application/vnd.hotcell.chart+json": raw(`{"title":"t"}`)}
	large := func(letter string) wire.Bundle {
		return wire.Bundle{"image/png": raw(`"` + strings.Repeat(letter, 40<<20) + `"`)}
	}
	for name, c := range map[string]struct {
		messages []wire.Message
		want     []wire.Bundle
		omitted  int
	}{
		"none":               {nil, nil, 0},
		"other things":       {[]wire.Message{show(wire.Bundle{"text/html": raw(`"<b>"`)}), {Type: wire.MsgResult, Bundle: picture}, {Type: "new"}}, nil, 0},
		"pictures":           {[]wire.Message{show(picture), show(picture)}, []wire.Bundle{picture, picture}, 0},
		"a model beside it":  {[]wire.Message{show(model)}, []wire.Bundle{model}, 0},
		"a specification":    {[]wire.Message{show(wire.Bundle{"application/vnd.vega.v5+json": raw(`{}`)})}, []wire.Bundle{{"application/vnd.vega.v5+json": raw(`{}`)}}, 0},
		"more than are sent": {[]wire.Message{{Type: wire.MsgChart, More: 1}, {Type: wire.MsgChart, More: 1}}, nil, 2},
		"too large":          {[]wire.Message{show(large("x")), show(large("y")), show(picture)}, []wire.Bundle{large("x"), picture}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, _ := runs(t, &shell{messages: c.messages}, nil)
			code := "while ! [ -e sent ]; do sleep 0.01; done"
			if c.messages == nil {
				code = ""
			}
			got, err := r.Run(t.Context(), place(t), script.Request{Language: "sh", Code: code})
			if err != nil {
				t.Fatal(err)
			}
			same := cmp.Comparer(func(a, b json.RawMessage) bool { return string(a) == string(b) })
			if !cmp.Equal(got.Figures, c.want, same) || got.Omitted != c.omitted {
				t.Errorf("%.300q, %d omitted", got.Figures, got.Omitted)
			}
		})
	}
}

// TestRecover: a server that was killed leaves files, also beside the user's.
func TestRecover(t *testing.T) {
	t.Parallel()
	scratch, dir := t.TempDir(), t.TempDir()
	own := filepath.Join(scratch, "scripts", "1")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	mine := filepath.Join(dir, ".script.py")
	if err := os.WriteFile(mine, []byte("the user's"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := runtimes.Script{Dir: dir, Own: own}
	path, err := s.WriteBeside(".py", "text")
	if err != nil || path == mine || filepath.Dir(path) != dir {
		t.Fatalf("%s, %v", path, err)
	}
	// Nobody can have other files removed.
	if err := os.WriteFile(filepath.Join(own, "beside"), []byte(path+"\x00"+filepath.Join(dir, "other")+"\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "other"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := script.Recover(scratch); err != nil {
		t.Fatal(err)
	}
	entries, _ := os.ReadDir(dir)
	if len(entries) != 2 || entries[0].Name() != ".script.py" || entries[1].Name() != "other" {
		t.Errorf("%v", entries)
	}
	empty(t, filepath.Join(scratch, "scripts"))
	if err := script.Recover(t.TempDir()); err != nil {
		t.Errorf("with nothing to recover: %v", err)
	}
}

// TestReadOnlyDirectory: a program can run where nothing can be written.
func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root can write everywhere")
	}
	r, _ := runs(t, &shell{}, nil)
	p := place(t)
	if err := os.Chmod(p.Dir, 0o500); err != nil {
		t.Fatal(err)
	}
	if got, err := r.Run(t.Context(), p, script.Request{Language: "sh", Code: "echo a"}); err != nil || got.Output != "a\n" {
		t.Errorf("%+v, %v", got, err)
	}
}
