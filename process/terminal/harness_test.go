package terminal_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/process"
	"hotcell/process/terminal"
	"hotcell/process/terminal/screen"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long is for what takes milliseconds on an idle machine.
const long = 20 * time.Second

func newSet(t *testing.T, cfg terminal.Config) *terminal.Set {
	t.Helper()
	s := terminal.NewSet(cfg)
	t.Cleanup(s.Close)
	return s
}

// place is a sandbox whose shells say little.
func place(t *testing.T) process.Place {
	t.Helper()
	home := t.TempDir()
	for name, text := range map[string]string{".profile": "PS1='$ '\nunset HISTFILE\n", ".inputrc": "set enable-bracketed-paste off\n"} {
		if err := os.WriteFile(filepath.Join(home, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return process.Place{Sandbox: "box", Dir: t.TempDir(), Env: map[string]string{"HOME": home}}
}

func create(t *testing.T, s *terminal.Set, o terminal.Options) *terminal.Terminal {
	t.Helper()
	if o.ID == "" {
		o.ID = "t"
	}
	tm, err := s.Create(t.Context(), place(t), o)
	if err != nil {
		t.Fatal(err)
	}
	return tm
}

// person watches a terminal and remembers what was shown.
type person struct {
	t      *testing.T
	term   *terminal.Terminal
	client *terminal.Client
	text   strings.Builder
	screen *screen.Screen // nil: only the text matters
	err    error
}

func attach(t *testing.T, tm *terminal.Terminal) *person {
	t.Helper()
	p, i := reader(t, tm), tm.Info()
	p.screen = screen.New(i.Cols, i.Rows)
	return p
}

// reader is a person who takes megabytes, without a screen, which would take longer
// than all else.
func reader(t *testing.T, tm *terminal.Terminal) *person {
	t.Helper()
	c, err := tm.Attach(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return &person{t: t, term: tm, client: c}
}

// sees takes what was shown.
func (p *person) sees(b []byte) {
	p.text.Write(b)
	if p.screen != nil {
		_, _ = p.screen.Write(b)
	}
}

// read takes what comes next, or reports that nothing more will.
func (p *person) read() bool {
	ctx, cancel := context.WithTimeout(p.t.Context(), long)
	defer cancel()
	b, err := p.client.Next(ctx)
	if err != nil {
		p.err = err
		return false
	}
	p.sees(b)
	return true
}

// until reads until the text has shown up.
func (p *person) until(text string) {
	p.t.Helper()
	from := 0
	for !strings.Contains(p.text.String()[from:], text) {
		from = max(p.text.Len()-len(text), 0)
		if !p.read() {
			p.t.Fatalf("%v before %q: %q", p.err, text, tail(p.text.String()))
		}
	}
}

// end reads to the end and returns how the terminal ended.
func (p *person) end() terminal.Exit {
	p.t.Helper()
	for p.read() {
	}
	if !errors.Is(p.err, io.EOF) {
		p.t.Fatalf("%v: %q", p.err, tail(p.text.String()))
	}
	<-p.term.Done()
	return p.term.Exit()
}

func (p *person) typing(text string) {
	p.t.Helper()
	if err := p.client.Write(p.t.Context(), []byte(text)); err != nil {
		p.t.Fatal(err)
	}
}

func tail(s string) string { return s[max(len(s)-2000, 0):] }

func descriptors(t *testing.T) int {
	t.Helper()
	names, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(names)
}

// settle reads until nothing has come for a while.
func (p *person) settle() {
	p.t.Helper()
	for {
		ctx, cancel := context.WithTimeout(p.t.Context(), 300*time.Millisecond)
		b, err := p.client.Next(ctx)
		cancel()
		if err != nil {
			if !errors.Is(err, context.DeadlineExceeded) {
				p.t.Fatal(err)
			}
			return
		}
		p.sees(b)
	}
}
