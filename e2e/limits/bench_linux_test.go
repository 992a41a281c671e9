package limits_test

import (
	"slices"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/interpreter"
	"hotcell/sandboxes/limits"
)

// BenchmarkContext is what limits cost when a context is made, and in each cell.
func BenchmarkContext(b *testing.B) {
	for name, options := range map[string][]testserver.Option{
		"limits": {testserver.WithLimits(limits.Config{Sandbox: limits.Limits{Memory: 4 << 30, Processes: 4096, Files: 4096}, Context: limits.Limits{Processes: 1024}})},
		"none":   nil,
	} {
		options = append(options, testserver.WithContexts(func(c *contexts.Config) { c.Parked = 4 }))
		b.Run("create/"+name, func(b *testing.B) {
			s := testserver.Start(b, options...)
			var times []time.Duration
			for b.Loop() {
				s.Contexts.Warm(b.Context())
				began := time.Now()
				e, err := s.Contexts.Create(b.Context(), "default", contexts.Options{Language: "python"})
				times = append(times, time.Since(began))
				if err != nil {
					b.Fatal(err)
				}
				if err := s.Contexts.End(b.Context(), e); err != nil {
					b.Fatal(err)
				}
				for s.Contexts.Parked()["python"] < 4 {
					time.Sleep(time.Millisecond)
				}
			}
			report(b, times)
		})
		b.Run("cell/"+name, func(b *testing.B) {
			s := testserver.Start(b, options...)
			e, err := s.Contexts.Create(b.Context(), "default", contexts.Options{Language: "python"})
			if err != nil {
				b.Fatal(err)
			}
			var times []time.Duration
			for b.Loop() {
				began := time.Now()
				ex, err := e.Execute(interpreter.Request{Code: "1+1"})
				if err != nil {
					b.Fatal(err)
				}
				<-ex.Done()
				times = append(times, time.Since(began))
			}
			report(b, times)
		})
	}
}

func report(b *testing.B, times []time.Duration) {
	b.Helper()
	slices.Sort(times)
	b.ReportMetric(float64(times[len(times)/2])/1e3, "µs/median")
}
