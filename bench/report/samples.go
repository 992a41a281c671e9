// Package report is the arithmetic and the table of the benchmark: samples,
// their medians, and how these stand beside what is measured next to them. It
// measures nothing itself.
package report

import (
	"math"
	"slices"
	"sync"
)

// Samples collects measured values by name. It is safe for concurrent use.
// The zero value is ready, and collects nothing until it is opened.
type Samples struct {
	mu     sync.Mutex
	open   bool
	values map[string][]float64
}

// Open begins to collect. What was added before was warming up.
func (s *Samples) Open() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = true
}

// Add takes values in the unit of the row that shows them.
func (s *Samples) Add(name string, values ...float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.open {
		return
	}
	if s.values == nil {
		s.values = map[string][]float64{}
	}
	s.values[name] = append(s.values[name], values...)
}

// Summary is what is shown of many values.
type Summary struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	Worst  float64 `json:"p95"` // 95 of 100 values are no worse
	Best   float64 `json:"best"`
}

// Of sums up what was collected under a name. higher says which values are
// the better ones.
func (s *Samples) Of(name string, higher bool) Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Summarize(s.values[name], higher)
}

// Summarize sorts nothing but a copy.
func Summarize(values []float64, higher bool) Summary {
	if len(values) == 0 {
		return Summary{}
	}
	v := slices.Clone(values)
	slices.Sort(v)
	if higher {
		slices.Reverse(v)
	}
	return Summary{Count: len(v), Median: median(v), Worst: v[rank(len(v), 0.95)], Best: v[0]}
}

// median is the middle of sorted values, or the mean of the two middle ones.
func median(v []float64) float64 {
	n := len(v)
	if n%2 == 1 {
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// rank is the nearest-rank definition of a percentile, as an index: with fewer
// than twenty values the 95th is simply the last.
func rank(n int, p float64) int {
	return max(0, int(math.Ceil(p*float64(n)))-1)
}
