package durable_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// running is how many executions run when the server is killed.
const running = 50

// cell is what runs: it prints until somebody ends it. Every fifth has a daemon too,
// which has left the kernel's session and lost its parent.
func cell(i int) string {
	code := fmt.Sprintf("name_%d = %d\nimport time, subprocess, itertools\n", i, i)
	if i%5 == 0 {
		code += "subprocess.run(['setsid', 'sh', '-c', 'sleep 600 & setsid sleep 601 &'])\n"
	}
	return code + "for n in itertools.count():\n    print(n, flush=True)\n    time.sleep(0.005)\n"
}

// seen is what a client knows of one execution.
type seen struct {
	context, before string
	run             *client.Run
	queued          string
	events          []wire.Event
	finished        []wire.Event
}

// TestKilled kills a server with 50 running executions, and takes account of everything.
func TestKilled(t *testing.T) {
	t.Parallel()
	ctx := inTime(t)
	path, dir := program.Build(t), t.TempDir()
	first := program.Launch(t, path, dir, "--warm", "2")
	all := make([]*seen, running)
	var began sync.WaitGroup
	c, aside := dial(t, first), dial(t, first)
	followed := make(chan error, running)
	for i := range all {
		all[i] = begin(t, c, aside, i)
		began.Add(1)
		go func() { // ends with the connection
			once := sync.OnceFunc(began.Done)
			defer once()
			_, err := follow(ctx, all[i].run, func(es []wire.Event) bool {
				all[i].events = es
				if len(es) > 4 {
					once()
				}
				return false
			})
			followed <- err
		}()
	}
	began.Wait()
	things := startThings(t, first)
	short := hurry(t, first, c)
	left := append(procs.Descendants(first.Pid), daemons(dir)...)
	neighbour := program.Launch(t, path, t.TempDir(), "--warm", "0")
	theirs := begin(t, dial(t, neighbour), dial(t, neighbour), 0)
	if _, err := follow(ctx, theirs.run, func(es []wire.Event) bool { return len(es) > 1 }); err != nil {
		t.Fatal(err)
	}
	stay := procs.Descendants(neighbour.Pid)

	if err := first.End(syscall.SIGKILL); err == nil {
		t.Error("it was not killed")
	}
	for range all {
		if err := <-followed; !errors.Is(err, client.ErrClosed) {
			t.Errorf("a follower: %v", err)
		}
	}
	short.wait()
	second := program.Launch(t, path, dir, "--warm", "0")
	none, cancel := context.WithTimeout(ctx, 1)
	defer cancel()
	if err := procs.Gone(none, left); err != nil {
		t.Errorf("of %d processes: %v", len(left), err)
	}
	if err := procs.Gone(none, daemons(dir)); err != nil {
		t.Error(err)
	}
	for _, p := range stay {
		if !slices.ContainsFunc(procs.Descendants(neighbour.Pid), func(q procs.Process) bool { return q.Pid == p.Pid && q.Start == p.Start }) {
			t.Errorf("the neighbour has lost %+v", p)
		}
	}
	c = dial(t, second)
	for i, s := range all {
		s.account(t, c, i)
	}
	short.account(t, c)
	things.account(t, second)
	contextsAreLost(t, second, all)
}

// begin runs three things in a context: one to its end, one that goes on, and one that
// has to wait. That one is aside's: until somebody follows the one before, its events
// hold up what else there is for their client.
func begin(t *testing.T, c, aside *client.Client, i int) *seen {
	t.Helper()
	s := &seen{context: open(t, c)}
	r, err := c.Execute(t.Context(), client.Code{Context: s.context, Code: fmt.Sprintf("kept_%d = 'x'; print('é' * 10)\n%d", i, i)})
	if err != nil {
		t.Fatal(err)
	}
	if s.finished, err = follow(t.Context(), r, nil); err != nil {
		t.Fatal(err)
	}
	s.before = r.ID
	if s.run, err = c.Execute(t.Context(), client.Code{Context: s.context, Code: cell(i)}); err != nil {
		t.Fatal(err)
	}
	r, err = aside.Execute(t.Context(), client.Code{Context: s.context, Code: "print('this never runs')"})
	if err != nil {
		t.Fatal(err)
	}
	s.queued = r.ID
	return s
}

// account asks the next server what became of a context's executions.
func (s *seen) account(t *testing.T, c *client.Client, i int) {
	t.Helper()
	what := fmt.Sprintf("execution %d", i)
	rest := again(t, c, s.run.ID, s.events[len(s.events)-1].Seq+1)
	there := again(t, c, s.run.ID, 1)
	whole(t, what, there)
	same(t, what, s.events, there)
	same(t, what+", with the rest", append(s.events[:len(s.events):len(s.events)], rest...), there)
	last := there[len(there)-2]
	if last.Type != wire.EventError || last.Name != "ServerDiedError" || last.Cause.Reason != "server_died" ||
		!strings.Contains(last.Value, "the server died") || !strings.Contains(strings.Join(last.Lost, " "), fmt.Sprintf("kept_%d", i)) ||
		there[len(there)-1].Status != wire.StatusDied {
		t.Errorf("%s: %+v", what, last)
	}
	finished := again(t, c, s.before, 1)
	whole(t, "a finished one", finished)
	same(t, "a finished one", s.finished, finished)
	if len(finished) != len(s.finished) {
		t.Errorf("a finished one has %d events more", len(finished)-len(s.finished))
	}
	queued := again(t, c, s.queued, 1)
	whole(t, "one that waited", queued)
	if e := queued[0]; len(queued) != 2 || e.Name != "ServerDiedError" || !strings.Contains(e.Value, "before this ran") || queued[1].Status != wire.StatusCancelled {
		t.Errorf("one that waited: %+v", queued)
	}
	if err := c.Call(t.Context(), map[string]any{"type": "interrupt", "execution": s.run.ID}, nil); err == nil || !strings.Contains(err.Error(), "nothing is running") {
		t.Errorf("interrupt: %v", err)
	}
}

// contextsAreLost: they say so, in words; their executions can be listed.
func contextsAreLost(t *testing.T, p *program.Program, all []*seen) {
	t.Helper()
	for i, s := range all[:3] {
		var f fault
		status := ask(t, p, http.MethodPost, "/v1/contexts/"+s.context+"/executions", map[string]any{"code": "1"}, &f)
		if m := f.Message; status != http.StatusGone || f.Code != "CONTEXT_LOST" || !strings.Contains(m, "the server died") || !strings.Contains(m, fmt.Sprintf("kept_%d", i)) {
			t.Errorf("%d %+v", status, f)
		}
		var list []struct{ ID, State, Status string }
		if status := ask(t, p, http.MethodGet, "/v1/contexts/"+s.context+"/executions", nil, &list); status != http.StatusOK || len(list) != 3 ||
			list[0].Status != "ok" || list[1].Status != "died" || list[2].Status != "cancelled" {
			t.Errorf("%d %+v", status, list)
		}
		if status := ask(t, p, http.MethodDelete, "/toolbox/default/process/interpreter/context/"+s.context, nil, &f); status != http.StatusNotFound || !strings.Contains(f.Message, "the server died") {
			t.Errorf("Daytona: %d %+v", status, f)
		}
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodDelete, p.URL+"/e2b/contexts/"+s.context, nil)
		req.Header.Set("X-Access-Token", p.Key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusNotFound {
			t.Errorf("E2B: %s", resp.Status)
		}
	}
	var list []struct{ ID string }
	if ask(t, p, http.MethodGet, "/v1/executions", nil, &list); len(list) < 3*running {
		t.Errorf("%d executions are listed", len(list))
	}
	var f fault
	if status := ask(t, p, http.MethodGet, "/v1/executions/never", nil, &f); status != http.StatusNotFound || f.Code != "NOT_FOUND" {
		t.Errorf("%d %+v", status, f)
	}
}

// hurried are short executions that went on until the server was gone.
type hurried struct {
	wg     sync.WaitGroup
	mu     sync.Mutex
	asked  map[string][]wire.Event // what was seen of each
	ended  map[string]bool         // its client has seen the end
	taken  map[string]bool         // its client has got the answer
	number atomic.Int64
}

// hurry starts clients that run one short execution after another.
func hurry(t *testing.T, p *program.Program, c *client.Client) *hurried {
	t.Helper()
	h := &hurried{asked: map[string][]wire.Event{}, ended: map[string]bool{}, taken: map[string]bool{}}
	var warm sync.WaitGroup
	for range 4 {
		context, c := open(t, c), dial(t, p)
		warm.Add(1)
		h.wg.Go(func() { // ends with the server
			once := sync.OnceFunc(warm.Done)
			defer once()
			for h.one(t.Context(), c, context) {
				if h.number.Load() > 40 {
					once()
				}
			}
		})
	}
	warm.Wait()
	return h
}

func (h *hurried) one(ctx context.Context, c *client.Client, context string) bool {
	id := fmt.Sprintf("short-%d", h.number.Add(1))
	h.mu.Lock()
	h.asked[id] = nil
	h.mu.Unlock()
	r, err := c.Execute(ctx, client.Code{Context: context, Execution: id, Code: "print('a'); 1 + 1"})
	if err != nil {
		return false
	}
	events, err := follow(ctx, r, nil)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asked[id], h.ended[id], h.taken[id] = events, err == nil, true
	return err == nil
}

func (h *hurried) wait() { h.wg.Wait() }

// account: each has finished, failed with a reason, or was never accepted.
func (h *hurried) account(t *testing.T, c *client.Client) {
	t.Helper()
	finished, failed, never := 0, 0, 0
	for id, events := range h.asked {
		r, err := c.Attach(t.Context(), id, 1)
		if err != nil {
			if h.taken[id] || !strings.Contains(err.Error(), "no execution has this id") {
				t.Errorf("%s is not known: %v", id, err)
			}
			never++
			continue
		}
		there, err := follow(t.Context(), r, nil)
		if err != nil {
			t.Error(err)
		}
		whole(t, id, there)
		same(t, id, events, there)
		switch last := there[len(there)-1]; {
		case last.Status == wire.StatusOK:
			finished++
		case h.ended[id]:
			t.Errorf("%s had ended, and is %s now", id, last.Status)
		default:
			failed++
		}
	}
	t.Logf("%d finished, %d failed with the server, %d were never accepted", finished, failed, never)
	if finished == 0 {
		t.Error("none has finished")
	}
}

// daemons are the processes that have left everybody, in a server's directory.
func daemons(dir string) (out []procs.Process) {
	for _, p := range procs.All() {
		cwd, _ := os.Readlink(fmt.Sprintf("/proc/%d/cwd", p.Pid))
		if strings.HasPrefix(cwd, dir) {
			out = append(out, p)
		}
	}
	return out
}
