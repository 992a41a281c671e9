package python_test

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// BenchmarkExecute is one tiny cell: from the request to its done.
func BenchmarkExecute(b *testing.B) {
	k := benchKernel(b)
	defer closeBench(k)
	for b.Loop() {
		if err := wire.WriteFrame(k.Conn, wire.Request{Type: wire.ReqExecute, ID: "x", Code: "1+1"}); err != nil {
			b.Fatal(err)
		}
		for {
			var m wire.Message
			if err := wire.ReadFrame(k.Conn, &m); err != nil {
				b.Fatal(err)
			}
			if m.Type == wire.MsgDone {
				break
			}
		}
	}
}

// BenchmarkStart is one kernel, from the template to its hello, and its end.
func BenchmarkStart(b *testing.B) {
	closeBench(benchKernel(b))
	var ready, configured, ended []time.Duration
	for b.Loop() {
		began := time.Now()
		k := benchKernel(b)
		ready = append(ready, time.Since(began))
		began = time.Now()
		if err := wire.WriteFrame(k.Conn, wire.Request{Type: wire.ReqConfigure}); err != nil {
			b.Fatal(err)
		}
		var m wire.Message
		if err := wire.ReadFrame(k.Conn, &m); err != nil {
			b.Fatal(err)
		}
		configured = append(configured, time.Since(began))
		began = time.Now()
		closeBench(k)
		ended = append(ended, time.Since(began))
	}
	for name, times := range map[string][]time.Duration{"ms/ready": ready, "ms/configured": configured, "ms/ended": ended} {
		slices.Sort(times)
		b.ReportMetric(float64(times[len(times)/2])/1e6, name)
	}
}

func benchKernel(b *testing.B) *runtimes.Kernel {
	b.Helper()
	k, err := shared.Start(b.Context(), runtimes.Spec{})
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func closeBench(k *runtimes.Kernel) {
	_ = k.Conn.Close()
	<-k.Process.Done()
	_ = k.Stdout.Close()
	_ = k.Stderr.Close()
}

// BenchmarkScript is one program that imports what people who work with data
// import, in a kernel that has been waiting: from its start to its end.
func BenchmarkScript(b *testing.B) {
	closeBench(benchKernel(b))
	for _, c := range []struct{ name, code string }{{"print", "print(1)"}, {"pandas", "import pandas, numpy; print(pandas.DataFrame({'a': [1]}))"}} {
		b.Run(c.name, func(b *testing.B) {
			var began, ended []time.Duration
			for b.Loop() {
				k := benchKernel(b)
				time.Sleep(40 * time.Millisecond)
				dir, own := b.TempDir(), b.TempDir()
				at := time.Now()
				run, _, err := shared.RunScript(b.Context(), runtimes.Script{
					Code: c.code, Dir: dir, Own: own, Env: map[string]string{"PATH": "/usr/bin:/bin"},
					Kernel: func(context.Context) (*runtimes.Kernel, error) { return k, nil },
				})
				if err != nil {
					b.Fatal(err)
				}
				began = append(began, time.Since(at))
				_, _ = io.Copy(io.Discard, run.Output)
				<-run.Process.Done()
				ended = append(ended, time.Since(at))
				run.Close()
			}
			for name, times := range map[string][]time.Duration{"ms/begun": began, "ms/ended": ended} {
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2])/1e6, name)
				b.ReportMetric(float64(times[0])/1e6, name+"-least")
			}
		})
	}
}
