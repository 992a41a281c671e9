package terminal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"hotcell/internal/activity"
	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/process/terminal/screen"
)

const (
	defaultPerSandbox = 64
	defaultTotal      = 1000 // a quarter of the pseudo-terminals that Linux has
	defaultClients    = 32
	// defaultStallAlone is longer than a person needs to come back to a
	// laptop's lid; defaultStallShared is what others may be asked to wait.
	defaultStallAlone  = 60 * time.Second
	defaultStallShared = 5 * time.Second
	// defaultInputStall is shorter than clients wait for the answer to a ping,
	// which isn't read while input waits.
	defaultInputStall = 10 * time.Second
	// hangUpGrace is for shells to write their history.
	hangUpGrace = time.Second
	// maxID is more than a person or a UUID needs.
	maxID = 128
	// maxEnded bounds what is remembered of terminals that are gone.
	maxEnded = 256
)

// Errors of a set.
var (
	ErrNotFound = errors.New("terminal not found")
	ErrExists   = errors.New("there is a terminal with this id already")
	ErrLimit    = errors.New("too many terminals")
	ErrClients  = errors.New("too many clients are attached to this terminal")
	// ErrUnavailable is the machine's refusal.
	ErrUnavailable = errors.New("the machine gives no pseudo-terminal")
)

// EndedError is a terminal that is gone.
type EndedError struct {
	ID string
	Exit
}

func (e *EndedError) Error() string {
	text := fmt.Sprintf("terminal %q has ended with exit code %d", e.ID, e.Code)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// InvalidError is something that a terminal cannot have.
type InvalidError struct{ Problem string }

func (e *InvalidError) Error() string { return e.Problem }

// Config is what terminals stand on. The zero value of a bound is its default.
type Config struct {
	Host       process.Host
	PerSandbox int // terminals
	Total      int // terminals
	Clients    int // of one terminal
	// StallAlone and StallShared are how long a client that reads nothing may
	// hold up the program: when it is the only one, and when it is not.
	StallAlone, StallShared time.Duration
	// InputStall is how long input waits for a program that reads nothing.
	InputStall time.Duration
	// Shelf is for what the next server should know of the terminals; nil: nothing.
	Shelf *lives.Shelf[Card]
	// Before is how the server before this one ended; nil: there was none.
	Before *lives.End
	// Did is told of terminals that have ended; it must be quick. It may be nil.
	Did func(activity.Record)
	Log *slog.Logger
}

// Card is what the next server knows of a terminal.
type Card struct {
	Key     string    `json:"key,omitempty"` // its own: ids are given again
	Sandbox string    `json:"sandbox"`
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Exit    *Exit     `json:"exit,omitempty"` // nil while it runs
}

// name is what it is kept by. Those of older servers had no key.
func (c Card) name() string { return cmp.Or(c.Key, c.Sandbox+"/"+c.ID) }

// Set is the terminals of one server.
type Set struct {
	cfg Config

	mu     sync.Mutex
	open   map[key]*Terminal
	dying  map[*Terminal]struct{} // their process has ended, and not all of its output is taken
	gone   []ended                // the newest last
	closed bool
}

type key struct{ sandbox, id string }

type ended struct {
	key
	card string // its name
	exit Exit
}

// recover takes in the terminals of servers before this one.
func (s *Set) recover() {
	cards := s.cfg.Shelf.All()
	slices.SortFunc(cards, func(a, b Card) int { return a.Created.Compare(b.Created) })
	for i, c := range cards {
		k := key{c.Sandbox, c.ID}
		if i < len(cards)-maxEnded {
			s.cfg.Shelf.Remove(c.name())
			continue
		}
		if c.Exit == nil {
			c.Exit = &Exit{Code: killedCode, Reason: "the server died"}
			if s.cfg.Before != nil {
				c.Exit.Reason = s.cfg.Before.Words()
			}
			s.cfg.Shelf.Put(c.name(), c)
		}
		s.gone = append(s.gone, ended{key: k, card: c.name(), exit: *c.Exit})
	}
}

// killedCode is the exit code of what SIGKILL has ended.
const killedCode = 137

// NewSet returns an empty set.
func NewSet(cfg Config) *Set {
	cfg.PerSandbox = cmp.Or(cfg.PerSandbox, defaultPerSandbox)
	cfg.Total = cmp.Or(cfg.Total, defaultTotal)
	cfg.Clients = cmp.Or(cfg.Clients, defaultClients)
	cfg.StallAlone = cmp.Or(cfg.StallAlone, defaultStallAlone)
	cfg.StallShared = cmp.Or(cfg.StallShared, defaultStallShared)
	cfg.InputStall = cmp.Or(cfg.InputStall, defaultInputStall)
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Set{cfg: cfg, open: make(map[key]*Terminal), dying: make(map[*Terminal]struct{})}
	s.recover()
	return s
}

// Create makes a terminal and, unless it is lazy, starts its shell.
func (s *Set) Create(ctx context.Context, p process.Place, o Options) (*Terminal, error) {
	if err := checkID(o.ID); err != nil {
		return nil, err
	}
	t, err := newTerminal(s, p, o)
	if err != nil {
		return nil, err
	}
	if err := s.add(t); err != nil {
		return nil, err
	}
	if !o.Lazy {
		if err := t.start(ctx); err != nil {
			t.end("the shell could not be started", 0)
			return nil, err
		}
	}
	s.shelve(t)
	return t, nil
}

func (s *Set) add(t *Terminal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := key{t.place.Sandbox, t.opts.ID}
	mine := 0
	for other := range s.open {
		if other.sandbox == k.sandbox {
			mine++
		}
	}
	switch {
	case s.closed:
		return process.ErrClosed
	case s.open[k] != nil:
		return fmt.Errorf("%w: %q; connect to it, or choose another", ErrExists, k.id)
	case mine >= s.cfg.PerSandbox:
		return fmt.Errorf("%w: the sandbox has %d; end one first", ErrLimit, mine)
	case len(s.open) >= s.cfg.Total:
		return fmt.Errorf("%w: the server has %d; end one first", ErrLimit, len(s.open))
	}
	s.open[k] = t
	return nil
}

// Lookup finds a terminal of a sandbox. One that has ended lately is an
// [EndedError].
func (s *Set) Lookup(sandbox, id string) (*Terminal, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.open[key{sandbox, id}]; t != nil {
		return t, nil
	}
	return nil, s.endedLocked(key{sandbox, id})
}

// endedLocked is called with mu held.
func (s *Set) endedLocked(k key) error {
	for _, e := range slices.Backward(s.gone) {
		if e.key == k {
			return &EndedError{ID: k.id, Exit: e.exit}
		}
	}
	return fmt.Errorf("%w: %q", ErrNotFound, k.id)
}

// ended is the error for a terminal that somebody still holds.
func (s *Set) ended(t *Terminal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endedLocked(key{t.place.Sandbox, t.opts.ID})
}

// List returns the terminals of a sandbox, the oldest first.
func (s *Set) List(sandbox string) []*Terminal {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Terminal
	for k, t := range s.open {
		if k.sandbox == sandbox {
			list = append(list, t)
		}
	}
	slices.SortFunc(list, func(a, b *Terminal) int {
		return cmp.Or(a.created.Compare(b.created), strings.Compare(a.opts.ID, b.opts.ID))
	})
	return list
}

// shelve writes down that there is a terminal, or how it has ended. Others may do the
// same meanwhile, so it looks afterwards whether what it wrote is still so.
func (s *Set) shelve(t *Terminal) {
	for {
		card, known := s.cardOf(t)
		if !known {
			s.cfg.Shelf.Remove(t.card)
			return
		}
		s.cfg.Shelf.Put(t.card, card)
		if now, known := s.cardOf(t); known && (now.Exit == nil) == (card.Exit == nil) {
			return
		}
	}
}

// cardOf is what the next server should know of a terminal; nothing if its end was so
// long ago that it is forgotten.
func (s *Set) cardOf(t *Terminal) (Card, bool) {
	k := key{t.place.Sandbox, t.opts.ID}
	c := Card{Key: t.card, Sandbox: k.sandbox, ID: k.id, Created: t.created}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[k] == t {
		return c, true
	}
	for _, e := range slices.Backward(s.gone) {
		if e.card == t.card {
			c.Exit = &e.exit
			return c, true
		}
	}
	return Card{}, false
}

// forget takes a terminal whose process has ended out of the set: its id is
// free. It may be called again.
func (s *Set) forget(t *Terminal, e Exit) {
	k := key{t.place.Sandbox, t.opts.ID}
	s.mu.Lock()
	if s.open[k] != t {
		s.mu.Unlock()
		return
	}
	delete(s.open, k)
	s.dying[t] = struct{}{}
	var old []string
	s.gone = slices.DeleteFunc(s.gone, func(e ended) bool {
		if e.key == k {
			old = append(old, e.card)
		}
		return e.key == k
	})
	s.gone = append(s.gone, ended{key: k, card: t.card, exit: e})
	for len(s.gone) > maxEnded {
		old, s.gone = append(old, s.gone[0].card), s.gone[1:]
	}
	s.mu.Unlock()
	for _, card := range old {
		s.cfg.Shelf.Remove(card)
	}
	s.shelve(t)
}

// buried is for a terminal of which nothing is left.
func (s *Set) buried(t *Terminal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.dying, t)
}

// all lists what there is of a sandbox or, if none is named, of all.
func (s *Set) all(sandbox string) []*Terminal {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*Terminal
	for t := range s.dying {
		list = append(list, t)
	}
	list = slices.AppendSeq(list, maps.Values(s.open))
	return slices.DeleteFunc(list, func(t *Terminal) bool { return sandbox != "" && t.place.Sandbox != sandbox })
}

// End ends the terminals of a sandbox that stops, and returns when they are gone.
func (s *Set) End(ctx context.Context, sandbox string) error {
	return endAll(ctx, s.all(sandbox), "the sandbox was stopped")
}

// Busy reports whether a terminal of the sandbox runs something just now: not
// the shell itself, which waits for its user.
func (s *Set) Busy(sandbox string) bool {
	return slices.ContainsFunc(s.List(sandbox), (*Terminal).foreground)
}

// Drain refuses new terminals. Those that there are have no end to wait for.
func (s *Set) Drain(context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
}

// Close ends all terminals and refuses new ones.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = endAll(context.Background(), s.all(""), "the server is shutting down") // has no limit to exceed
}

func endAll(ctx context.Context, all []*Terminal, reason string) error {
	gone := make(chan struct{})
	var wg sync.WaitGroup
	for _, t := range all {
		wg.Go(func() { t.end(reason, hangUpGrace) }) // ends with the terminal
	}
	go func() { wg.Wait(); close(gone) }() // ends with the last terminal
	select {
	case <-gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end the terminals: %w", context.Cause(ctx))
	}
}

// checkID refuses ids that clients, which put them into paths as they are,
// could not name again.
func checkID(id string) error {
	switch {
	case id == "":
		return &InvalidError{"the terminal's id is missing or empty: choose one"}
	case len(id) > maxID:
		return &InvalidError{fmt.Sprintf("the terminal's id has %d bytes; at most %d are possible", len(id), maxID)}
	case !utf8.ValidString(id) || strings.ContainsAny(id, "/\\?#%") || strings.ContainsFunc(id, unicode.IsControl):
		return &InvalidError{fmt.Sprintf("the terminal's id %q must not contain / \\ ? # %% or control characters", id)}
	case id == "." || id == ".." || id == "create-connect":
		return &InvalidError{fmt.Sprintf("the terminal's id must not be %q: choose another", id)}
	}
	return nil
}

func checkSize(cols, rows int) error {
	for _, side := range []struct {
		name string
		n    int
	}{{"cols", cols}, {"rows", rows}} {
		if side.n < 1 || side.n > screen.MaxSide {
			return &InvalidError{fmt.Sprintf("%s must be from 1 to %d, not %d", side.name, screen.MaxSide, side.n)}
		}
	}
	return nil
}
