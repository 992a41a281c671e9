package metrics_test

import (
	"testing"
	"time"

	"hotcell/internal/activity"
	"hotcell/metrics"
)

// BenchmarkDid is what an execution pays for being counted.
func BenchmarkDid(b *testing.B) {
	m := metrics.New("0.0.0-bench")
	r := activity.Record{
		Kind: activity.Execution, Action: "run", Language: "python", Outcome: "ok",
		Origin: activity.Origin{Dialect: activity.Native}, Took: time.Millisecond, First: time.Millisecond,
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Did(r)
	}
}

// BenchmarkText is what a scrape costs, with a few hundred series.
func BenchmarkText(b *testing.B) {
	m := metrics.New("0.0.0-bench")
	for _, language := range []string{"python", "javascript", "typescript", "go"} {
		for _, outcome := range []string{"ok", "error", "timeout"} {
			m.Did(activity.Record{Kind: activity.Execution, Language: language, Outcome: outcome, Took: time.Millisecond})
		}
	}
	for b.Loop() {
		if _, _, err := m.Text(); err != nil {
			b.Fatal(err)
		}
	}
}
