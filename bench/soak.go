package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"
)

const (
	// users is how many clients share the load. Each has connections and contexts of
	// its own, so that a slow run of one is no queue for another.
	users = 16
	// backlog is how many runs may be late before they are counted as not begun.
	backlog = 64
	// looks is how often in a soak the server is looked at.
	looks = 60
)

// soaked is what a soak has counted.
type soaked struct {
	mu     sync.Mutex
	took   map[string][]time.Duration // by kind, since the last look
	done   map[string]int
	faults int
	first  []error // some of them
	late   int
	seen   time.Duration // when it was looked at last
}

// note counts one run.
func (s *soaked) note(kind string, took time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[kind]++
	s.took[kind] = append(s.took[kind], took)
	if err != nil {
		if s.faults++; len(s.first) < 20 {
			s.first = append(s.first, fmt.Errorf("%s: %w", kind, err))
		}
	}
}

// soak puts a mixed load on a server for long, looks at it meanwhile, and fails if
// something of it grew, or a run ended otherwise than it should.
func soak(ctx context.Context, o options, dir string, out io.Writer, log *slog.Logger) error {
	s, err := startServer(ctx, o.hotcell, o.python, filepath.Join(dir, "soak"), o.flags...)
	if err != nil {
		return err
	}
	defer s.close()
	count := &soaked{took: make(map[string][]time.Duration), done: make(map[string]int)}
	var crowd []*user
	for range users {
		u, err := newUser(ctx, s)
		if err != nil {
			return err
		}
		crowd = append(crowd, u)
	}
	due := make(chan string, backlog)
	var wg sync.WaitGroup
	for _, u := range crowd {
		wg.Go(func() { u.work(context.WithoutCancel(ctx), due, count) }) // ends with due
	}
	during, stop := context.WithTimeout(ctx, o.soak)
	defer stop()
	seen := watch(during, o, s, due, count, out)
	close(due)
	wg.Wait()
	for _, err := range count.first {
		log.WarnContext(ctx, "a run ended otherwise than it should", slog.Any("error", err))
	}
	return verdict(out, seen, count)
}

// watch gives the runs out at their rate, and looks at the server now and then.
func watch(ctx context.Context, o options, s *server, due chan<- string, count *soaked, out io.Writer) []sight {
	every := time.Second / time.Duration(o.rate)
	beat := time.NewTicker(every)
	defer beat.Stop()
	glance := time.NewTicker(o.soak / looks)
	defer glance.Stop()
	var seen []sight
	fmt.Fprintln(out, lookHead)
	began := time.Now()
	for given := 0; ; {
		select {
		case <-ctx.Done():
			return seen
		case <-beat.C:
			// A look takes longer than a beat; what was due meanwhile is made up for.
			for ; given < int(time.Since(began)/every); given++ {
				select {
				case due <- pick():
				default:
					count.mu.Lock()
					count.late++
					count.mu.Unlock()
				}
			}
		case <-glance.C:
			l, err := glimpse(ctx, s, count, time.Since(began))
			if err != nil {
				count.note("look", 0, err)
				continue
			}
			seen = append(seen, l)
			fmt.Fprintln(out, l)
		}
	}
}

// kinds are what is run, and how often of a thousand times.
var kinds = []struct { //nolint:gochecknoglobals // a table
	name  string
	share int
}{
	{"python", 500},
	{"javascript", 150},
	{"go", 100},
	{"daytona", 70},
	{"error", 60},
	{"output", 50},
	{"command", 35},
	{"session", 20},
	{"context", 8},
	{"script", 4},
	{"interrupt", 2},
	{"death", 1},
}

func pick() string {
	n := rand.IntN(1000)
	for _, k := range kinds {
		if n -= k.share; n < 0 {
			return k.name
		}
	}
	return kinds[0].name
}

var errGrown = errors.New("the server is not as it was")
