package python_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// BenchmarkFirstResult is what a new context costs: the kernel, its
// configuration, and the first cell of somebody who works with data. A parked
// kernel has been waiting for a while, another is started on demand.
func BenchmarkFirstResult(b *testing.B) {
	closeBench(benchKernel(b))
	for _, c := range []struct {
		name string
		wait time.Duration
	}{{"parked", 40 * time.Millisecond}, {"unparked", 0}} {
		b.Run(c.name, func(b *testing.B) { benchFirstResult(b, c.wait) })
	}
}

func benchFirstResult(b *testing.B, wait time.Duration) {
	b.Helper()
	times := map[string][]time.Duration{}
	var touched []int
	measure := func(name string, since time.Time) { times[name] = append(times[name], time.Since(since)) }
	for b.Loop() {
		began := time.Now()
		k := benchKernel(b)
		measure("start", began)
		time.Sleep(wait)
		if wait > 0 {
			began = time.Now()
		}
		step, before := time.Now(), faults(b, k)
		exchangeBench(b, k, wire.Request{Type: wire.ReqConfigure}, wire.MsgReady)
		measure("configure", step)
		step = time.Now()
		exchangeBench(b, k, wire.Request{Type: wire.ReqExecute, ID: "x", Code: "import pandas, matplotlib.pyplot; 1+1"}, wire.MsgDone)
		measure("first", step)
		measure("whole", began)
		touched = append(touched, faults(b, k)-before)
		closeBench(k)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(slices.Min(touched)), "faults")
	for name, all := range times {
		slices.Sort(all)
		b.ReportMetric(float64(all[0])/1e6, "ms/"+name+"-least")
		b.ReportMetric(float64(all[len(all)/2])/1e6, fmt.Sprintf("ms/%s-median", name))
	}
}

// faults counts the pages that a kernel has made its own so far.
func faults(tb testing.TB, k *runtimes.Kernel) int {
	tb.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", k.Process.Pid()))
	if err != nil {
		tb.Fatal(err)
	}
	n, err := strconv.Atoi(strings.Fields(string(raw[bytes.LastIndexByte(raw, ')'):]))[8])
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// exchangeBench sends a request and reads up to its answer.
func exchangeBench(b *testing.B, k *runtimes.Kernel, r wire.Request, answer string) {
	b.Helper()
	if err := wire.WriteFrame(k.Conn, r); err != nil {
		b.Fatal(err)
	}
	for {
		var m wire.Message
		if err := wire.ReadFrame(k.Conn, &m); err != nil {
			b.Fatal(err)
		}
		if m.Type == answer {
			return
		}
	}
}

// TestMemory bounds what an idle kernel costs.
func TestMemory(t *testing.T) {
	t.Parallel()
	kernels := make([]*kernel, 4)
	for i := range kernels {
		kernels[i] = configured(t)
		kernels[i].ok("1+1")
	}
	sizes := memory(t, kernels[3].Kernel)
	private := sizes["Private_Dirty"] + sizes["Private_Clean"]
	t.Logf("PSS %d kB, private %d kB", sizes["Pss"], private)
	if private > 6<<10 {
		t.Errorf("an idle kernel has %d kB of its own", private)
	}
}

// memory is a kernel's, in kB, by the names of smaps_rollup.
func memory(tb testing.TB, k *runtimes.Kernel) map[string]int {
	tb.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", k.Process.Pid()))
	if err != nil {
		tb.Fatal(err)
	}
	defer f.Close()
	sizes := map[string]int{}
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, rest, ok := strings.Cut(s.Text(), ":"); ok && strings.HasSuffix(rest, " kB") {
			sizes[name], _ = strconv.Atoi(strings.Fields(rest)[0])
		}
	}
	return sizes
}

// BenchmarkFleet is the memory of one of 50 contexts that have run a cell.
func BenchmarkFleet(b *testing.B) {
	for b.Loop() {
		var kernels []*runtimes.Kernel
		for range 50 {
			k := benchKernel(b)
			defer closeBench(k)
			exchangeBench(b, k, wire.Request{Type: wire.ReqConfigure}, wire.MsgReady)
			exchangeBench(b, k, wire.Request{Type: wire.ReqExecute, ID: "x", Code: "1+1"}, wire.MsgDone)
			kernels = append(kernels, k)
		}
		shares := make([]int, 0, len(kernels))
		for _, k := range kernels {
			shares = append(shares, memory(b, k)["Pss"])
		}
		b.ReportMetric(float64(slices.Max(shares)), "kB-PSS")
	}
}

// BenchmarkFirstPlot is the first figure of a context that waited.
func BenchmarkFirstPlot(b *testing.B) {
	const code = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2]); plt.show()"
	var times []time.Duration
	for b.Loop() {
		k := benchKernel(b)
		exchangeBench(b, k, wire.Request{Type: wire.ReqConfigure}, wire.MsgReady)
		began := time.Now()
		exchangeBench(b, k, wire.Request{Type: wire.ReqExecute, ID: "x", Code: code}, wire.MsgDisplay)
		times = append(times, time.Since(began))
		closeBench(k)
	}
	b.ReportMetric(float64(slices.Min(times))/1e6, "ms-least")
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2])/1e6, "ms-median")
}

// BenchmarkFormats is what a new context's first figure costs in each format.
func BenchmarkFormats(b *testing.B) {
	closeBench(benchKernel(b))
	const code = "import matplotlib.pyplot as plt; plt.plot([1, 2, 4, 8]); plt.show()"
	for _, formats := range [][]string{{"png"}, {"svg"}, {"pdf"}} {
		b.Run(formats[0], func(b *testing.B) {
			var times []time.Duration
			for b.Loop() {
				k := benchKernel(b)
				exchangeBench(b, k, wire.Request{Type: wire.ReqConfigure}, wire.MsgReady)
				began := time.Now()
				exchangeBench(b, k, wire.Request{Type: wire.ReqExecute, ID: "x", Code: code, Formats: formats}, wire.MsgDisplay)
				times = append(times, time.Since(began))
				closeBench(k)
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[0])/1e6, "ms-least")
			b.ReportMetric(float64(times[len(times)/2])/1e6, "ms-median")
		})
	}
}
