package clock_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/audit"
	"hotcell/contexts"
	"hotcell/e2e/clock"
	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/keys"
	"hotcell/sandboxes"
	"hotcell/stream"
)

// book is what was asked for and what was told.
type book struct {
	mu      sync.Mutex
	asked   map[string][]*asked // of each context, in order
	records []activity.Record
	ended   chan string // contexts
}

// asked is an execution that its client has seen to its end.
type asked struct {
	id   string
	deed *deed
	took time.Duration // from before it was sent until its end was seen
	out  string        // what it has printed
}

// did is told of everything.
func (b *book) did(r activity.Record) {
	b.mu.Lock()
	b.records = append(b.records, r)
	b.mu.Unlock()
	if r.Kind == activity.Context && r.Action == "end" {
		b.ended <- r.Context
	}
}

// deed is a kind of execution.
type deed struct {
	status wire.Status
	limit  time.Duration
	wish   bool              // it is interrupted once it has put something out
	code   map[string]string // by language
	out    string            // what it prints
}

const limit = 200 * time.Millisecond

func deeds() []*deed {
	endless := map[string]string{
		"python":     "import time\nprint('on', flush=True)\nwhile True: time.sleep(0.001)",
		"javascript": "console.log('on'); for (;;) await new Promise(r => setTimeout(r, 1))",
		"go":         "import \"fmt\"\nfmt.Println(\"on\")\nfor { }",
	}
	return []*deed{
		{status: wire.StatusOK, out: "0\n1\n2\n", code: map[string]string{
			"python":     "import time\nfor i in range(3):\n    print(i, flush=True)\n    time.sleep(0.01)",
			"javascript": "for (let i = 0; i < 3; i++) { console.log(i); await new Promise(r => setTimeout(r, 10)) }",
			"go":         "import (\"fmt\"; \"time\")\nfor i := range 3 { fmt.Println(i); time.Sleep(10 * time.Millisecond) }",
		}},
		{status: wire.StatusTimeout, out: "on\n", limit: limit, code: endless},
		{status: wire.StatusInterrupted, out: "on\n", limit: patience, wish: true, code: endless},
		{status: wire.StatusError, code: map[string]string{"python": "1/0", "javascript": "throw new Error('no')", "go": "panic(\"no\")"}},
		{status: wire.StatusDied, code: map[string]string{
			"python": "import os\nos._exit(7)", "javascript": "process.exit(7)", "go": "import \"os\"\nos.Exit(7)",
		}},
	}
}

// TestJumps: the clock is set hundreds of times while everything that takes time does.
func TestJumps(t *testing.T) {
	t.Parallel()
	const idle = 3 * time.Second // which no client leaves between two executions
	var c clock.Clock
	b := &book{asked: map[string][]*asked{}, ended: make(chan string, 100)}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	trail, err := audit.Open(audit.Config{Path: path, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	s := testserver.Start(
		t, testserver.WithClock(c.Now), testserver.WithMinute(minute),
		testserver.WithContexts(func(cc *contexts.Config) { cc.IdleTimeout = idle }),
		testserver.WithRetention(stream.JournalOptions{Age: half * minute}),
		testserver.WithKeys(keys.Config{Limits: keys.Limits{Rate: keys.Rate{Count: 100_000, Per: time.Hour}}}),
		testserver.WithDid(func(r activity.Record) { b.did(r); trail.Record(r) }),
	)
	names := timed(t, s)
	storm(t, &c)
	began := time.Now()
	where := contexts.Options{Language: "go", Cwd: s.Sandboxes.WorkDir(sandboxes.DefaultID)}
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	for _, language := range []string{"python", "javascript", "go"} {
		wg.Go(func() { b.use(ctx, t, s, language) })
	}
	quiet := map[string]time.Time{} // contexts that nobody uses, and when they were made
	for range 8 {
		made := time.Now()
		e, err := s.Contexts.Create(t.Context(), sandboxes.DefaultID, where)
		if err != nil {
			t.Fatal(err)
		}
		quiet[e.ID()] = made
		there(t, s, "among jumps")
		probe(t, s)
	}
	for limit := time.After(patience); len(quiet) > 0; {
		select {
		case id := <-b.ended:
			if took := time.Since(quiet[id]); quiet[id].IsZero() || took < idle {
				t.Errorf("the context %s was ended after %s", id, took)
			}
			delete(quiet, id)
		case <-limit:
			t.Fatalf("of %v the idle time is never over", quiet)
		}
	}
	stop()
	wg.Wait()
	there(t, s, "after all jumps")
	ordered(t, s, names, where)
	b.account(t, s, time.Since(began))
	s.Close(t)
	if err := trail.Close(t.Context()); err != nil {
		t.Error(err)
	}
	audited(t, path)
}

// use does one thing after another in a context, and some at once.
func (b *book) use(ctx context.Context, t *testing.T, s *testserver.Server, language string) {
	t.Helper()
	conn, err := client.Dial(t.Context(), s.URL, s.Key)
	other, err2 := client.Dial(t.Context(), s.URL, s.Key)
	if err := errors.Join(err, err2); err != nil {
		t.Error(err)
		return
	}
	defer conn.Close()
	defer other.Close()
	var made struct{ ID string }
	if err := conn.Call(t.Context(), map[string]any{"type": "create_context", "language": language}, &made); err != nil {
		t.Error(err)
		return
	}
	for n := 0; ctx.Err() == nil; n++ {
		d := deeds()[n%len(deeds())]
		if n%4 < 3 {
			b.run(t, conn, d, made.ID, language, nil)
			continue
		}
		// One counts while another waits, whose events don't wait for those of the first.
		b.run(t, conn, deeds()[0], made.ID, language, func() { b.run(t, other, d, made.ID, language, nil) })
	}
}

// run sees an execution to its end. Meanwhile, if there is such a thing, is done between.
func (b *book) run(t *testing.T, conn *client.Client, d *deed, in, language string, meanwhile func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	b.mu.Lock()
	a := &asked{id: fmt.Sprintf("%s-%d", language, len(b.asked[in])), deed: d}
	b.asked[in] = append(b.asked[in], a)
	b.mu.Unlock()
	r, err := conn.Execute(ctx, client.Code{Context: in, Code: d.code[language], Timeout: d.limit, Execution: a.id})
	if err != nil {
		t.Errorf("%s: %v", a.id, err)
		return
	}
	if meanwhile != nil {
		meanwhile()
	}
	var out strings.Builder
	for wished := false; ; {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("%s: %v", a.id, err)
			return
		}
		for _, e := range es {
			if e.Type == wire.EventStdout {
				out.WriteString(e.Text)
			}
		}
		if d.wish && !wished && out.Len() > 0 {
			wished = true
			if err := r.Interrupt(ctx); err != nil {
				t.Errorf("%s: %v", a.id, err)
			}
		}
	}
	b.mu.Lock()
	a.took, a.out = time.Since(began), out.String()
	b.mu.Unlock()
}
