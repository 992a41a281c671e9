package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/activity"
	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/stream"
)

// Config is what sessions stand on.
type Config struct {
	Host   process.Host
	Limits Limits
	// Store keeps commands and their logs; nil: files that go with the set.
	Store stream.Store
	// Shelf is for what the next server should know of the sessions; nil: nothing.
	Shelf *lives.Shelf[Card]
	// Before is how the server before this one ended; nil: there was none.
	Before *lives.End
	// Did is told of commands that have ended; it must be quick. It may be nil.
	Did func(activity.Record)
}

// key names a session: each sandbox has its own.
type key struct{ sandbox, id string }

// Set holds the sessions of one server.
//
// Goroutines: those of its sessions, which End and Close join.
type Set struct {
	cfg Config

	mu     sync.Mutex
	named  map[key]*entry
	all    map[*entry]struct{} // also those that were deleted and have not ended yet
	count  uint64
	closed bool
}

// entry is a session in its place.
type entry struct {
	*Session
	key    key
	number uint64
	gone   chan struct{} // closed when it has ended and was forgotten
	// deleted tells that the next server isn't to know of it; guarded by the set's mu.
	deleted bool
}

// New makes an empty set.
func New(cfg Config) *Set {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Store == nil {
		cfg.Store = stream.NewJournal(cfg.Host.ScratchDir(), stream.JournalOptions{}) // its files go with the last reader
	}
	s := &Set{cfg: cfg, named: make(map[key]*entry), all: make(map[*entry]struct{})}
	s.recover()
	return s
}

// Create starts a session, which is there when it returns. ctx bounds the
// waiting for it.
func (s *Set) Create(ctx context.Context, place process.Place, id string) (*Session, error) {
	if id == "" || len(id) > maxID {
		return nil, fmt.Errorf("%w: the session's id must have between 1 and %d bytes, it has %d", ErrInvalid, maxID, len(id))
	}
	if id == "." || id == ".." { // clients put it into paths, which they then shorten
		return nil, fmt.Errorf("%w: the session's id must not be %q: choose another", ErrInvalid, id)
	}
	e, replaced, err := s.add(place, id)
	if err != nil {
		return nil, err
	}
	if replaced != nil {
		s.giveUp(replaced)
	}
	select {
	case <-e.started:
		err = e.fault
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		s.end(e, errDeleted)
		return nil, err
	}
	s.shelve(e)
	return e.Session, nil
}

// shelve writes down that there is a session. If it was deleted before that is written,
// whoever did that may have found nothing to remove.
func (s *Set) shelve(e *entry) {
	s.cfg.Shelf.Put(e.card.Key, e.card)
	s.mu.Lock()
	deleted := e.deleted
	s.mu.Unlock()
	if deleted {
		s.cfg.Shelf.Remove(e.card.Key)
	}
}

// add puts a session into the set, in place of one that ended with a server before this one.
func (s *Set) add(place process.Place, id string) (e, replaced *entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, process.ErrClosed
	}
	k := key{place.Sandbox, id}
	old, taken := s.named[k]
	if taken && !old.past {
		return nil, nil, fmt.Errorf("%w: %q", ErrExists, id)
	}
	n := 0
	for e := range s.all {
		if e.key.sandbox == place.Sandbox && !e.past {
			n++
		}
	}
	if n >= s.cfg.Limits.Sessions {
		return nil, nil, fmt.Errorf("%w: %d are open in this sandbox: delete some", ErrLimit, n)
	}
	s.count++
	card := Card{Key: uuid.NewString(), Sandbox: place.Sandbox, ID: id, Created: time.Now()}
	e = &entry{key: k, number: s.count, gone: make(chan struct{}), Session: newSession(card, place, s.cfg)}
	if taken {
		delete(s.all, old)
	}
	s.named[k] = e
	s.all[e] = struct{}{}
	return e, old, nil
}

// giveUp forgets a session whose place was taken.
func (s *Set) giveUp(old *entry) {
	old.discard()
	s.cfg.Shelf.Remove(old.card.Key)
	close(old.gone)
}

// Lookup finds a session of a sandbox.
func (s *Set) Lookup(sandbox, id string) (*Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.named[key{sandbox, id}]; ok {
		return e.Session, nil
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, id)
}

// List returns the sessions of a sandbox, oldest first.
func (s *Set) List(sandbox string) []*Session {
	found := s.of(sandbox)
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	list := make([]*Session, 0, len(found))
	for _, e := range found {
		list = append(list, e.Session)
	}
	return list
}

// of returns those of a sandbox that have a name.
func (s *Set) of(sandbox string) []*entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found []*entry
	for k, e := range s.named {
		if k.sandbox == sandbox {
			found = append(found, e)
		}
	}
	return found
}

// Delete ends a session, with everything that runs in it and with its logs. It
// returns when all is gone; the id is free at once.
func (s *Set) Delete(ctx context.Context, sandbox, id string) error {
	s.mu.Lock()
	e, ok := s.named[key{sandbox, id}]
	s.mu.Unlock()
	if !ok || !s.end(e, errDeleted) {
		return fmt.Errorf("%w: %q", ErrNotFound, id)
	}
	return s.await(ctx, e)
}

// end begins the end of a session. It reports whether nobody did before.
func (s *Set) end(e *entry, why error) bool {
	s.mu.Lock()
	first := s.named[e.key] == e
	if first {
		delete(s.named, e.key)
		e.deleted = !errors.Is(why, process.ErrClosed) // else the next server has it
	}
	s.mu.Unlock()
	if first {
		e.cancel(why)
		// Ends with the session.
		go func() {
			<-e.done
			if !errors.Is(why, process.ErrClosed) {
				e.discard()
				s.cfg.Shelf.Remove(e.card.Key)
			}
			s.mu.Lock()
			delete(s.all, e)
			s.mu.Unlock()
			close(e.gone)
		}()
	}
	return first
}

// await returns when a session that is ending has ended.
func (s *Set) await(ctx context.Context, e *entry) error {
	select {
	case <-e.gone:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for session %q to end: %w", e.key.id, context.Cause(ctx))
	}
}

// End ends the sessions of a sandbox.
func (s *Set) End(ctx context.Context, sandbox string) error {
	return s.endAll(ctx, errSandbox, func(e *entry) bool { return e.key.sandbox == sandbox })
}

func (s *Set) endAll(ctx context.Context, why error, which func(*entry) bool) error {
	s.mu.Lock()
	var ending []*entry
	for e := range s.all {
		if which(e) {
			ending = append(ending, e)
		}
	}
	s.mu.Unlock()
	for _, e := range ending {
		s.end(e, why)
	}
	var errs []error
	for _, e := range ending {
		errs = append(errs, s.await(ctx, e))
	}
	return errors.Join(errs...)
}

// Busy reports whether a command runs or waits in a sandbox.
func (s *Set) Busy(sandbox string) bool {
	return slices.ContainsFunc(s.of(sandbox), func(e *entry) bool { return e.busy() })
}

// Drain refuses sessions and commands from now on, ends the commands that wait, and returns
// when those that run have ended, or ctx. Close has to follow.
func (s *Set) Drain(ctx context.Context) {
	s.mu.Lock()
	s.closed = true
	all := slices.Collect(maps.Keys(s.all))
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, e := range all {
		wg.Go(func() { e.drain(ctx) }) // ends with its command, or ctx
	}
	wg.Wait()
}

// Close ends all sessions and refuses new ones.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	_ = s.endAll(context.Background(), process.ErrClosed, func(*entry) bool { return true })
}
