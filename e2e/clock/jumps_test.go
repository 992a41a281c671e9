package clock_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// account wants each execution to have ended as its code says, in a time that can be true.
func (b *book) account(t *testing.T, s *testserver.Server, longest time.Duration) {
	t.Helper()
	all := map[string]shown{}
	var order []string
	for _, x := range listed(t, s) {
		all[x.ID] = x
		order = append(order, x.ID)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	total, outcomes := 0, map[wire.Status]int{}
	for _, in := range b.asked {
		last := len(order)
		for _, a := range in {
			total++
			x := all[a.id]
			at := slices.Index(order, a.id)
			switch {
			case x.State != wire.StateDone || x.Status != a.deed.status:
				t.Errorf("%s is %s %s, want %s", a.id, x.State, x.Status, a.deed.status)
			case x.took() <= 0 || x.took() > a.took || x.Status == wire.StatusTimeout && (x.took() < limit || x.took() > limit+20*time.Second):
				t.Errorf("%s (%s) has taken %s, of %s", a.id, x.Status, x.took(), a.took)
			case a.out != a.deed.out:
				t.Errorf("%s (%s) has printed %q", a.id, x.Status, a.out)
			case at > last:
				t.Errorf("%s is listed as older than what was asked for before it", a.id)
			}
			outcomes[x.Status]++
			last = at
		}
	}
	if total != len(all) {
		t.Errorf("%d executions were asked for, %d are there", total, len(all))
	}
	for _, r := range b.records {
		if r.Waited < 0 || r.Took < 0 || r.First < 0 || r.Waited+r.Took > longest || r.First > longest {
			t.Errorf("%s %s %s: waited %s, took %s, the first event after %s", r.Kind, r.Action, r.ID, r.Waited, r.Took, r.First)
		}
		if r.Outcome == activity.Refused || r.Kind == activity.Login {
			t.Errorf("refused: %+v", r)
		}
	}
	t.Logf("%d executions: %v", total, outcomes)
	if len(outcomes) != len(deeds()) {
		t.Error("not everything was tried")
	}
}

// ordered wants what is listed as the oldest first to be that.
func ordered(t *testing.T, s *testserver.Server, names []string, where contexts.Options) {
	t.Helper()
	var got []string
	for _, sb := range s.Sandboxes.All() {
		if slices.Contains(names, sb.Name) {
			got = append(got, sb.Name)
		}
	}
	if !slices.Equal(got, names) {
		t.Errorf("the sandboxes are %v, oldest first; they were made as %v", got, names)
	}
	var ids []string
	for range 3 {
		e, err := s.Contexts.Create(t.Context(), sandboxes.DefaultID, where)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID())
	}
	var listed []string
	for _, e := range s.Contexts.List(sandboxes.DefaultID) {
		listed = append(listed, e.ID())
	}
	if n := len(listed) - len(ids); n < 0 || !slices.Equal(listed[n:], ids) {
		t.Errorf("the newest contexts are %v of %v", ids, listed)
	}
}

// audited reads the audit log: whole, in order, and no duration is one that can't be.
func audited(t *testing.T, path string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last, runs := uint64(0), 0
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		var e struct {
			Seq      uint64
			Kind     string
			Queued   float64 `json:"queued_ms"`
			Duration float64 `json:"duration_ms"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if most := float64(patience.Milliseconds()); e.Seq != last+1 || e.Queued < 0 || e.Duration < 0 || e.Queued > most || e.Duration > most {
			t.Errorf("after entry %d: %s", last, lines.Text())
		}
		if last = e.Seq; strings.HasPrefix(e.Kind, "exec") {
			runs++
		}
	}
	if runs == 0 {
		t.Error("no execution is in the audit log")
	}
}
