package terminal_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/process/terminal"
)

// quiet turns off the shell's echo and the terminal's translations.
const quiet = "stty raw -echo; PS1=; echo ready\r"

func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\n", i+1)
	}
	return b.String()
}

// TestEverythingArrives, however fast the program and however many look on.
func TestEverythingArrives(t *testing.T) {
	t.Parallel()
	const n = 400_000
	tm := create(t, newSet(t, terminal.Config{}), terminal.Options{})
	people := []*person{reader(t, tm), reader(t, tm), reader(t, tm)}
	people[0].typing(quiet)
	people[0].until("ready\n")
	people[0].typing(fmt.Sprintf("exec seq 1 %d\r", n))
	var wg sync.WaitGroup
	for _, p := range people {
		wg.Go(func() {
			if e := p.end(); e.Code != 0 {
				t.Errorf("%+v", e)
			}
		})
	}
	wg.Wait()
	for i, p := range people {
		_, out, _ := strings.Cut(p.text.String(), "ready\n")
		if at := strings.Index(out, "1\n2\n3\n"); at < 0 || out[at:] != numbers(n) {
			t.Errorf("client %d: %d bytes, which end with %q", i, len(out), tail(out))
		}
	}
}

// TestStalledClient: one that reads nothing is left behind and told; the others
// get everything.
func TestStalledClient(t *testing.T) {
	t.Parallel()
	const n = 200_000
	tm := create(t, newSet(t, terminal.Config{StallShared: 500 * time.Millisecond}), terminal.Options{})
	p, stalled := reader(t, tm), reader(t, tm)
	p.typing(quiet)
	p.until("ready\n")
	p.typing(fmt.Sprintf("seq 1 %d; echo the end\r", n))
	p.until("the end\n")
	if !strings.Contains(p.text.String(), numbers(n)) {
		t.Error("output is missing")
	}
	for stalled.read() {
	}
	if !errors.Is(stalled.err, terminal.ErrSlow) {
		t.Errorf("the stalled one: %v", stalled.err)
	}
	stalled.client.Close()
	again := attach(t, tm)
	again.until("the end")
}

// TestComingAtAnyTime attaches while a program prints as fast as it can: what
// comes after the screen is whole, and so is what its first client gets.
func TestComingAtAnyTime(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	all, tested := numbers(100_000), 0
	for i := range 20 {
		tm := create(t, s, terminal.Options{ID: fmt.Sprint(i), Env: map[string]string{"PROMPT_COMMAND": "stty -opost; seq 1 100000; exit"}})
		if n := i * 50; n > 0 {
			waitFor(t, func() bool { return tm.Printed() > n*300 || tm.Pid() == 0 })
		}
		c, err := tm.Attach(t.Context(), i%2 == 0)
		if errors.As(err, new(*terminal.EndedError)) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		p := &person{t: t, term: tm, client: c}
		p.end()
		out := p.text.String()
		rest := out[max(strings.LastIndex(out, "\x1b["), 0):]
		_, rest, _ = strings.Cut(rest, "\n")
		var first int
		if _, err := fmt.Sscan(rest, &first); err != nil {
			continue // nothing was left
		}
		got, _, _ := strings.Cut(rest, "100000\n")
		if !strings.HasSuffix(all, got+"100000\n") {
			t.Fatalf("attached at %d: %q", i, rest[:min(len(rest), 300)])
		}
		tested++
		c.Close()
	}
	if tested < 5 {
		t.Errorf("only %d were in time", tested)
	}
}

// TestLonelyClientHoldsTheProgram: there is no hurry when nobody else waits,
// and no loss.
func TestLonelyClientHoldsTheProgram(t *testing.T) {
	t.Parallel()
	const n = 200_000
	tm := create(t, newSet(t, terminal.Config{StallShared: time.Millisecond}), terminal.Options{})
	p := attach(t, tm)
	p.typing(quiet)
	p.until("ready\n")
	p.typing(fmt.Sprintf("seq 1 %d; echo the end\r", n))
	p.until("\n1\n2\n")
	waitFor(t, func() bool { return tm.Held() })
	p.until("the end\n")
	if !strings.Contains(p.text.String(), numbers(n)) {
		t.Error("output is missing")
	}
}

// TestLonelyClientIsLeftBehind once it has had its time; the program goes on.
func TestLonelyClientIsLeftBehind(t *testing.T) {
	t.Parallel()
	tm := create(t, newSet(t, terminal.Config{StallAlone: 50 * time.Millisecond}), terminal.Options{})
	p := attach(t, tm)
	p.typing(quiet)
	p.until("ready\n")
	p.typing("seq 1 300000; exit 4\r")
	<-tm.Done()
	if e := tm.Exit(); e.Code != 4 {
		t.Errorf("%+v", e)
	}
	for p.read() {
	}
	if !errors.Is(p.err, terminal.ErrSlow) {
		t.Errorf("%v", p.err)
	}
}

// TestNobodyWatches: a program prints at its own pace, and the first client
// that comes later sees the screen.
func TestNobodyWatches(t *testing.T) {
	t.Parallel()
	pl := place(t)
	pl.Env["BASH_ENV"] = ""
	tm := create(t, newSet(t, terminal.Config{}), terminal.Options{Env: map[string]string{"PROMPT_COMMAND": "seq 1 100000; exec sleep 600"}})
	// Until everything was taken from the terminal, which holds up to 64 KiB of it when the
	// program is through: whoever attaches before gets the rest, too.
	const all = 688_895 // bytes, with CR LF
	waitFor(t, func() bool { return tm.Printed() >= all })
	p := attach(t, tm)
	p.until("99999\r\n100000")
	if n := p.text.Len(); n > 20<<10 {
		t.Errorf("%d bytes for a screen", n)
	}
}

// TestInput of any size reaches a program that reads.
func TestInput(t *testing.T) {
	t.Parallel()
	text := bytes.Repeat([]byte("0123456789abcdef"), 200_000)
	p := attach(t, create(t, newSet(t, terminal.Config{}), terminal.Options{}))
	p.typing(quiet)
	p.until("ready\n")
	p.typing(fmt.Sprintf("echo go; head -c %d | md5sum\r", len(text)))
	p.until("go\n")
	for piece := text; len(piece) > 0; {
		n := min(len(piece), 300_001)
		p.typing(string(piece[:n]))
		piece = piece[n:]
	}
	p.until(fmt.Sprintf("%x  -\n", md5.Sum(text)))
}

// TestInputThatNobodyReads is refused in the end, and hurts nobody else.
func TestInputThatNobodyReads(t *testing.T) {
	t.Parallel()
	tm := create(t, newSet(t, terminal.Config{InputStall: 50 * time.Millisecond}), terminal.Options{})
	p, other := attach(t, tm), attach(t, tm)
	p.typing("stty raw -echo; echo go; exec sh -c 'while :; do echo tick; sleep 0.01; done'\r")
	p.until("go\n")
	var err error
	for range 10 {
		if err = p.client.Write(t.Context(), make([]byte, 600<<10)); err != nil {
			break
		}
	}
	if !errors.Is(err, terminal.ErrInputFull) {
		t.Errorf("%v", err)
	}
	from := other.text.Len()
	for range 3 {
		other.until("tick\n")
		other.text.Reset()
	}
	_ = from
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("left"))
	if err := p.client.Write(ctx, []byte("x")); err == nil {
		t.Error("there is room")
	}
	tm.Kill()
}

// TestMemory: many clients and much output stay within their bounds.
func TestMemory(t *testing.T) {
	s := newSet(t, terminal.Config{})
	before := heap()
	var all []*person
	for i := range 20 {
		tm := create(t, s, terminal.Options{ID: fmt.Sprint(i)})
		p := reader(t, tm)
		p.typing("seq 1 100000; echo the e'n'd\r")
		p.until("the end\r\n")
		p.text.Reset()
		all = append(all, p)
	}
	if each := (heap() - before) / 20; each > 3<<20 {
		t.Errorf("%d bytes a terminal", each)
	} else {
		t.Logf("%d KB a terminal", each>>10)
	}
	runtime.KeepAlive(all)
}

func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestLastWords: what the kernel still holds when the process is gone reaches
// a client that takes its time.
func TestLastWords(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	p := attach(t, create(t, s, terminal.Options{}))
	p.typing(quiet)
	p.until("ready\n")
	p.typing("exec sh -c 'head -c 263500 /dev/zero | tr \"\\\\0\" x; exit 3'\r")
	waitFor(t, func() bool { return len(s.List("box")) == 0 })
	if e := p.end(); e.Code != 3 {
		t.Errorf("%+v", e)
	}
	if n := strings.Count(p.text.String(), "xxxxx"); n < 263500/5 {
		t.Errorf("%d of 263500", n*5)
	}
}

// TestLastWordsThatNobodyTakes: the process is gone, a client still has to read
// its last output, and the server ends.
func TestLastWordsThatNobodyTakes(t *testing.T) {
	t.Parallel()
	s := newSet(t, terminal.Config{})
	tm := create(t, s, terminal.Options{})
	p := attach(t, tm)
	p.typing(quiet)
	p.until("ready\n")
	// A little more than the ring holds; the rest stays in the kernel.
	p.typing("exec sh -c 'head -c 263500 /dev/zero | tr \"\\\\0\" x; exit 3'\r")
	waitFor(t, func() bool { return len(s.List("box")) == 0 })
	select {
	case <-tm.Done():
		t.Fatal("it is gone, and its last words with it")
	default:
	}
	began := time.Now()
	s.Close()
	if d := time.Since(began); d > 10*time.Second {
		t.Errorf("the end took %s", d)
	}
	if e := tm.Exit(); e.Code != 3 {
		t.Errorf("%+v", e)
	}
}
