package load_test

import (
	"context"
	"iter"
	"testing"
	"time"

	"hotcell/e2e/program"
	"hotcell/handlers/native/client"
)

// memoryBound is what a server may need at most, whatever runs: its own 40 MB
// and, for each of a few runs, the 4 MiB of log that stay in memory and what is
// on its way to the client.
const memoryBound = 128 << 20

type volume struct {
	name  string
	want  func() iter.Seq[string]
	cells map[string]string // by language
	small bool              // what matters is how it is read from the pipes
}

func volumes() []volume {
	return []volume{
		{"200,000 lines", func() iter.Seq[string] { return numbers(200_000) }, map[string]string{
			"python":     "for i in range(200_000): print(i)",
			"javascript": "for (let i = 0; i < 200_000; i++) console.log(i)",
			"go":         "import \"fmt\"\nfor i := range 200_000 { fmt.Println(i) }",
		}, false},
		{"50 MB in 64 KiB writes", func() iter.Seq[string] { return blocks(800, 64<<10) }, map[string]string{
			"python":     "import sys\nfor i in range(800): _ = sys.stdout.write(chr(97 + i % 26) * 65536)",
			"javascript": "for (let i = 0; i < 800; i++) process.stdout.write(String.fromCharCode(97 + i % 26).repeat(65536)); 0",
			"go":         "import (\"os\"; \"strings\")\nfor i := 0; i < 800; i++ { os.Stdout.WriteString(strings.Repeat(string(rune(97 + i % 26)), 65536)) }",
		}, false},
		{"one line of 20 MB", func() iter.Seq[string] { return blocks(1, 20<<20) }, map[string]string{
			"python":     "print('a' * (20 << 20), end='')",
			"javascript": "process.stdout.write('a'.repeat(20 << 20)); 0",
			"go":         "import (\"fmt\"; \"strings\")\nfmt.Print(strings.Repeat(\"a\", 20 << 20))",
		}, false},
		{"a million single characters", func() iter.Seq[string] { return letters(1_000_000) }, map[string]string{
			"python":     "import os\nfor i in range(1_000_000): _ = os.write(1, b'%d' % (i % 10))",
			"javascript": "for (let i = 0; i < 1_000_000; i++) process.stdout.write(String(i % 10)); 0",
			"go":         "import \"fmt\"\nfor i := 0; i < 1_000_000; i++ { fmt.Print(i % 10) }",
		}, true},
		{"a million single characters through sys.stdout", func() iter.Seq[string] { return letters(1_000_000) }, map[string]string{
			"python": "import sys\nfor i in range(1_000_000): _ = sys.stdout.write('0123456789'[i % 10])",
		}, true},
	}
}

// TestOutput carries much through one server.
func TestOutput(t *testing.T) {
	p := program.Start(t)
	t.Run("volume", func(t *testing.T) { everything(t, p) })
	t.Run("pause", func(t *testing.T) { clientThatStops(t, p) })
	t.Run("replay", func(t *testing.T) { replay(t, p) })
}

// everything wants all of it, in order, with the server's memory bounded.
func everything(t *testing.T, p *program.Program) {
	t.Helper()
	for _, v := range volumes() {
		for _, language := range []string{"python", "javascript", "go"} {
			code, ok := v.cells[language]
			if !ok {
				continue
			}
			for _, f := range []follower{overNative{p}, overDaytona{p}} {
				if f.name() == "daytona" && (language != "python" || v.small) {
					continue // what a language writes doesn't change on the way
				}
				t.Run(v.name+"/"+language+"/"+f.name(), func(t *testing.T) {
					highest, began := peak(t, p), time.Now()
					r := &reader{want: expect(v.want())}
					if err := f.run(inTime(t), t, language, code, r); err != nil {
						t.Error(err)
					}
					t.Logf("%d bytes in %s, at most %d MB", r.want.bytes, time.Since(began).Round(time.Millisecond), highest()>>20)
					if n := highest(); n > memoryBound {
						t.Errorf("the server took %d MB", n>>20)
					}
				})
			}
		}
	}
}

// clientThatStops reads half of 50 MB, stops for a while, and reads on.
// Meanwhile the run ends, and others are served as ever.
func clientThatStops(t *testing.T, p *program.Program) {
	t.Helper()
	code := volumes()[1].cells["python"]
	for _, f := range []follower{overNative{p}, overDaytona{p}} {
		t.Run(f.name(), func(t *testing.T) {
			highest := peak(t, p)
			r := &reader{want: expect(blocks(800, 64<<10)), pauseAt: 20 << 20, pause: *pause, meant: func() { others(t, p) }}
			if err := f.run(inTime(t), t, "python", code, r); err != nil {
				t.Error(err)
			}
			if !r.paused {
				t.Error("the client has not stopped")
			}
			if n := highest(); n > memoryBound {
				t.Errorf("the server took %d MB", n>>20)
			}
		})
	}
}

// others runs something else while a client doesn't read.
func others(t *testing.T, p *program.Program) {
	t.Helper()
	for _, f := range []follower{overNative{p}, overDaytona{p}} {
		r := &reader{want: expect(numbers(1000))}
		if err := f.run(inTime(t), t, "python", "for i in range(1000): print(i)", r); err != nil {
			t.Errorf("another client, %s: %v", f.name(), err)
		}
	}
}

// replay reads a run's 50 MB a second and a third time, at once and with
// one reader that stops.
func replay(t *testing.T, p *program.Program) {
	t.Helper()
	ctx := inTime(t)
	highest := peak(t, p)
	c, err := client.Dial(ctx, p.URL, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	x, err := c.Execute(ctx, client.Code{Language: "python", Code: volumes()[1].cells["python"]})
	if err != nil {
		t.Fatal(err)
	}
	watchers := make(chan error, 3)
	for i := range cap(watchers) {
		go func() { watchers <- watch(ctx, p, x.ID, i == 1) }()
	}
	r := &reader{want: expect(blocks(800, 64<<10))}
	if err := followEvents(ctx, x, r); err != nil {
		t.Error(err)
	}
	for range cap(watchers) {
		if err := <-watchers; err != nil {
			t.Error(err)
		}
	}
	if err := watch(ctx, p, x.ID, false); err != nil {
		t.Errorf("after the end: %v", err)
	}
	if n := highest(); n > memoryBound {
		t.Errorf("the server took %d MB", n>>20)
	}
}

// watch follows an execution from its first event on a connection of its own.
func watch(ctx context.Context, p *program.Program, execution string, stops bool) error {
	c, err := client.Dial(ctx, p.URL, p.Key)
	if err != nil {
		return err
	}
	defer c.Close()
	x, err := c.Attach(ctx, execution, 1)
	if err != nil {
		return err
	}
	r := &reader{want: expect(blocks(800, 64<<10)), pause: *pause}
	if stops {
		r.pauseAt = 10 << 20
	}
	return followEvents(ctx, x, r)
}
