package output_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"

	"hotcell/process/output"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestCollector(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		limit   int
		writes  []string
		want    string
		omitted int64
	}{
		{"nothing", 10, nil, "", 0},
		{"all of it", 10, []string{"abc", "def"}, "abcdef", 0},
		{"just full", 10, []string{"abcde", "fghij"}, "abcdefghij", 0},
		{"one too many", 10, []string{"abcdefghijk"}, "abcde\n[1 bytes were left out here: of one run the first and the last 5 bytes are kept]\nghijk", 1},
		{"many writes", 10, []string{"abcde", "fgh", "ijklm", "n"}, "abcde\n[4 bytes were left out here: of one run the first and the last 5 bytes are kept]\njklmn", 4},
		{"one that is far too long", 4, []string{strings.Repeat("x", 100) + "yz"}, "xx\n[98 bytes were left out here: of one run the first and the last 2 bytes are kept]\nyz", 98},
		{"a character across writes", 10, []string{"a\xc3", "\xa4b"}, "aäb", 0},
		{"a character across the halves", 4, []string{"a\xe2\x82\xac"}, "a€", 0},
		{"characters at both cuts", 8, []string{"abc\xc3\xa4........\xc3\xa4xyz"}, "abc\n[12 bytes were left out here: of one run the first and the last 4 bytes are kept]\nxyz", 10},
		{"invalid bytes", 100, []string{"a\xff\xfeb\xc3"}, "a\uFFFD\uFFFDb\uFFFD", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := output.New(c.limit)
			for _, w := range c.writes {
				if n, err := o.Write([]byte(w)); n != len(w) || err != nil {
					t.Fatalf("wrote %d, %v", n, err)
				}
			}
			if got := o.String(); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
			if o.Omitted() != c.omitted {
				t.Errorf("%d omitted, want %d", o.Omitted(), c.omitted)
			}
		})
	}
}

// TestCollectorAgainstPlain compares it with text that is simply cut.
func TestCollectorAgainstPlain(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		limit := 2 + 2*rnd.IntN(40)
		o := output.New(limit)
		var all strings.Builder
		for range rnd.IntN(30) {
			piece := strings.Repeat(string(rune('a'+rnd.IntN(26))), rnd.IntN(30))
			all.WriteString(piece)
			_, _ = o.Write([]byte(piece))
		}
		s := all.String()
		got := o.String()
		if len(s) <= limit {
			if got != s {
				t.Fatalf("seed %d: %q, want %q", seed, got, s)
			}
		} else if !strings.HasPrefix(got, s[:limit/2]+"\n[") || !strings.HasSuffix(got, "]\n"+s[len(s)-limit/2:]) {
			t.Fatalf("seed %d, limit %d: %q of %q", seed, limit, got, s)
		}
		n := rnd.IntN(limit)
		tail := o.Tail(n)
		if !strings.HasSuffix(s, tail) || len(tail) < min(n, limit/2, len(s)) {
			t.Fatalf("seed %d: tail %d is %q of %q", seed, n, tail, s)
		}
	}
}

func TestTailIsWhole(t *testing.T) {
	t.Parallel()
	o := output.New(100)
	_, _ = o.Write([]byte(strings.Repeat("ä", 40)))
	for n := range 20 {
		if tail := o.Tail(n); !utf8.ValidString(tail) || strings.Trim(tail, "ä") != "" {
			t.Errorf("tail %d is %q", n, tail)
		}
	}
}

// start runs a shell with one pipe for both of its streams.
func start(t *testing.T, script string) (*exec.Cmd, *output.Reader, *output.Collector) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	into := output.New(0)
	r := output.Follow(read, into)
	t.Cleanup(r.Close)
	return cmd, r, into
}

func TestReader(t *testing.T) {
	t.Parallel()
	cmd, r, into := start(t, `i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if r.Finish() {
		t.Error("the pipe is held")
	}
	lines := strings.Split(strings.TrimSpace(into.String()), "\n")
	if len(lines) != 4000 || lines[2] != "out 1" || lines[3999] != "err 1999" {
		t.Errorf("%d lines, %q … %q", len(lines), lines[2], lines[len(lines)-1])
	}
}

// TestReaderDoesNotWait for a process that keeps the pipe, and misses nothing
// that was written before its program ended.
func TestReaderDoesNotWait(t *testing.T) {
	t.Parallel()
	cmd, r, into := start(t, `sleep 600 & echo $!; head -c 50000 /dev/zero | tr '\0' x`)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if !r.Finish() {
		t.Error("nobody holds the pipe")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	pid, rest, _ := strings.Cut(into.String(), "\n")
	if len(rest) != 50000 {
		t.Errorf("%d bytes", len(rest))
	}
	if err := exec.Command("kill", pid).Run(); err != nil {
		t.Fatal(err)
	}
}
