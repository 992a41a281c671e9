package hostile_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

const (
	// budget is how long the others may wait while somebody does harm. On a quiet
	// machine a cell takes 1 ms and a command 3 ms; other tests may run beside.
	budget = 500 * time.Millisecond
	// tries are for a machine that other programs disturb: what the server does to a
	// neighbour, it does every time.
	tries = 3
)

// neighbour is the victim: it has a context, whose kernel must stay the same, and
// runs commands.
type neighbour struct {
	s       *scene
	context string
	pid     int
}

// move makes its context.
func (n *neighbour) move(t *testing.T) {
	t.Helper()
	var err error
	if n.context, n.pid, err = n.s.open(n.s.victim, "python", nil); err != nil {
		t.Fatal(err)
	}
	if told, err := n.s.run(n.context, "kept = 'the same'", patience); err != nil || told != "" {
		t.Fatal(err, told)
	}
}

// answers asks the context, a command and the server, and returns how long the
// slowest took.
func (n *neighbour) answers() (time.Duration, error) {
	var longest time.Duration
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
			return 0, fmt.Errorf("a neighbour reads %q instead of %q: %w", got, name, err)
		}
		longest = max(longest, time.Since(began))
	}
	return longest, nil
}

// same checks that nothing has happened to it.
func (n *neighbour) same(t *testing.T) {
	t.Helper()
	if _, err := n.answers(); err != nil {
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
	for range tries {
		over := make(chan error, 1)
		go func() { over <- attempt() }() // ends by its client's time limit; joined below
		var err error
		longest = 0
		for ended := false; !ended; {
			select {
			case err = <-over:
				ended = true // and once more, after it
			default:
			}
			waited, fault := s.near.answers()
			if fault != nil {
				if !ended {
					<-over
				}
				t.Fatal(fault)
			}
			longest = max(longest, waited)
		}
		if err != nil {
			t.Fatal(err)
		}
		if longest <= budget {
			return
		}
	}
	t.Errorf("a neighbour waited for %s", longest)
}
