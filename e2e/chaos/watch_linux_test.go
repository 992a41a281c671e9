package chaos_test

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
)

// watch remembers the processes that a server has had, and what it had at first.
type watch struct {
	p           *program.Program
	seen        map[procs.Process]bool
	descriptors int
}

func newWatch(p *program.Program) *watch {
	w := &watch{p: p, seen: map[procs.Process]bool{}, descriptors: procs.DescriptorsOf(p.Pid)}
	w.look()
	return w
}

func (w *watch) look() {
	for _, p := range procs.Descendants(w.p.Pid) {
		w.seen[procs.Process{Pid: p.Pid, Start: p.Start, Name: p.Name}] = true
	}
}

// spare is how many descriptors a server may have more than when it began: a log's
// file, and what is done at that moment.
const spare = 8

// clear deletes the sandboxes and wants nothing to be left of them: first the
// descriptors, then, with the server, the processes.
func (w *watch) clear(t *testing.T, c *crowd) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.look()
	for _, box := range c.boxes {
		resp, err := request(ctx, w.p.URL, w.p.Key, http.MethodDelete, "/api/sandbox/"+box, nil)
		if err != nil {
			t.Errorf("delete sandbox: %v", err)
			continue
		}
		resp.Body.Close()
	}
	http.DefaultClient.CloseIdleConnections()
	soon, stop := context.WithTimeout(ctx, 20*time.Second)
	defer stop()
	if err := procs.Eventually(soon, func() error {
		if n := procs.DescriptorsOf(w.p.Pid); n > w.descriptors+spare {
			return fmt.Errorf("%d descriptors instead of %d: %s", n, w.descriptors, procs.Listing(w.p.Pid))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if left := procs.Descendants(w.p.Pid); len(left) > 2*most {
		t.Errorf("of all sandboxes are left: %+v", left)
	}
	if err := w.p.End(syscall.SIGTERM); err != nil {
		t.Errorf("the server's end: %v", err)
	}
	var left []procs.Process
	for p := range w.seen {
		left = append(left, p)
	}
	if err := procs.Gone(soon, left); err != nil {
		t.Errorf("of %d processes: %v", len(left), err)
	}
}

// most is how many processes a server has that belong to no sandbox: templates.
const most = 2
