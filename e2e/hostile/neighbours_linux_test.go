package hostile_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// budget is how long the others may wait while somebody does harm. On a quiet
	// machine a cell takes 1 ms and a command 3 ms; other tests may run beside.
	budget = 500 * time.Millisecond
	// pace is how long a neighbour rests between its requests: one that doesn't is what
	// keeps the machine busy.
	pace = 50 * time.Millisecond
	// tries are for a machine that other programs disturb: what the server does to a
	// neighbour, it does every time.
	tries = 3
)

// neighbour is the victim: it has a context, whose kernel must stay the same, and
// runs commands, all the time.
type neighbour struct {
	s       *scene
	context string
	pid     int

	mu      sync.Mutex
	rounds  []round
	changed chan struct{} // closed, and made anew, at the end of each round
}

// round is one request of each kind.
type round struct {
	began, ended time.Time
	waited       time.Duration // for the slowest
	fault        error
}

// move makes its context, and begins its work, which ends with the test.
func (n *neighbour) move(t *testing.T) {
	t.Helper()
	var err error
	if n.context, n.pid, err = n.s.open(n.s.victim, "python", nil); err != nil {
		t.Fatal(err)
	}
	if told, err := n.s.run(n.context, "kept = 'the same'", patience); err != nil || told != "" {
		t.Fatal(err, told)
	}
	n.changed = make(chan struct{})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() { defer close(stopped); n.work(stop) }() // ends with the test, which joins it
	t.Cleanup(func() { close(stop); <-stopped })
}

// work asks until it is stopped, or reads something else than it should.
func (n *neighbour) work(stop chan struct{}) {
	rest := time.NewTicker(pace)
	defer rest.Stop()
	for {
		r := n.answers()
		n.mu.Lock()
		n.rounds = append(n.rounds, r)
		close(n.changed)
		n.changed = make(chan struct{})
		n.mu.Unlock()
		if r.fault != nil {
			return
		}
		select {
		case <-rest.C:
		case <-stop:
			return
		}
	}
}

// answers asks the context, a command and the server.
func (n *neighbour) answers() round {
	r := round{began: time.Now()}
	for name, ask := range map[string]func() (string, error){
		"the same": func() (string, error) { return n.s.run(n.context, "print(kept)", patience) },
		"alive":    func() (string, error) { return command(n.s, n.s.victim, "echo alive", nil) },
		"ok": func() (string, error) {
			var got struct{ Status string }
			err := n.s.call("GET", "/health", nil, &got)
			return got.Status, err
		},
	} {
		began := time.Now()
		got, err := ask()
		if err != nil || strings.TrimSpace(got) != name {
			r.fault = fmt.Errorf("a neighbour reads %q instead of %q: %w", got, name, err)
			break
		}
		r.waited = max(r.waited, time.Since(began))
	}
	r.ended = time.Now()
	return r
}

// since is how long it had to wait at most from a moment until now, and once more
// after that.
func (n *neighbour) since(from time.Time) (time.Duration, error) {
	now := time.Now()
	for {
		n.mu.Lock()
		rounds, changed := n.rounds, n.changed
		n.mu.Unlock()
		last := len(rounds) - 1
		if last >= 0 && rounds[last].fault != nil {
			return 0, rounds[last].fault
		}
		if last < 0 || rounds[last].began.Before(now) {
			<-changed
			continue
		}
		var longest time.Duration
		for _, r := range slices.Backward(rounds) {
			if r.ended.Before(from) {
				break
			}
			longest = max(longest, r.waited)
		}
		return longest, nil
	}
}

// same checks that nothing has happened to it.
func (n *neighbour) same(t *testing.T) {
	t.Helper()
	if _, err := n.since(time.Now()); err != nil {
		t.Error(err)
	}
	var is struct{ Epoch, PID int }
	if n.s.must(t, "GET", "/v1/contexts/"+n.context, nil, &is); is.Epoch != 1 || is.PID != n.pid {
		t.Errorf("a neighbour's kernel was replaced: %+v", is)
	}
}

// undisturbed makes an attempt while the neighbour works, and once more if it had
// to wait.
func (s *scene) undisturbed(t *testing.T, attempt func() error) {
	t.Helper()
	var longest time.Duration
	for try := range tries {
		if try > 0 {
			s.box = s.newSandbox(t) // what the last one has left would be in the way
		}
		began := time.Now()
		err := attempt()
		waited, fault := s.near.since(began)
		if err != nil || fault != nil {
			t.Fatal(errors.Join(err, fault))
		}
		if longest = waited; longest <= budget {
			return
		}
	}
	t.Errorf("a neighbour waited for %s", longest)
}
