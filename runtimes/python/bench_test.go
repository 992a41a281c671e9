package python_test

import (
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
