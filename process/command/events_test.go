package command_test

import (
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/process/command"
	"hotcell/stream"
)

// events reads a command's events from a number to the end.
func events(t *testing.T, c *command.Command, from uint64) []command.Event {
	t.Helper()
	r, err := c.Events(from)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var all []command.Event
	for {
		batch, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, slices.Clone(batch)...)
	}
}

// joined is the output of one kind, byte by byte.
func joined(all []command.Event, kind command.EventType) string {
	var b strings.Builder
	for _, e := range all {
		if e.Type == kind {
			b.WriteString(e.Text)
			b.Write(e.Base64)
		}
	}
	return b.String()
}

func start(t *testing.T, s *command.Set, spec command.Spec) *command.Command {
	t.Helper()
	if spec.Place.Dir == "" {
		spec.Place = place(t)
	}
	c, err := s.Start(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEvents(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := start(t, s, command.Spec{Text: `echo a; echo b >&2; printf 'ä\377\n'; kill -TERM $$`})
	all := events(t, c, 1)
	first, last := all[0], all[len(all)-1]
	if first.Type != command.EventStart || first.ID != c.ID() || first.Pid == 0 {
		t.Errorf("%+v", first)
	}
	if last.Type != command.EventEnd || last.Status != command.StatusSignaled || last.Code != 143 || last.Signal != "SIGTERM" {
		t.Errorf("%+v", last.Outcome)
	}
	if out, errs := joined(all, command.EventStdout), joined(all, command.EventStderr); out != "a\nä\xff\n" || errs != "b\n" {
		t.Errorf("%q %q", out, errs)
	}
	for i, e := range all {
		if e.Seq != uint64(i+1) || e.Time.IsZero() {
			t.Errorf("%+v", e)
		}
	}
	if diff := cmp.Diff(all[2:], events(t, c, 3)); diff != "" {
		t.Errorf("read again: %s", diff)
	}
	if snap := c.Snapshot(); snap.Pid != 0 || snap.Outcome == nil || snap.Outcome.Code != 143 || snap.Events != uint64(len(all)) || snap.Sandbox != "sb" {
		t.Errorf("%+v", snap)
	}
}

// TestBytes sends every byte there is through the pieces, most of it on disk.
func TestBytes(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *command.Config) { c.Events = stream.Options{Memory: 100_000} })
	raw := make([]byte, 3_000_000)
	for i := range raw {
		raw[i] = byte(i * i >> 5)
	}
	p := place(t)
	if err := os.WriteFile(p.Dir+"/raw", raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c := start(t, s, command.Spec{Place: p, Text: "cat raw; seq 100000 >&2"})
	all := events(t, c, 1)
	if out := joined(all, command.EventStdout); out != string(raw) {
		t.Errorf("%d bytes became %d", len(raw), len(out))
	}
	if errs := joined(all, command.EventStderr); !strings.HasPrefix(errs, "1\n2\n") || !strings.HasSuffix(errs, "\n100000\n") || len(errs) != 588895 {
		t.Errorf("%d bytes", len(errs))
	}
	for _, e := range all {
		if len(e.Text)+len(e.Base64) > 32<<10 || e.Text != strings.ToValidUTF8(e.Text, "?") {
			t.Errorf("a piece of %d bytes", len(e.Text)+len(e.Base64))
		}
	}
}

// TestAtOnce checks that output is seen while the command runs, and that small
// writes are put together.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := start(t, s, command.Spec{Text: "printf a; printf 'b\\n'; exec sleep 600"})
	r, err := c.Events(2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for got := ""; got != "ab\n"; {
		batch, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got += joined(batch, command.EventStdout)
	}
	if err := c.Signal(syscall.SIGTERM, 0); err != nil {
		t.Error(err)
	}
	<-c.Done()
	if err := c.Signal(syscall.SIGTERM, 0); !errors.Is(err, command.ErrNotRunning) {
		t.Errorf("%v", err)
	}
	lines := start(t, s, command.Spec{Text: "for ((i = 0; i < 20000; i++)); do echo $i; done"})
	if n := len(events(t, lines, 1)); n > 2000 {
		t.Errorf("20000 lines became %d events", n)
	}
}

func TestInput(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := start(t, s, command.Spec{Text: "cat; echo end", Stdin: true})
	raw := strings.Repeat("x\x00\xff\n", 500_000)
	for rest := raw; rest != ""; rest = rest[min(len(rest), 300_000):] {
		if err := c.Input([]byte(rest[:min(len(rest), 300_000)])); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.CloseInput(); err != nil {
		t.Error(err)
	}
	if err := c.Input([]byte("x")); !errors.Is(err, command.ErrInputClosed) && !errors.Is(err, command.ErrNotRunning) {
		t.Errorf("after its end: %v", err)
	}
	if got := joined(events(t, c, 1), command.EventStdout); got != raw+"end\n" {
		t.Errorf("%d bytes became %d", len(raw), len(got))
	}
	<-c.Done()
	if err := c.Input([]byte("x")); !errors.Is(err, command.ErrNotRunning) {
		t.Errorf("after the command's end: %v", err)
	}

	none := start(t, s, command.Spec{Text: "sleep 600"})
	if err := none.Input([]byte("x")); !errors.Is(err, command.ErrNoInput) {
		t.Errorf("without an input: %v", err)
	}
	deaf := start(t, s, command.Spec{Text: "exec <&-; echo deaf; sleep 600", Stdin: true})
	r, err := deaf.Events(2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	// Somebody else's process that is just being started holds the pipe until it is another program.
	for err = deaf.Input([]byte("x")); err == nil; err = deaf.Input([]byte("x")) {
	}
	if !errors.Is(err, command.ErrInputClosed) {
		t.Errorf("nobody reads: %v", err)
	}
	// Somebody who writes more than the command takes is let go by its end.
	lazy := start(t, s, command.Spec{Text: "sleep 600", Stdin: true})
	wrote := make(chan error)
	go func() { wrote <- lazy.Input(make([]byte, 1_000_000)) }()
	if err := lazy.Signal(syscall.SIGTERM, 0); err != nil {
		t.Error(err)
	}
	if err := <-wrote; !errors.Is(err, command.ErrInputClosed) && !errors.Is(err, command.ErrNotRunning) {
		t.Errorf("the command has ended: %v", err)
	}
}

func TestSignalWithGrace(t *testing.T) {
	t.Parallel()
	s := open(t)
	c := start(t, s, command.Spec{Text: "trap 'echo no' INT; echo on; while :; do sleep 0.01; done"})
	r, err := c.Events(2)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(t.Context()); err != nil { // it has its trap
		t.Fatal(err)
	}
	if err := c.Signal(syscall.SIGINT, 100*time.Millisecond); err != nil {
		t.Error(err)
	}
	<-c.Done()
	all := events(t, c, 1)
	if o := c.Snapshot().Outcome; o.Status != command.StatusSignaled || o.Code != 137 || joined(all, command.EventStdout) != "on\nno\n" {
		t.Errorf("%+v %q", o, joined(all, command.EventStdout))
	}
}

func TestOutputLimit(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *command.Config) {
		c.Events = stream.Options{Memory: 100_000, Disk: 1_000_000}
	})
	c := start(t, s, command.Spec{Text: "yes"})
	all := events(t, c, 1)
	if o := c.Snapshot().Outcome; o.Status != command.StatusEnded || !errors.Is(o.Cause, command.ErrOutputLimit) || !strings.Contains(o.Reason, "more than is kept") {
		t.Errorf("%+v", o)
	}
	if n := len(joined(all, command.EventStdout)); n < 1_000_000 || n > 1_500_000 {
		t.Errorf("%d bytes are there", n)
	}
	if last := all[len(all)-1]; last.Type != command.EventEnd {
		t.Errorf("%+v", last)
	}
}

func TestRetention(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *command.Config) {
		c.Store = stream.NewJournal(t.TempDir(), stream.JournalOptions{Count: 3, Bytes: 500_000})
	})
	p := place(t)
	var all []*command.Command
	for range 5 {
		c := start(t, s, command.Spec{Place: p, Text: "echo x"})
		<-c.Done()
		all = append(all, c)
	}
	for i, c := range all {
		if _, err := s.Find(c.ID()); errors.Is(err, command.ErrEvicted) != (i < 2) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := s.Find("never"); !errors.Is(err, command.ErrNotFound) {
		t.Errorf("%v", err)
	}
	big := start(t, s, command.Spec{Place: p, Text: "head -c 1000000 /dev/zero"})
	<-big.Done()
	if left := s.All(); len(left) != 1 || left[0] != big || len(joined(events(t, big, 1), command.EventStdout)) != 1_000_000 {
		t.Errorf("%d are kept", len(left))
	}
	running := start(t, s, command.Spec{Place: p, Text: "sleep 600"})
	for _, c := range []*command.Command{big, running} {
		if err := s.Delete(c.ID()); err != nil {
			t.Error(err)
		}
		if _, err := s.Find(c.ID()); !errors.Is(err, command.ErrNotFound) {
			t.Errorf("%v", err)
		}
	}
	if s.Busy("sb") || len(s.All()) != 0 {
		t.Error("something is left")
	}
}

func TestCodec(t *testing.T) {
	t.Parallel()
	at := time.Unix(5, 7).UTC()
	for _, e := range []command.Event{
		{Seq: 1, Time: at, Type: command.EventStart, ID: "x", Pid: 3},
		{Seq: 2, Time: at, Type: command.EventStdout, Text: "a"},
		{Seq: 3, Time: at, Type: command.EventStderr, Text: "ä"},
		{Seq: 4, Time: at, Type: command.EventStdout, Base64: []byte{255}},
		{Seq: 5, Time: at, Type: command.EventStderr, Base64: []byte{0, 254}},
		{Seq: 6, Time: at, Type: command.EventEnd, Outcome: &command.Outcome{Status: command.StatusExited, Code: 3, Duration: 1.5}},
	} {
		raw, err := command.Codec{}.Append(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := command.Codec{}.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(e, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, raw := range []string{"", "o", "j{", "O123"} {
		if _, err := (command.Codec{}).Decode([]byte(raw)); err == nil {
			t.Errorf("%q was taken", raw)
		}
	}
}
