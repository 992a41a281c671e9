package interpreter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

func open(t *testing.T, change func(*interpreter.Config)) *interpreter.Interpreter {
	t.Helper()
	cfg := interpreter.Config{Language: "fake", Cwd: t.TempDir(), Spawn: spawn("plain"), Store: journal(t, stream.JournalOptions{}), Group: "sb"}
	if change != nil {
		change(&cfg)
	}
	in, err := interpreter.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(interpreter.Deleted()) })
	return in
}

func submit(t *testing.T, in *interpreter.Interpreter, req interpreter.Request) *interpreter.Execution {
	t.Helper()
	e, err := in.Execute(req)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// events reads an execution to its end.
func events(t *testing.T, e *interpreter.Execution) []wire.Event {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 30*time.Second, errors.New("no end in 30 s"))
	defer cancel()
	var out []wire.Event
	for r := e.Events(1); ; {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("after %d events: %v", len(out), err)
		}
		out = append(out, es...)
	}
}

// brief writes events as lines, neighbouring output joined.
func brief(es []wire.Event) []string {
	var out []string
	var last wire.EventType
	for i, e := range es {
		if e.Seq != uint64(i+1) {
			return []string{fmt.Sprintf("event %d has number %d", i+1, e.Seq)}
		}
		line := string(e.Type)
		switch e.Type {
		case wire.EventStdout, wire.EventStderr:
			if last == e.Type {
				out[len(out)-1] += e.Text
				continue
			}
			line += " " + e.Text
		case wire.EventState:
			line += " " + string(e.State)
			if e.Status != "" {
				line += " " + string(e.Status)
			}
		case wire.EventError:
			line += " " + e.Name
		case wire.EventNotice:
			line += " " + strings.Join(e.Lost, ",")
		default:
			line += " " + string(e.Bundle["text/plain"]) + e.Prompt
		}
		last = e.Type
		out = append(out, line)
	}
	return out
}

func run(t *testing.T, in *interpreter.Interpreter, code string) []wire.Event {
	t.Helper()
	return events(t, submit(t, in, interpreter.Request{Code: code, Timeout: 20 * time.Second}))
}

func find(es []wire.Event, typ wire.EventType) wire.Event {
	for _, e := range es {
		if e.Type == typ {
			return e
		}
	}
	return wire.Event{}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	got := brief(run(t, in, "echo a\ndisplay D\necho b\ndisplay E\nwarn w\nresult 2"))
	want := []string{"state running", "stdout a\n", `display "D"`, "stdout b\n", `display "E"`, "stderr w\n", `result "2"`, "state done ok"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = brief(run(t, in, "raise ValueError\necho never"))
	if d := cmp.Diff([]string{"state running", "error ValueError", "state done error"}, got); d != "" {
		t.Error(d)
	}
}

func TestDisplayIsNeverOvertaken(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	var code, want strings.Builder
	for i := range 300 {
		fmt.Fprintf(&code, "echo %d\ndisplay %d\n", i, i)
		fmt.Fprintf(&want, "%d\n%q;", i, strconv.Itoa(i))
	}
	var got strings.Builder
	for _, e := range run(t, in, code.String()) {
		switch e.Type {
		case wire.EventStdout:
			got.WriteString(e.Text)
		case wire.EventDisplay:
			got.WriteString(string(e.Bundle["text/plain"]) + ";")
		default:
		}
	}
	if got.String() != want.String() {
		t.Errorf("out of order: %.200s", got.String())
	}
}

func TestOutputIsWhole(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) { c.Events.Memory = 256 << 10 })
	e := submit(t, in, interpreter.Request{Code: "flood 20000000\nletters 50000"})
	<-e.Done()
	total := 0
	for _, ev := range events(t, e) { // read late: nearly all of it was spilled
		if len(ev.Text) > 32<<10 {
			t.Fatalf("a piece of %d bytes", len(ev.Text))
		}
		total += len(ev.Text)
	}
	if total != 20_050_000 {
		t.Errorf("%d bytes", total)
	}
	if n := e.Snapshot().Events; n > 20_000 {
		t.Errorf("%d events for 50,000 small writes: not coalesced", n)
	}
}

func TestInvalidUTF8(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	got := find(run(t, in, `raw a\xffb`), wire.EventStdout).Text
	all := strings.Join(brief(run(t, in, `raw \xe2\x82`+"\necho next")), "|")
	if got != "a\uFFFDb" || all != "state running|stdout \uFFFD\uFFFDnext\n|state done ok" {
		t.Errorf("%q, %q", got, all)
	}
}

func TestTimeoutKeepsState(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "name x")
	for _, verb := range []string{"hang", "lose-first-sigint"} {
		es := events(t, submit(t, in, interpreter.Request{Code: verb, Timeout: 30 * time.Millisecond}))
		if d := cmp.Diff([]string{"state running", "error TimeoutError", "state done timeout"}, brief(es)); d != "" {
			t.Error(d)
		}
		if e := find(es, wire.EventError); !e.Cause.StateKept || e.Traceback != "in hang" {
			t.Errorf("%+v", e)
		}
	}
	if s := in.Status(); s.Epoch != 1 || s.State != "idle" {
		t.Errorf("%+v", s)
	}
}

func TestLadderEndsInKill(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "name x")
	began := time.Now()
	es := events(t, submit(t, in, interpreter.Request{Code: "ignore-sigint", Timeout: 30 * time.Millisecond}))
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %s", took)
	}
	e := find(es, wire.EventError)
	if e.Name != "TimeoutError" || e.Cause.Step != "kill" || e.Cause.StateKept || cmp.Diff(e.Lost, []string{"x"}) != "" {
		t.Errorf("%+v %+v", e, e.Cause)
	}
	es = run(t, in, "echo back")
	if d := cmp.Diff([]string{"state running", "notice x", "stdout back\n", "state done ok"}, brief(es)); d != "" {
		t.Error(d)
	}
	if es[0].Epoch != 2 {
		t.Errorf("epoch %d", es[0].Epoch)
	}
}

func TestDeath(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, code, words, fault, reason string }{
		{"exit", "exit 3", "exit status 3", "KernelDiedError", "kernel_died"},
		{"sigterm", "kill 15", "killed by SIGTERM", "KernelDiedError", "kernel_died"},
		{"sigkill", "kill 9", "killed by SIGKILL", "KernelDiedError", "kernel_died"},
		{"closes protocol", "hang-up", "killed by SIGKILL", "KernelDiedError", "kernel_died"},
		{"says too much", "garbage", "killed, since it broke the protocol between its driver and the server: read frame of 4294967295 bytes", "ProtocolError", "protocol"},
		{"says what isn't JSON", "frame nonsense", "decode frame: frame is no message", "ProtocolError", "protocol"},
		{"says what isn't UTF-8", "frame {\"type\":\"BYTE\"}", "frame is no message: it is not valid UTF-8", "ProtocolError", "protocol"},
		{"says a number", "frame 7", "decode frame: frame is no message", "ProtocolError", "protocol"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			in := open(t, nil)
			run(t, in, "name x\nname y")
			es := run(t, in, "echo before\n"+c.code)
			if d := cmp.Diff([]string{"state running", "stdout before\n", "error " + c.fault, "state done died"}, brief(es)); d != "" {
				t.Error(d)
			}
			if e := find(es, wire.EventError); !strings.Contains(e.Value, c.words) || !strings.Contains(e.Value, "x, y") || e.Cause.Reason != c.reason {
				t.Errorf("%q %+v", e.Value, e.Cause)
			}
			if got := brief(run(t, in, "echo again")); got[1] != "notice x,y" || got[2] != "stdout again\n" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestDeathWhenIdle(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	run(t, in, "name x")
	if err := syscall.Kill(in.Status().Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if got := brief(run(t, in, "echo again")); got[1] != "notice x" || got[2] != "stdout again\n" {
		t.Errorf("%q", got)
	}
}

// TestABrokenProtocolWhenIdle: the kernel is ended at once, and not by the execution
// that comes next.
func TestABrokenProtocolWhenIdle(t *testing.T) {
	t.Parallel()
	died := make(chan string, 1)
	in := open(t, func(c *interpreter.Config) { c.Observe.Died = func(_, cause string) { died <- cause } })
	run(t, in, "name x\nframe-later nonsense")
	if err := syscall.Kill(in.Status().Pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if cause := <-died; cause != "protocol" {
		t.Errorf("it died of %s", cause)
	}
	es := run(t, in, "echo again")
	if n := find(es, wire.EventNotice); !strings.Contains(n.Text, "broke the protocol") || !strings.Contains(n.Text, "lost: x") || brief(es)[2] != "stdout again\n" {
		t.Errorf("%q %q", n.Text, brief(es))
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	if err := in.Interrupt("nobody", 0); !errors.Is(err, interpreter.ErrNotRunning) {
		t.Errorf("idle: %v", err)
	}
	running, queued := submit(t, in, interpreter.Request{Code: "echo on\nhang"}), submit(t, in, interpreter.Request{Code: "echo q"})
	r := running.Events(1)
	for seen := ""; !strings.Contains(seen, "on\n"); {
		es, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range es {
			seen += e.Text
		}
	}
	if err := queued.Interrupt("changed my mind", 0); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"error InterruptedError", "state done cancelled"}, brief(events(t, queued))); d != "" {
		t.Error(d)
	}
	if err := in.Interrupt("enough", 0); err != nil {
		t.Fatal(err)
	}
	es := events(t, running)
	if d := cmp.Diff([]string{"state running", "stdout on\n", "error KeyboardInterrupt", "state done interrupted"}, brief(es)); d != "" {
		t.Error(d)
	}
	if e := find(es, wire.EventError); !e.Cause.StateKept || !strings.Contains(e.Value, "enough") {
		t.Errorf("%+v", e)
	}
	if err := running.Interrupt("again", 0); !errors.Is(err, interpreter.ErrNotRunning) {
		t.Errorf("done: %v", err)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) { c.Queue = 140 })
	running := submit(t, in, interpreter.Request{Code: "hang", ID: "one"})
	if _, err := running.Events(1).Next(t.Context()); err != nil { // it has left the queue
		t.Fatal(err)
	}
	if _, err := in.Execute(interpreter.Request{ID: "one"}); !errors.Is(err, interpreter.ErrDuplicateID) {
		t.Errorf("duplicate: %v", err)
	}
	var queued []*interpreter.Execution
	for {
		e, err := in.Execute(interpreter.Request{Code: "echo q"})
		if errors.Is(err, interpreter.ErrQueueFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		queued = append(queued, e)
	}
	if len(queued) != 140 {
		t.Errorf("%d queued", len(queued))
	}
	in.Close(interpreter.Deleted())
	if got := brief(events(t, running)); got[1] != "error ContextDeletedError" || got[2] != "state done cancelled" {
		t.Errorf("%q", got)
	}
	for _, e := range queued {
		if got := brief(events(t, e)); got[0] != "error ContextDeletedError" {
			t.Fatalf("%q", got)
		}
	}
	if _, err := in.Execute(interpreter.Request{}); !errors.Is(err, interpreter.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	running, queued := submit(t, in, interpreter.Request{Code: "hang"}), submit(t, in, interpreter.Request{Code: "echo q"})
	if _, err := running.Events(1).Next(t.Context()); err != nil { // state running
		t.Fatal(err)
	}
	if err := in.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range []*interpreter.Execution{running, queued} {
		if ev := find(events(t, e), wire.EventError); ev.Name != "ContextRestartedError" {
			t.Errorf("%+v", ev)
		}
	}
	es := run(t, in, "echo fresh")
	if d := cmp.Diff([]string{"state running", "stdout fresh\n", "state done ok"}, brief(es)); d != "" || es[0].Epoch != 2 {
		t.Error(d, es[0].Epoch)
	}
}

func TestOutputLimit(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) { c.Events.Memory, c.Events.Disk = 128<<10, 1<<20 })
	es := run(t, in, "flood 50000000")
	if e := find(es, wire.EventError); e.Name != "OutputLimitError" || e.Cause.Reason != "output_limit" {
		t.Errorf("%+v", e)
	}
	if got := brief(run(t, in, "echo after")); got[len(got)-1] != "state done ok" {
		t.Errorf("%q", got)
	}
}

func TestBackgroundOutput(t *testing.T) {
	in := open(t, nil)
	written := make(chan os.Signal, 1)
	signal.Notify(written, syscall.SIGUSR2)
	defer signal.Stop(written)
	if got := brief(run(t, in, "later tick")); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if err := syscall.Kill(in.Status().Pid, syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	<-written
	if got := brief(run(t, in, "echo now")); got[1] != "stdout tick\nnow\n" {
		t.Errorf("%q", got)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	e := submit(t, in, interpreter.Request{Code: "ask name?", Stdin: true})
	for r := e.Events(1); ; {
		es, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if find(es, wire.EventInputRequest).Prompt == "name?" {
			break
		}
	}
	if err := e.Reply("Ada", false, nil); err != nil {
		t.Fatal(err)
	}
	if got := find(events(t, e), wire.EventStdout).Text; got != "got \"Ada\" eof=false\n" {
		t.Errorf("%q", got)
	}
	if err := e.Reply("late", false, nil); !errors.Is(err, interpreter.ErrNoInputRequested) {
		t.Errorf("%v", err)
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	in := open(t, nil)
	m, err := in.Complete(t.Context(), "pri", 3)
	if err != nil || len(m.Matches) != 1 || m.Matches[0].Text != "pri!" {
		t.Errorf("%+v %v", m, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*interpreter.Config)
		words  string
	}{
		{"cwd", func(c *interpreter.Config) { c.Cwd = "/does/not/exist" }, `"/does/not/exist" cannot be used: no such file`},
		{"env", func(c *interpreter.Config) { c.Env = map[string]string{"A=B": "c"} }, `"A=B" has a '=' in its name`},
		{"refused", func(c *interpreter.Config) { c.Env = map[string]string{"REFUSE": "not today"} }, "not today"},
		{"bad hello", func(c *interpreter.Config) { c.Spawn = spawn("bad-hello") }, `first message was "good morning"`},
		{"no hello", func(c *interpreter.Config) { c.Spawn = spawn("mute") }, "exit status 7; it said: no such module: sys"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := interpreter.Config{Language: "fake", Spawn: spawn("plain")}
			c.change(&cfg)
			in, err := interpreter.Open(t.Context(), cfg)
			if err == nil {
				in.Close(interpreter.Deleted())
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.words) {
				t.Errorf("%v", err)
			}
		})
	}
}

// journal opens one that is closed with the test.
func journal(t *testing.T, o stream.JournalOptions) *stream.Journal {
	t.Helper()
	j, err := stream.OpenJournal(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

func TestHistory(t *testing.T) {
	t.Parallel()
	in := open(t, func(c *interpreter.Config) { c.Store = journal(t, stream.JournalOptions{Count: 3}) })
	var ids []string
	for range 5 {
		e := submit(t, in, interpreter.Request{Code: "echo x"})
		events(t, e)
		ids = append(ids, e.ID())
	}
	run(t, in, "echo last") // whose turn comes after the trim
	if _, err := in.Execution(ids[0]); !errors.Is(err, interpreter.ErrEvicted) {
		t.Errorf("oldest: %v", err)
	}
	if _, err := in.Execution("never"); !errors.Is(err, interpreter.ErrUnknownExecution) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := in.Execution(ids[4]); err != nil {
		t.Errorf("newest: %v", err)
	}
}

func TestLongOutputsShareADescriptor(t *testing.T) {
	in := open(t, nil)
	count := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	run(t, in, "flood 200000")
	before := count()
	for range 20 {
		run(t, in, "flood 200000")
	}
	if after := count(); after > before+1 { // the spool may be opened only now
		t.Errorf("%d descriptors became %d", before, after)
	}
}
