package chaos_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/program"
)

// crowd is the clients of a server: processes of this binary, each with a few workers.
// What they tell goes into the ledger.
type crowd struct {
	t    *testing.T
	l    *ledger
	calm bool
	only string // a language
	seed uint64
	exe  string
	// began is when there were no clients yet; jumps is that the clock is set.
	began time.Time
	jumps bool
	// boxes are the sandboxes in which everything happens, which can be deleted.
	boxes []string

	mu    sync.Mutex
	url   string
	slots []*slot
	born  int
}

// slot is a client and those that take its place: they go on with its contexts.
type slot struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	ended chan struct{} // closed when all that it told was taken in

	mu      sync.Mutex
	workers []map[string]string
}

// workersEach is how many workers a client has.
const workersEach = 3

func newCrowd(t *testing.T, p *program.Program, seed uint64, clients int, calm bool) *crowd {
	t.Helper()
	return newCrowdOf(t, p, seed, clients, calm, "")
}

// newCrowdOf is newCrowd with one language only, unless that is empty.
func newCrowdOf(t *testing.T, p *program.Program, seed uint64, clients int, calm bool, only string) *crowd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &crowd{t: t, l: newLedger(), seed: seed, exe: exe, url: p.URL, calm: calm, only: only, began: time.Now()}
	for range 2 {
		c.boxes = append(c.boxes, newBox(t, p))
	}
	for range clients {
		s := &slot{workers: make([]map[string]string, workersEach)}
		for i := range s.workers {
			s.workers[i] = map[string]string{}
		}
		c.slots = append(c.slots, s)
		c.fill(s)
	}
	t.Cleanup(func() { // when the test has failed
		for _, s := range c.slots {
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
	})
	return c
}

// newBox makes a sandbox.
func newBox(t *testing.T, p *program.Program) string {
	t.Helper()
	resp, err := request(t.Context(), p.URL, p.Key, http.MethodPost, "/api/sandbox", map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(resp.Body).Decode(&made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// fill starts a client in a slot.
func (c *crowd) fill(s *slot) {
	c.mu.Lock()
	c.born++
	name, url, seed := fmt.Sprintf("c%d", c.born), c.url, c.seed+uint64(c.born)
	c.mu.Unlock()
	cmd := exec.Command(c.exe)
	cmd.Env = append(os.Environ(), clientVar+"=1")
	cmd.Stderr = os.Stderr
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		c.t.Error(err1, err2)
		return
	}
	if err := cmd.Start(); err != nil {
		c.t.Error(err)
		return
	}
	s.cmd, s.in, s.ended = cmd, in, make(chan struct{})
	s.mu.Lock()
	workers := make([]map[string]string, len(s.workers))
	for i, w := range s.workers {
		workers[i] = maps.Clone(w)
	}
	s.mu.Unlock()
	_ = json.NewEncoder(in).Encode(order{Name: name, Key: program.Key, URL: url, Seed: seed, Workers: workers, Boxes: c.boxes, Calm: c.calm, Only: c.only})
	go c.listen(s, out, s.ended, cmd) // ends with the process, and is waited for by its slot
}

// listen takes in what a client tells, to its end or the middle of a line.
func (c *crowd) listen(s *slot, out io.Reader, ended chan struct{}, cmd *exec.Cmd) {
	defer close(ended)
	in := json.NewDecoder(out)
	for {
		var m line
		if in.Decode(&m) != nil {
			break
		}
		c.l.note(m)
		s.mu.Lock()
		switch m.Op {
		case opKeep:
			s.workers[m.N][m.Language] = m.Context
		case opDelete, opForget:
			for _, w := range s.workers {
				maps.DeleteFunc(w, func(_, id string) bool { return id == m.Context })
			}
		}
		s.mu.Unlock()
	}
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
}

// kill ends a client without a word, and starts another in its place.
func (c *crowd) kill(i int) (pid int) {
	s := c.slots[i]
	pid = s.cmd.Process.Pid
	c.l.struck(strike{at: time.Now(), what: "client", pid: pid})
	_ = s.cmd.Process.Kill()
	<-s.ended
	c.fill(s)
	return pid
}

// moved tells all of another server.
func (c *crowd) moved(url string) {
	c.mu.Lock()
	c.url = url
	c.mu.Unlock()
	for _, s := range c.slots {
		_ = json.NewEncoder(s.in).Encode(order{URL: url})
	}
}

// finish has everybody see what was begun to its end.
func (c *crowd) finish() {
	for _, s := range c.slots {
		_ = json.NewEncoder(s.in).Encode(order{Stop: true})
	}
	limit := time.NewTimer(2 * patience)
	defer limit.Stop()
	for i, s := range c.slots {
		select {
		case <-s.ended:
		case <-limit.C:
			c.t.Errorf("client %d does not come to its end", i)
			_ = s.cmd.Process.Kill()
			<-s.ended
		}
	}
}

// until waits until clients have seen n more executions end.
func (c *crowd) until(n int) { c.count("ends", n, &c.l.ended) }

// refused waits until the server has refused n more requests.
func (c *crowd) refused(n int) { c.count("refusals", n, &c.l.refusals) }

func (c *crowd) count(what string, n int, counter *int) {
	c.l.mu.Lock()
	defer c.l.mu.Unlock()
	late := false
	limit := time.AfterFunc(patience, func() {
		c.l.mu.Lock()
		defer c.l.mu.Unlock()
		late = true
		c.l.changed.Broadcast()
	})
	defer limit.Stop()
	for want := *counter + n; *counter < want && !late; {
		c.l.changed.Wait()
	}
	if late {
		c.l.faults = append(c.l.faults, fmt.Sprintf("in %s there were no %d %s", patience, n, what))
	}
}
