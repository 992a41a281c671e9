// Package chaos_test has many clients load the real program while things break under
// it, and takes account of every execution at the end: each has finished, failed with
// a reason that fits what was done, or was never accepted.
//
// Clients are processes of this binary. They tell the test what they send before they
// do, and what they see when they do, so their ledger outlives them.
package chaos_test

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
)

var (
	seed    = flag.Uint64("seed", uint64(time.Now().UnixNano()), "what the chaos begins with; the same one strikes the same kinds in the same order")
	kills   = flag.Int("kills", 0, "how many kernels, templates and clients are killed; 0 is few, or 500 where everything is tried")
	servers = flag.Int("servers", 0, "how many times the server is killed; 0 is few, or 20 where everything is tried")
)

func TestMain(m *testing.M) {
	if os.Getenv(clientVar) != "" {
		os.Exit(clientMain())
	}
	testserver.Main(m)
}

// What else is done to a server.
const (
	hitDisk        = "disk"
	hitDescriptors = "descriptors"
)

// amount is how much is done: what the flag says, or few, or many where all is tried.
func amount(said, few, many int) int {
	switch {
	case said > 0:
		return said
	case testserver.All():
		return many
	default:
		return few
	}
}

// long skips what takes a minute or more, unless everything is tried.
func long(t *testing.T) {
	t.Helper()
	if !testserver.All() {
		t.Skip("it takes a minute: HOTCELL_TEST_ALL=1 runs it")
	}
}

func random() *rand.Rand { return rand.New(rand.NewPCG(*seed, 0)) }

// TestKills: kernels, the template, whatever else the server has started, and clients
// are killed while they are at work.
func TestKills(t *testing.T) {
	p := program.StartWith(t, nil, "--isolation", "auto")
	began := time.Now()
	watch := newWatch(p)
	c := newCrowd(t, p, *seed, 4, false)
	r := random()
	c.until(20)
	n := amount(*kills, 16, 500)
	for range n {
		c.until(1 + r.IntN(8))
		c.throw(r, p.Pid)
		watch.look()
	}
	c.until(20)
	c.finish()
	t.Logf("%d kills in %s", n, time.Since(began).Round(time.Second))
	c.settle(p, "CONTEXT_CLOSED", "NOT_FOUND", "SANDBOX_ENDED") // the latter when its first process was killed
	watch.clear(t, c)
}

// TestServerKills: the server is killed while it is at work, and starts again.
func TestServerKills(t *testing.T) {
	path, dir := program.Build(t), t.TempDir()
	start := func() *program.Program {
		return program.Launch(t, path, dir, "--warm", "1", "--isolation", "auto")
	}
	p := start()
	began := time.Now()
	c := newCrowd(t, p, *seed, 4, false)
	r := random()
	n := amount(*servers, 2, 20)
	for range n {
		c.until(20 + r.IntN(60))
		left := procs.Descendants(p.Pid)
		i := c.l.struck(strike{at: time.Now(), what: hitServer, pid: p.Pid})
		p.Kill(t)
		p = start()
		c.l.lasted(i)
		gone, cancel := context.WithTimeout(t.Context(), time.Second)
		if err := procs.Gone(gone, left); err != nil {
			t.Errorf("the next server serves, and %v", err)
		}
		cancel()
		c.moved(p.URL)
	}
	c.until(20)
	c.finish()
	t.Logf("%d kills in %s", n, time.Since(began).Round(time.Second))
	c.settle(p, "CONTEXT_CLOSED", "NOT_FOUND", "CONTEXT_LOST")
}
