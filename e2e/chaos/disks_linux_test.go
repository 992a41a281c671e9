package chaos_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"hotcell/e2e/program"
)

// nap is how long a slow disk takes for a write.
const nap = 2 * time.Second

// promptly is what an answer that needs no disk may take while it sleeps: fifty times
// what it takes on an idle machine.
const promptly = 500 * time.Millisecond

// TestSlowDisk: while the disk takes seconds for a write, whoever needs none is
// answered at once, and nothing is lost.
func TestSlowDisk(t *testing.T) {
	d := newDisk(t)
	p := program.Launch(t, program.Build(t), d.dir, "--warm", "1")
	gone := failed(t, p)
	c := newCrowd(t, p, *seed, 2, false)
	c.l.own = gone
	var all []time.Duration
	for range amount(0, 1, 3) {
		c.until(10)
		d.hold()
		all = append(all, answers(t, p, c.seen(), gone)...)
		d.release()
	}
	c.until(10)
	c.finish()
	slices.Sort(all)
	t.Logf("%d answers while the disk slept: median %s, the slowest %s", len(all), all[len(all)/2], all[len(all)-1])
	if worst := all[len(all)*99/100]; worst > promptly {
		t.Errorf("one of a hundred answers took %s", worst)
	}
	c.settle(p, "CONTEXT_CLOSED", "NOT_FOUND")
}

// failed is an execution that has raised, in a context that is gone.
func failed(t *testing.T, p *program.Program) string {
	t.Helper()
	ask := func(method, path string, body any, answer any) {
		t.Helper()
		resp, err := request(t.Context(), p.URL, p.Key, method, path, body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if answer == nil {
			return
		}
		if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
			t.Fatal(err)
		}
	}
	var made struct{ ID string }
	ask(http.MethodPost, "/v1/contexts", map[string]any{"language": "python"}, &made)
	var ran struct{ Execution struct{ ID, Status string } }
	ask(http.MethodPost, "/v1/contexts/"+made.ID+"/executions", map[string]any{"code": "1 / 0", "wait": true}, &ran)
	if ran.Execution.Status != "error" {
		t.Fatalf("1 / 0 ended as %+v", ran)
	}
	ask(http.MethodDelete, "/v1/contexts/"+made.ID, nil, nil)
	return ran.Execution.ID
}

// answers asks what needs no disk, for as long as the disk sleeps.
func answers(t *testing.T, p *program.Program, executions ...string) (took []time.Duration) {
	t.Helper()
	paths := []string{"/healthz", "/v1/status", "/v1/contexts", "/v1/executions"}
	for _, id := range executions {
		paths = append(paths, "/v1/executions/"+id)
	}
	over := time.NewTimer(nap)
	defer over.Stop()
	for {
		for _, path := range paths {
			select {
			case <-over.C:
				return took
			default:
			}
			began := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 5*nap)
			resp, err := request(ctx, p.URL, p.Key, http.MethodGet, path, nil)
			if err != nil {
				t.Errorf("while the disk sleeps: %s: %v", path, err)
			} else {
				resp.Body.Close()
			}
			cancel()
			took = append(took, time.Since(began))
		}
	}
}

// seen is an execution whose end somebody has seen.
func (c *crowd) seen() string {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	for id, a := range c.l.asked {
		if a.over && a.Deed != "command" {
			return id
		}
	}
	return ""
}

// TestFailingDisk: what the disk refuses is told or kept back until it takes it again,
// and the next server has it.
func TestFailingDisk(t *testing.T) {
	for _, errno := range []syscall.Errno{syscall.EIO, syscall.ENOSPC} {
		t.Run(errno.Error(), func(t *testing.T) {
			if errno != syscall.EIO {
				long(t)
			}
			d := newDisk(t)
			troubled(t, d.dir, func() { d.fail(errno) }, func() { d.fail(0) })
		})
	}
}

// TestFullDisk is the same with a disk that is full indeed.
func TestFullDisk(t *testing.T) {
	long(t)
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	fill := func() {
		f, err := os.Create(ballast)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		for buf := make([]byte, 4096); err == nil; {
			_, err = f.Write(buf)
		}
	}
	troubled(t, dir, fill, func() { _ = os.Remove(ballast) })
}

// troubled has clients work on a disk that fails now and then, and asks the server, and
// the next one, for an account.
func troubled(t *testing.T, dir string, fail, mend func()) {
	t.Helper()
	path := program.Build(t)
	p := program.Launch(t, path, dir, "--warm", "1")
	c := newCrowd(t, p, *seed, 2, false)
	for range amount(0, 1, 3) {
		c.until(10)
		i := c.l.struck(strike{at: time.Now(), what: hitDisk})
		fail()
		c.refused(12)
		mend()
		c.l.lasted(i)
	}
	c.until(20)
	c.finish()
	codes := []string{"CONTEXT_CLOSED", "NOT_FOUND", "DISK_FULL", "DISK_FAILED"}
	c.settle(p, codes...)
	p.Kill(t)
	p = program.Launch(t, path, dir, "--warm", "0")
	t.Log("and the next server:")
	c.settle(p, codes...)
}
