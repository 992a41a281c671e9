package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// sight is what a server looked like at one time.
type sight struct {
	at         time.Duration
	rate       float64 // runs a second, since the sight before
	memory     float64 // PSS of the server, in MB
	family     float64 // of the server and all of its processes
	fds        int
	threads    int
	goroutines int // -1: the server doesn't say
	processes  int
	p50, p99   time.Duration // of Python runs, since the sight before
	done       int
}

const lookHead = "     time     runs  runs/s   server MB   all MB    fds  threads  goroutines  processes   p50 ms   p99 ms"

func (s sight) String() string {
	return fmt.Sprintf("%9s %8d %7.0f %11.1f %8.0f %6d %8d %11d %10d %8.2f %8.2f", s.at.Round(time.Second), s.done, s.rate,
		s.memory, s.family, s.fds, s.threads, s.goroutines, s.processes, ms(s.p50), ms(s.p99))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// glimpse looks at the server.
func glimpse(ctx context.Context, s *server, count *soaked, at time.Duration) (l sight, err error) {
	pid := s.process.Pid()
	l.at = at
	if l.memory, err = pss(pid); err != nil {
		return l, err
	}
	if l.family, err = familyPSS(pid); err != nil {
		l.family = -1 // a process ended while it was looked at
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return l, fmt.Errorf("count descriptors: %w", err)
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return l, fmt.Errorf("count threads: %w", err)
	}
	children, err := childrenOf()
	if err != nil {
		return l, err
	}
	for todo := []int{pid}; len(todo) > 0; todo = todo[1:] {
		todo = append(todo, children[todo[0]]...)
		l.processes++
	}
	l.fds, l.threads, l.goroutines = len(fds), len(threads), goroutines(ctx, s)

	count.mu.Lock()
	defer count.mu.Unlock()
	runs := 0
	for _, took := range count.took {
		runs += len(took)
	}
	took := count.took["python"]
	slices.Sort(took)
	if len(took) > 0 {
		l.p50, l.p99 = took[len(took)/2], took[len(took)*99/100]
	}
	clear(count.took)
	for _, n := range count.done {
		l.done += n
	}
	l.rate = float64(runs) / (at - count.seen).Seconds()
	count.seen = at
	return l, nil
}

// goroutines asks the server's metrics.
func goroutines(ctx context.Context, s *server) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", http.NoBody)
	if err != nil {
		return -1
	}
	req.Header.Set("Authorization", "Bearer "+s.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return -1
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	for line := range strings.Lines(string(text)) {
		if n, ok := strings.CutPrefix(line, "go_goroutines "); ok {
			if v, err := strconv.ParseFloat(strings.TrimSpace(n), 64); err == nil {
				return int(v)
			}
		}
	}
	return -1
}

// verdict compares the second quarter with the last one; the first is the warm-up.
func verdict(out io.Writer, seen []sight, count *soaked) error {
	if len(seen) < looks/2 {
		return fmt.Errorf("%d looks are too few to compare", len(seen))
	}
	quarter := len(seen) / 4
	grown := false
	for _, what := range []struct {
		name  string
		of    func(sight) float64
		slack float64 // what it may grow by, beside 5%
	}{
		{"memory of the server, MB", func(s sight) float64 { return s.memory }, 2},
		{"memory of all, MB", func(s sight) float64 { return s.family }, 20},
		{"descriptors", func(s sight) float64 { return float64(s.fds) }, 4},
		{"threads", func(s sight) float64 { return float64(s.threads) }, 2},
		{"goroutines", func(s sight) float64 { return float64(s.goroutines) }, 8},
		{"processes", func(s sight) float64 { return float64(s.processes) }, 4},
		{"p50 of a Python run, ms", func(s sight) float64 { return ms(s.p50) }, 0.5},
	} {
		before, after := middle(seen[quarter:2*quarter], what.of), middle(seen[3*quarter:], what.of)
		word := "flat"
		if after > before*1.05+what.slack {
			word, grown = "GROWN", true
		}
		fmt.Fprintf(out, "%-26s %9.1f → %9.1f  %s\n", what.name, before, after, word)
	}
	for _, k := range kinds {
		fmt.Fprintf(out, "%-12s %8d\n", k.name, count.done[k.name])
	}
	fmt.Fprintf(out, "%d ended otherwise than they should, %d were not begun in time\n", count.faults, count.late)
	if grown || count.faults > 0 {
		return errGrown
	}
	return nil
}

// middle is the median.
func middle(seen []sight, of func(sight) float64) float64 {
	values := make([]float64, 0, len(seen))
	for _, s := range seen {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
