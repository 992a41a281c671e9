package durable_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// start runs code until it has printed something.
func start(t *testing.T, c *client.Client, code client.Code) *client.Run {
	t.Helper()
	r, err := c.Execute(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := follow(inTime(t), r, func(es []wire.Event) bool { return len(es) > 1 }); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestTold: a server that is told to end takes nothing more, lets what runs end by
// itself, tells the rest why it ends, and leaves no process. The next one knows.
func TestTold(t *testing.T) {
	t.Parallel()
	path, dir := program.Build(t), t.TempDir()
	p := program.Launch(t, path, dir, "--drain", "3s", "--warm", "1")
	c := dial(t, p)
	gate := filepath.Join(dir, "sandboxes/default/work/gate") // code inside can see it, too
	if err := errors.Join(syscall.Mkfifo(gate, 0o600), os.Chmod(gate, 0o666)); err != nil {
		t.Fatal(err)
	}
	ends := start(t, c, client.Code{Context: open(t, c), Code: "print('on', flush=True); open(" + quote(gate) + ").read(); 'ended by itself'"})
	old := start(t, c, client.Code{Language: "python", Code: "mine = 1\nprint(1)"})
	if _, err := follow(inTime(t), old, nil); err != nil {
		t.Fatal(err)
	}
	long := start(t, c, client.Code{Context: old.Context, Code: "print('on', flush=True)\nimport time; time.sleep(600)"})
	queued, err := c.Execute(t.Context(), client.Code{Context: long.Context, Code: "1"})
	if err != nil {
		t.Fatal(err)
	}
	left := procs.Descendants(p.Pid)
	ended := make(chan error)
	go func() { ended <- p.End(syscall.SIGTERM) }()
	// The word that nothing more is taken is the end of what waits.
	es, err := follow(inTime(t), queued, nil)
	if err != nil || len(es) != 2 || es[0].Cause.Reason != "shutdown" || es[1].Status != wire.StatusCancelled {
		t.Errorf("what waited: %+v, %v", es, err)
	}
	_, err = c.Execute(t.Context(), client.Code{Context: ends.Context, Code: "1"})
	if refused := (*client.Error)(nil); !errors.As(err, &refused) || refused.Code != "SHUTTING_DOWN" {
		t.Errorf("an execution now: %v", err)
	}
	if err := os.WriteFile(gate, nil, 0); err != nil {
		t.Fatal(err)
	}
	if es, err := follow(inTime(t), ends, nil); err != nil || es[len(es)-1].Status != wire.StatusOK {
		t.Errorf("what could end: %+v, %v", es, err)
	}
	es, err = follow(inTime(t), long, nil)
	es = slices.DeleteFunc(es, func(e wire.Event) bool { return e.Type == wire.EventStdout }) // the end of its line
	if err != nil || es[0].Name != "ServerShutdownError" || es[len(es)-1].Status != wire.StatusCancelled {
		t.Errorf("what could not: %+v, %v", es, err)
	}
	<-c.Done()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := procs.Gone(inTime(t), left); err != nil {
		t.Error(err)
	}

	p = program.Launch(t, path, dir, "--warm", "0")
	c = dial(t, p)
	for id, status := range map[string]wire.Status{ends.ID: wire.StatusOK, long.ID: wire.StatusCancelled, queued.ID: wire.StatusCancelled} {
		all := again(t, c, id, 1)
		whole(t, id, all)
		if last := all[len(all)-1]; last.Status != status {
			t.Errorf("%s: %+v", id, last)
		}
	}
	var f fault
	if status := ask(t, p, http.MethodGet, "/v1/contexts/"+old.Context, nil, &f); status != http.StatusGone || !strings.Contains(f.Message, "was shut down at") {
		t.Errorf("%d %+v", status, f)
	}
	// The default context begins anew, and says once what was lost.
	for i := range 2 {
		r, err := c.Execute(t.Context(), client.Code{Language: "python", Code: "1"})
		if err != nil {
			t.Fatal(err)
		}
		es, err := follow(inTime(t), r, nil)
		told := len(es) > 1 && es[1].Type == wire.EventNotice && strings.Contains(es[1].Text, "was shut down at") && strings.Contains(es[1].Text, "mine")
		if err != nil || told != (i == 0) {
			t.Errorf("run %d: %+v, %v", i, es, err)
		}
	}
}

func quote(s string) string { return "'" + s + "'" }

// TestToldTwice ends at once.
func TestToldTwice(t *testing.T) {
	t.Parallel()
	p := program.Launch(t, program.Build(t), t.TempDir(), "--drain", "10m", "--warm", "0")
	c := dial(t, p)
	context := open(t, c)
	start(t, c, client.Code{Context: context, Code: "print('on', flush=True)\nimport time; time.sleep(600)"})
	queued, err := c.Execute(t.Context(), client.Code{Context: context, Code: "1"})
	if err != nil {
		t.Fatal(err)
	}
	left := procs.Descendants(p.Pid)
	began := time.Now()
	ended := make(chan error)
	go func() { ended <- p.End(syscall.SIGTERM) }()
	if _, err := follow(inTime(t), queued, nil); err != nil { // it has heard the first
		t.Fatal(err)
	}
	if err := syscall.Kill(p.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended // with a word about the clients that it didn't wait for, perhaps
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if err := procs.Gone(inTime(t), left); err != nil {
		t.Error(err)
	}
}

// TestFullDisk: an execution is told that what it puts out can't be kept, others go on
// when there is room again, and the server lives.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=12m"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	p := program.Launch(t, program.Build(t), dir, "--warm", "0")
	c := dial(t, p)
	context := open(t, c)
	r, err := c.Execute(t.Context(), client.Code{Context: context, Code: "kept = 5\nwhile True: print('x' * 10000)"})
	if err != nil {
		t.Fatal(err)
	}
	es, err := follow(inTime(t), r, nil)
	if err != nil {
		t.Fatal(err)
	}
	whole(t, "the flood", es)
	if e := es[len(es)-2]; e.Name != "OutputLimitError" || !strings.Contains(e.Value, "the disk that keeps the events is full") || !strings.Contains(e.Value, "variables are kept") {
		t.Errorf("%s: %s", e.Name, e.Value)
	}
	same(t, "the flood", es, again(t, c, r.ID, 1))
	// What is left of the disk is for last words: soon nothing more is accepted.
	for range 10_000 {
		r, err := c.Execute(t.Context(), client.Code{Context: context, Code: "1"})
		if refused := (*client.Error)(nil); errors.As(err, &refused) {
			if refused.Code != "DISK_FULL" || refused.Status != http.StatusInsufficientStorage {
				t.Errorf("%+v", refused)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := follow(inTime(t), r, nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	r, err = c.Execute(t.Context(), client.Code{Context: context, Code: "kept"})
	if err != nil {
		t.Fatal(err)
	}
	if es, err := follow(inTime(t), r, nil); err != nil || es[len(es)-1].Status != wire.StatusOK {
		t.Errorf("%+v, %v", es, err)
	}
}

// TestEvicted: finished, evicted and unknown are told apart, by the next server too.
func TestEvicted(t *testing.T) {
	t.Parallel()
	path, dir := program.Build(t), t.TempDir()
	p := program.Launch(t, path, dir, "--warm", "0", "--retention-size", "16")
	c := dial(t, p)
	context := open(t, c)
	var ids []string
	for range 4 {
		r, err := c.Execute(t.Context(), client.Code{Context: context, Code: "for _ in range(900): print('x' * 10000)"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := follow(inTime(t), r, nil); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, r.ID)
	}
	for range 2 {
		for id, want := range map[string]int{ids[0]: http.StatusGone, ids[3]: http.StatusOK, "never": http.StatusNotFound} {
			var f fault
			if status := ask(t, p, http.MethodGet, "/v1/executions/"+id, nil, &f); status != want || want == http.StatusGone && f.Code != "EVICTED" {
				t.Errorf("%s: %d %+v", id, status, f)
			}
		}
		whole(t, "the newest", again(t, dial(t, p), ids[3], 1))
		_ = p.End(syscall.SIGKILL)
		p = program.Launch(t, path, dir, "--warm", "0", "--retention-size", "16")
	}
}
