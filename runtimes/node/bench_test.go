package node_test

import (
	"context"
	"io"
	"slices"
	"syscall"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

func BenchmarkStart(b *testing.B) {
	r := newRuntime(b)
	for b.Loop() {
		k, err := r.Start(context.Background(), runtimes.Spec{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = k.Process.Signal(syscall.SIGKILL)
		<-k.Process.Done()
		_, _, _ = k.Conn.Close(), k.Stdout.Close(), k.Stderr.Close()
		b.StartTimer()
	}
}

func BenchmarkExecute(b *testing.B) {
	c := newClient(b)
	for _, code := range []string{"1+1", "({a: 1})", "await 1", "console.log(1)"} {
		b.Run(code, func(b *testing.B) {
			for b.Loop() {
				c.begin(wire.Request{Code: code})
				c.finish()
			}
		})
	}
}

func BenchmarkTranslate(b *testing.B) {
	r := newRuntime(b)
	for _, test := range []struct{ name, language, code string }{
		{"plain", "javascript", "const x = 1; x + 1"},
		{"import", "javascript", "import fs from 'node:fs'; fs.readdirSync('.')"},
		{"typescript", "typescript", "interface A { a: number }\nconst x: A = {a: 1}\nx.a satisfies number"},
	} {
		b.Run(test.name, func(b *testing.B) {
			for b.Loop() {
				if _, fault := r.Translate(test.language, test.code); fault != nil {
					b.Fatal(fault)
				}
			}
		})
	}
}

// BenchmarkScript is one program, in a process that has been waiting and in a
// new one, from its start to its end.
func BenchmarkScript(b *testing.B) {
	r := newRuntime(b)
	for _, c := range []struct {
		name, code string
		vars       map[string]string
	}{
		{"waiting", "console.log(1)", nil},
		{"waiting module", "import fs from 'fs'; console.log(1)", nil},
		{"new", "console.log(1)", map[string]string{"NODE_NO_WARNINGS": "0"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				dir, own := b.TempDir(), b.TempDir()
				time.Sleep(150 * time.Millisecond)
				at := time.Now()
				run, _, err := r.RunScript(b.Context(), runtimes.Script{
					Language: "javascript", Code: c.code, Dir: dir, Own: own, Vars: c.vars,
					Env: map[string]string{"PATH": "/usr/bin:/bin"},
				})
				if err != nil {
					b.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, run.Output)
				<-run.Process.Done()
				times = append(times, time.Since(at))
				run.Close()
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)/2])/1e6, "ms/median")
			b.ReportMetric(float64(times[0])/1e6, "ms/least")
		})
	}
}
