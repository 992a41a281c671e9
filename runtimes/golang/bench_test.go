package golang_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/golang"
)

func (c *client) bare(code string) {
	c.send(wire.Request{Type: wire.ReqExecute, ID: "x", Code: code})
	for {
		if m, ok := c.next(); !ok || m.Type == wire.MsgDone {
			return
		}
	}
}

// BenchmarkRun is one run at the protocol, in a fresh kernel and in one that
// has seen a thousand cells.
func BenchmarkRun(b *testing.B) {
	for _, cells := range []int{1, 1000} {
		b.Run(fmt.Sprintf("after%d", cells), func(b *testing.B) {
			c := start(b)
			for i := range cells {
				c.bare(fmt.Sprintf("x%d := %d", i, i))
			}
			var took []time.Duration
			for b.Loop() {
				began := time.Now()
				c.bare("1+1")
				took = append(took, time.Since(began))
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "median-µs")
			b.ReportMetric(float64(pss(b, c.kernel.Process.Pid()))/1024, "PSS-MB")
		})
	}
}

// BenchmarkStart is a kernel from nothing to its hello, and its memory.
func BenchmarkStart(b *testing.B) {
	r := golang.New(golang.Config{})
	var took []time.Duration
	var memory int
	for b.Loop() {
		began := time.Now()
		k, err := r.Start(context.Background(), runtimes.Spec{})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
		memory = pss(b, k.Process.Pid())
		_ = k.Process.Signal(os.Kill)
		<-k.Process.Done()
		_ = k.Conn.Close()
		_ = k.Stdout.Close()
		_ = k.Stderr.Close()
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "median-ms")
	b.ReportMetric(float64(memory)/1024, "PSS-MB")
}

// pss is a process's share of memory, in kB.
func pss(tb testing.TB, pid int) int {
	tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(raw) {
		if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
			n, _ := strconv.Atoi(string(bytes.Fields(rest)[0]))
			return n
		}
	}
	return 0
}
