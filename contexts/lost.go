package contexts

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"hotcell/internal/lives"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/stream"
)

const (
	// lostKept is how many contexts of servers before this one are known.
	lostKept = 4096
	// lostAge is as long as their executions are kept, unless somebody wants
	// those longer.
	lostAge = 24 * time.Hour
	// namesShown is how many lost names a sentence lists.
	namesShown = 20
)

// Card is what the next server knows of a context.
type Card struct {
	ID       string    `json:"id"`
	Owner    string    `json:"owner"`
	Language string    `json:"language"`
	Default  bool      `json:"default,omitempty"`
	Created  time.Time `json:"created"`
	// Names are the user's, as they were known last, and More how many more there were.
	Names []string `json:"names,omitempty"`
	More  int      `json:"more,omitempty"`
	// Ended is how its server ended; nil while that lives.
	Ended *lives.End `json:"ended,omitempty"`
	// Told says that the default context that took its place has said so.
	Told bool `json:"told,omitempty"`
}

// CodeLost is the word for programs that a context is a [LostError].
const CodeLost = "CONTEXT_LOST"

// LostError is a context of a server before this one: it is gone with its variables.
type LostError struct{ Card }

func (e *LostError) Error() string {
	return fmt.Sprintf("context %s is gone: %s; %s. Create another; its executions can still be read",
		e.ID, e.Ended.Words(), e.lostWords())
}

// lostWords says which variables are gone.
func (c Card) lostWords() string {
	if len(c.Names) == 0 {
		return "what it had in memory is lost"
	}
	shown, more := c.Names, c.More
	if len(shown) > namesShown {
		more += len(shown) - namesShown
		shown = shown[:namesShown]
	}
	words := "its variables are lost: " + strings.Join(shown, ", ")
	if more > 0 {
		words += fmt.Sprintf(" and %d more", more)
	}
	return words
}

// cut is the end of the context for its executions.
func (c Card) cut(now time.Time) interpreter.Cut {
	return interpreter.Cut{Reason: c.Ended.Reason(), Words: c.Ended.Words(), Lost: c.Names, More: c.More, Now: now}
}

// recover ends what the server before this one couldn't: its contexts are lost, and
// their executions are told so. Nobody uses the set yet.
func (s *Set) recover() {
	s.lost = make(map[string]Card)
	now := s.cfg.Now()
	before := s.cfg.Before
	if before == nil {
		before = &lives.End{Again: now}
	}
	cards := s.cfg.Shelf.All()
	slices.SortFunc(cards, func(a, b Card) int { return b.Created.Compare(a.Created) }) // the newest first
	for _, c := range cards {
		if c.Ended == nil {
			c.Ended = before
			s.cfg.Shelf.Put(c.ID, c)
		}
		if len(s.lost) >= lostKept || now.Sub(c.Ended.Again) > lostAge {
			s.cfg.Shelf.Remove(c.ID)
			continue
		}
		s.lost[c.ID] = c
	}
	ended := 0
	for _, x := range s.cfg.Store.List(interpreter.KindExecution, "") {
		if !x.Ended.IsZero() {
			continue
		}
		card, known := s.lost[x.Parent]
		if !known {
			card = Card{Ended: before}
		}
		interpreter.EndStored(x, card.cut(now))
		ended++
	}
	if ended > 0 {
		s.cfg.Log.Warn("executions ended with the server before", slog.Int("executions", ended), slog.String("how", before.Words()))
	}
}

// lostNotice is what a default context begins with that takes the place of one that is
// lost; nil: there is nothing to say.
func (s *Set) lostNotice(c Card) *wire.Event {
	if !c.Default {
		return nil
	}
	var old *Card
	var told []Card
	s.mu.Lock()
	for id, other := range s.lost {
		// Those that were told of are older, whatever the clock was when they were made.
		if other.Told || !other.Default || other.Owner != c.Owner || other.Language != c.Language {
			continue
		}
		if old == nil || other.Created.After(old.Created) {
			old = &other
		}
		other.Told = true
		s.lost[id] = other
		told = append(told, other)
	}
	s.mu.Unlock()
	for _, other := range told {
		s.cfg.Shelf.Put(other.ID, other)
	}
	if old == nil || len(old.Names) == 0 {
		return nil
	}
	return interpreter.LostNotice(c.Language, old.cut(s.cfg.Now()))
}

// keeper writes down what a context's names have become.
func (s *Set) keeper(c Card) func([]string, int) {
	if s.cfg.Shelf == nil {
		return nil
	}
	return func(names []string, more int) {
		c.Names, c.More = names, more
		if !s.lasts(c.ID) {
			return
		}
		s.cfg.Shelf.Put(c.ID, c)
		if !s.lasts(c.ID) { // whoever deleted it meanwhile may have been faster
			s.cfg.Shelf.Remove(c.ID)
		}
	}
}

// lasts tells that the next server is to know of a context: it is there, or ends with
// this server.
func (s *Set) lasts(id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := cmp.Or(s.entries[id], s.ending[id])
	return e != nil && !e.deleted
}

// Execution finds an execution, of a context that there is or was, whose owner may be
// seen; nil sees all. Of others nobody learns that they are or were.
func (s *Set) Execution(id string, sees func(owner string) bool) (*interpreter.Execution, error) {
	x, err := interpreter.FindStored(s.cfg.Store, id)
	if sees != nil && !errors.Is(err, interpreter.ErrUnknownExecution) && !sees(x.Group) {
		err = fmt.Errorf("%w: %s", interpreter.ErrUnknownExecution, id)
	}
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	e := cmp.Or(s.entries[x.Parent], s.ending[x.Parent])
	s.mu.Unlock()
	if e != nil {
		return e.Execution(id)
	}
	if x, err = interpreter.FindStored(s.cfg.Store, id); err == nil && x.Ended.IsZero() {
		err = fmt.Errorf("%w: %s has not run", interpreter.ErrUnknownExecution, id) // it was just being refused
	}
	if err != nil {
		return nil, err
	}
	return interpreter.Restore(x), nil
}

// Executions lists those of a context that there is or was, oldest first. It is an
// error if nothing is known of such a context with an owner who may be seen; nil sees all.
func (s *Set) Executions(context string, sees func(owner string) bool) ([]*interpreter.Execution, error) {
	e, err := s.See(context, sees)
	if err == nil {
		return e.Executions(), nil
	}
	stored := slices.DeleteFunc(s.cfg.Store.List(interpreter.KindExecution, context),
		func(x stream.Stored) bool { return sees != nil && !sees(x.Group) })
	var lost *LostError
	if len(stored) == 0 && !errors.As(err, &lost) {
		return nil, err
	}
	var out []*interpreter.Execution
	for _, x := range stored {
		if !x.Ended.IsZero() {
			out = append(out, interpreter.Restore(x))
		}
	}
	return out, nil
}

// Kept lists the newest executions that are kept of the owners who may be seen; nil sees
// all. Those of contexts that are gone are among them. The newest come first.
func (s *Set) Kept(limit int, sees func(owner string) bool) []*interpreter.Execution {
	stored := s.cfg.Store.List(interpreter.KindExecution, "") // in the order in which they were accepted
	slices.Reverse(stored)
	var out []*interpreter.Execution
	for _, x := range stored {
		if sees != nil && !sees(x.Group) {
			continue
		}
		if len(out) >= limit {
			break
		}
		if e, err := s.Execution(x.ID, nil); err == nil {
			out = append(out, e)
		}
	}
	return out
}
