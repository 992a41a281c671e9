package load_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// TestLeaks creates and deletes contexts in a loop, and wants everything to be
// where it was: goroutines, descriptors, processes and memory, of the server
// and of the processes that it keeps.
func TestLeaks(t *testing.T) {
	s := testserver.Start(t)
	for _, tc := range []struct {
		language string
		contexts int
	}{{"python", 2000}, {"javascript", 100}, {"go", 100}} {
		t.Run(tc.language, func(t *testing.T) {
			c := &clients.Native{URL: s.URL, Key: s.Key}
			churn(t, c, tc.language, 20) // what is made once, and kept
			before := settle(t, s, nil)
			began := time.Now()
			churn(t, c, tc.language, tc.contexts)
			t.Logf("%s for one context", time.Since(began)/time.Duration(tc.contexts))
			after := settle(t, s, &before)
			t.Logf("before %+v\nafter  %+v", before, after)
			if err := after.above(before); err != nil {
				t.Error(err)
			}
		})
	}
}

// atOnce is how many contexts there are at a time.
const atOnce = 4

// churn creates contexts, uses them and deletes them. Each second one is
// deleted while it runs.
func churn(t *testing.T, c clients.Client, language string, n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	defer cancel()
	turns := make(chan int)
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for i := range turns {
				if err := oneLife(ctx, c, language, i%2 == 1); err != nil {
					t.Errorf("context %d: %v", i, err)
				}
			}
		})
	}
	for i := range n {
		turns <- i
	}
	close(turns)
	wg.Wait()
}

func oneLife(ctx context.Context, c clients.Client, language string, busy bool) error {
	cx, err := c.Open(ctx, clients.Options{Language: language})
	if err != nil {
		return err
	}
	r, err := cx.Start(ctx, clients.Cell{Code: "1+1"})
	if err != nil {
		return err
	}
	if o, err := r.Wait(ctx); err != nil || o.Status != "ok" {
		return fmt.Errorf("%w %s", err, o)
	}
	if busy {
		loop := map[string]string{"python": "while True: pass", "javascript": "for (;;);", "go": "for {}"}[language]
		if r, err = cx.Start(ctx, clients.Cell{Code: loop}); err != nil {
			return err
		}
		if err := r.Begun(ctx); err != nil {
			return err
		}
	}
	return cx.Delete(ctx)
}

// inventory is what there is at a moment at which nothing runs.
type inventory struct {
	Goroutines, Descriptors, Processes int
	Kept                               int   // descriptors of the processes
	Heap, Resident                     int64 // of the server, which here is the test too
	KeptResident                       int64 // of the processes
}

func take() inventory {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	n := inventory{
		Goroutines: goroutines(), Descriptors: procs.Descriptors(), Heap: int64(m.HeapAlloc),
	}
	n.Resident, _ = procs.Memory(os.Getpid())
	for _, p := range procs.Descendants(os.Getpid()) {
		n.Processes++
		n.Kept += procs.DescriptorsOf(p.Pid)
		resident, _ := procs.Memory(p.Pid)
		n.KeptResident += resident
	}
	return n
}

// goroutines are all but the HTTP server's idle workers: it keeps as many as there were
// connections at once, for ten seconds.
func goroutines() (n int) {
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	for g := range strings.SplitSeq(strings.TrimSpace(string(all)), "\n\n") {
		head, where, _ := strings.Cut(g, "\n")
		idle := strings.Contains(head, "[chan receive") && strings.HasPrefix(where, "github.com/valyala/fasthttp.(*workerPool).workerFunc(")
		if !idle {
			n++
		}
	}
	return n
}

// above says what is more than it was. Memory may grow by what allocators
// keep: far less than a leak of a few KB for each context would be.
func (n inventory) above(was inventory) error {
	switch {
	case n.Goroutines > was.Goroutines, n.Descriptors > was.Descriptors, n.Processes > was.Processes, n.Kept > was.Kept:
		return fmt.Errorf("something is left: before %+v, now %+v: %s %+v", was, n, procs.Listing(os.Getpid()), procs.Descendants(os.Getpid()))
	case n.Heap > was.Heap+4<<20, n.Resident > was.Resident+64<<20, n.KeptResident > was.KeptResident+32<<20:
		return fmt.Errorf("memory has grown: before %+v, now %+v", was, n)
	}
	return nil
}

// settle waits for what ends by itself.
func settle(t *testing.T, s *testserver.Server, was *inventory) (now inventory) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	last, alike := inventory{Goroutines: -1}, 0
	_ = procs.Eventually(ctx, func() error { // the caller sees what it has come to
		s.Contexts.Warm(ctx)
		now = take()
		if was != nil {
			return now.above(*was)
		}
		// A parked kernel opens descriptors for a while after its hello.
		if now.Goroutines != last.Goroutines || now.Descriptors != last.Descriptors ||
			now.Processes != last.Processes || now.Kept != last.Kept {
			alike = 0
		}
		last = now
		if alike++; alike < 20 {
			return fmt.Errorf("not settled")
		}
		return nil
	})
	return now
}
