// Package contexts is the set of live contexts: it creates, finds, lists and
// deletes them, makes each owner's default contexts at their first use, keeps
// kernels parked ahead of need, and ends what nobody has used for long. It
// knows nothing of languages but the table, and nothing of HTTP.
//
// Ownership and goroutines: [Set.Close] ends every context, the parked
// kernels, and the one goroutine that looks for idle contexts.
package contexts

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/activity"
	"hotcell/internal/child"
	"hotcell/internal/lives"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/runtimes"
	"hotcell/stream"
)

// Errors of the set.
var (
	ErrNotFound = errors.New("context not found")
	ErrDefault  = errors.New("the default context cannot be deleted")
	ErrLimit    = errors.New("too many contexts")
	ErrClosed   = errors.New("the server is shutting down")
)

// DefaultID is the name by which clients know an owner's default context.
const DefaultID = "default"

// Config is what a set is made of. The zero value of each number means the
// default that stands beside it.
type Config struct {
	Table *runtimes.Table
	// Parked is how many kernels of each runtime wait for use. 0 is 2: enough
	// that a create finds one while the next is made; negative is none.
	Parked int
	// Limit is how many contexts there may be, of all owners together. 0 is
	// 1000: at the 8 MB of an idle one that is what a machine of 16 GB takes.
	Limit int
	// OwnerLimit is how many of them one owner may have. 0 is no limit but that.
	OwnerLimit int
	// Admit refuses contexts to an owner who may have none any more. It is asked
	// once more when a context is there: [Set.DeleteOwner] ends those that there
	// are, and whoever calls it makes Admit refuse before. Nil admits everybody.
	Admit func(owner string) error
	// Jail is the boundary around an owner's kernels; it may be nil, too. It is asked
	// for each kernel, and makes another when the last one has ended. Nil: there is
	// none around any.
	Jail func(ctx context.Context, owner string) (child.Jail, error)
	// Group makes the group that counts and bounds one kernel of an owner's. Nil:
	// nothing does.
	Group func(owner string) (child.Group, error)
	// Jailed tells that Jail finds one for everybody: nothing is parked elsewhere
	// before somebody turns out to have none.
	Jailed bool
	// IdleTimeout ends a context that has run nothing for so long, and Lifetime one
	// that was made so long ago, whatever runs in it. 0 is never.
	IdleTimeout time.Duration
	Lifetime    time.Duration
	Complete    func(wire.Bundle) wire.Bundle // see interpreter.Config
	Queue       int                           // see interpreter.Config
	// Store keeps executions and their events; nil: files that go with the set.
	Store  stream.Store
	Events stream.Options // see interpreter.Config
	// Shelf is for what the next server should know of the contexts; nil: nothing.
	Shelf *lives.Shelf[Card]
	// Before is how the server before this one ended; nil: there was none.
	Before  *lives.End
	Observe Observe // who wants to know what happens
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	defaultParked = 2
	defaultLimit  = 1000
)

// Options describe a context to create.
type Options struct {
	Language string // or an alias; empty: python
	Cwd      string // empty: the server's own
	Env      map[string]string
}

// Entry is one context in the set.
type Entry struct {
	*interpreter.Interpreter
	Owner   string // the sandbox it belongs to
	Default bool
	Created time.Time

	deleted bool // guarded by the set's mu, see takeOut
}

// key names a default context.
type key struct{ owner, language string }

// Set is the live contexts of one server.
type Set struct {
	cfg    Config
	ctx    context.Context // cancelled by Close
	cancel context.CancelFunc
	wg     sync.WaitGroup
	// prepared is done when the runtimes are ready to start kernels.
	prepared  sync.WaitGroup
	preparing map[runtimes.Runtime]chan struct{} // closed when it is; not changed after New

	mu       sync.Mutex
	pools    map[lot]*pool
	entries  map[string]*Entry
	defaults map[key]*opening
	making   map[string]int    // contexts that are being created, by owner
	ending   map[string]*Entry // taken out, and not closed yet
	lost     map[string]Card   // of servers before this one
	draining bool
	closed   bool
}

// opening is a default context that is there, or being made.
type opening struct {
	done  chan struct{}
	entry *Entry // once done
	err   error
}

// New returns an empty set, and begins to park kernels.
func New(ctx context.Context, cfg Config) *Set {
	if cfg.Parked == 0 {
		cfg.Parked = defaultParked
	}
	cfg.Limit = cmp.Or(cfg.Limit, defaultLimit)
	if cfg.Admit == nil {
		cfg.Admit = func(string) error { return nil }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Store == nil {
		cfg.Store = stream.NewJournal("", stream.JournalOptions{}) // its files go with the last reader
	}
	if cfg.Events.Soon == nil {
		cfg.Events.Soon = stream.NewLaggards()
	}
	s := &Set{
		cfg:       cfg,
		pools:     make(map[lot]*pool),
		preparing: make(map[runtimes.Runtime]chan struct{}),
		entries:   make(map[string]*Entry),
		ending:    make(map[string]*Entry),
		defaults:  make(map[key]*opening),
		making:    make(map[string]int),
	}
	s.ctx, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	s.recover()
	s.openPools(ctx)
	if cfg.IdleTimeout > 0 || cfg.Lifetime > 0 {
		// Ends when Close cancels s.ctx.
		s.wg.Go(s.expire)
	}
	return s
}

// Create makes a context and returns when it takes code.
func (s *Set) Create(ctx context.Context, owner string, o Options) (*Entry, error) {
	e, err := s.open(ctx, owner, o, false)
	if err != nil {
		return nil, fmt.Errorf("create context: %w", err)
	}
	return e, nil
}

// Default returns the owner's default context of o's language, which is made
// at its first use; the rest of o counts only then.
func (s *Set) Default(ctx context.Context, owner string, o Options) (*Entry, error) {
	_, language, err := s.cfg.Table.Lookup(cmp.Or(o.Language, "python"))
	if err != nil {
		return nil, err
	}
	o.Language = language
	k := key{owner, language}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	op := s.defaults[k]
	if op == nil {
		op = &opening{done: make(chan struct{})}
		s.defaults[k] = op
		// Ends when the kernel has started or its start has failed, which
		// interpreter.Open bounds. Others wait for it too, so it doesn't end
		// with whoever came first.
		s.wg.Go(func() { s.openDefault(context.WithoutCancel(ctx), k, o, op) })
	}
	s.mu.Unlock()
	select {
	case <-op.done:
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the default context: %w", context.Cause(ctx))
	}
	if op.err != nil {
		return nil, fmt.Errorf("create default context: %w", op.err)
	}
	return op.entry, nil
}

// openDefault makes a default context for everybody who waits for it.
func (s *Set) openDefault(ctx context.Context, k key, o Options, op *opening) {
	defer close(op.done)
	if op.entry, op.err = s.open(ctx, k.owner, o, true); op.err != nil {
		s.mu.Lock()
		if s.defaults[k] == op { // else its end has made room for another already
			delete(s.defaults, k)
		}
		s.mu.Unlock()
	}
}

// open makes a context and files it.
func (s *Set) open(ctx context.Context, owner string, o Options, isDefault bool) (*Entry, error) {
	r, language, err := s.cfg.Table.Lookup(cmp.Or(o.Language, "python"))
	if err != nil {
		return nil, err
	}
	if fault := r.Info().Fault; fault != "" {
		return nil, fmt.Errorf("%s: %w: %s", language, runtimes.ErrUnavailable, fault)
	}
	if err := s.reserve(owner); err != nil {
		return nil, err
	}
	began := s.cfg.Now()
	card := Card{ID: uuid.NewString(), Owner: owner, Language: language, Default: isDefault, Created: began}
	s.cfg.Shelf.Put(card.ID, card)
	in, err := s.openKernel(ctx, owner, r, interpreter.Config{
		ID: card.ID, Language: language, Cwd: o.Cwd, Env: o.Env,
		Translate: r.Translate, Complete: s.cfg.Complete,
		Queue: s.cfg.Queue, Store: s.cfg.Store, Group: owner, Events: s.cfg.Events,
		Lost: s.lostNotice(card), Names: s.keeper(card), Observe: s.cfg.Observe.of(owner),
		Now: s.cfg.Now, Log: s.cfg.Log,
	})
	s.mu.Lock()
	s.made(owner)
	if err != nil {
		s.mu.Unlock()
		s.cfg.Shelf.Remove(card.ID)
		s.leave(owner)
		return nil, err
	}
	if s.closed {
		s.mu.Unlock()
		s.cfg.Shelf.Remove(card.ID)
		in.Close(interpreter.Shutdown())
		return nil, ErrClosed
	}
	e := &Entry{Interpreter: in, Owner: owner, Default: isDefault, Created: card.Created}
	s.entries[e.ID()] = e
	s.mu.Unlock()
	s.cfg.Observe.tell("create", e, activity.Of(ctx), "")
	s.cfg.Observe.ready(language, in.Parked(), s.cfg.Now().Sub(began))
	if err := s.cfg.Admit(owner); err != nil {
		if s.remove(e) {
			s.shut(ctx, e, interpreter.Deleted())
		}
		s.closePools(owner)
		return nil, err
	}
	return e, nil
}

// openKernel opens a context where its owner's kernels live.
func (s *Set) openKernel(ctx context.Context, owner string, r runtimes.Runtime, cfg interpreter.Config) (*interpreter.Interpreter, error) {
	for attempt := 0; ; attempt++ {
		jail, err := s.jail(ctx, owner)
		if err != nil {
			return nil, err
		}
		if jail != nil { // its directories are others
			cfg.CheckDir = jail.CheckDir
		}
		cfg.Spawn = s.spawner(owner, r, cfg.Env, jail)
		in, err := interpreter.Open(ctx, cfg)
		if !errors.Is(err, child.ErrJailEnded) || attempt >= tries {
			return in, err
		}
	}
}

// leave parks nothing for an owner who may have nothing any more: it may have been
// ended while a kernel of its was started.
func (s *Set) leave(owner string) {
	if s.cfg.Admit(owner) != nil {
		s.closePools(owner)
	}
}

// spawner starts a context's kernels: parked ones, unless the environment has
// something that a program only reads when it starts. The first one is to live in the jail
// that was just looked at, if there is any.
func (s *Set) spawner(owner string, r runtimes.Runtime, env map[string]string, first child.Jail) func(context.Context) (*runtimes.Kernel, error) {
	if b, ok := r.(runtimes.BirthEnv); ok {
		if birth := b.BirthEnv(env); len(birth) > 0 {
			return func(ctx context.Context) (*runtimes.Kernel, error) {
				jail, err := s.jail(ctx, owner)
				if err != nil {
					return nil, err
				}
				return start(ctx, r, runtimes.Spec{Env: birth, Jail: jail}, s.grouped(owner))
			}
		}
	}
	return func(ctx context.Context) (*runtimes.Kernel, error) {
		jail := first
		first = nil
		return s.take(ctx, owner, r, jail)
	}
}

// Kernel gives away a parked kernel of an owner's, or starts one, for what isn't a
// context: it belongs to the caller from then on.
func (s *Set) Kernel(ctx context.Context, owner string, r runtimes.Runtime) (*runtimes.Kernel, error) {
	return s.take(ctx, owner, r, nil)
}

// reserve counts a context that is about to be made.
func (s *Set) reserve(owner string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.draining {
		return ErrClosed
	}
	all := len(s.entries)
	for _, n := range s.making {
		all += n
	}
	if all >= s.cfg.Limit {
		return fmt.Errorf("%w: there are %d already; delete one first", ErrLimit, s.cfg.Limit)
	}
	if s.cfg.OwnerLimit > 0 {
		own := s.making[owner]
		for _, e := range s.entries {
			if e.Owner == owner {
				own++
			}
		}
		if own >= s.cfg.OwnerLimit {
			return fmt.Errorf("%w in this sandbox: it has %d already, which is its share; delete one first", ErrLimit, s.cfg.OwnerLimit)
		}
	}
	s.making[owner]++
	return nil
}

// made is called with mu held, when a context has been made or couldn't be.
func (s *Set) made(owner string) {
	if s.making[owner]--; s.making[owner] == 0 {
		delete(s.making, owner)
	}
}

// Lookup finds an owner's context. [DefaultID] finds its default one, and the
// oldest if it has them in several languages.
func (s *Set) Lookup(owner, id string) (*Entry, error) {
	if id == DefaultID {
		if all := s.filter(func(e *Entry) bool { return e.Owner == owner && e.Default }); len(all) > 0 {
			return all[0], nil
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok || e.Owner != owner {
		if card, was := s.lost[id]; was && card.Owner == owner {
			return nil, &LostError{card}
		}
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return e, nil
}

// Find finds a context of any owner.
func (s *Set) Find(id string) (*Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.entries[id]
	if !ok {
		if card, was := s.lost[id]; was {
			return nil, &LostError{card}
		}
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return e, nil
}

// See is Find among the contexts of owners who may be seen; nil sees all. Of others
// nobody learns that they are or were.
func (s *Set) See(id string, sees func(owner string) bool) (*Entry, error) {
	e, err := s.Find(id)
	var lost *LostError
	switch {
	case sees == nil:
	case err == nil && !sees(e.Owner), errors.As(err, &lost) && !sees(lost.Owner):
		return nil, fmt.Errorf("%w: %s", ErrNotFound, id)
	}
	return e, err
}

// List returns an owner's contexts, oldest first, without the default ones.
func (s *Set) List(owner string) []*Entry {
	return s.filter(func(e *Entry) bool { return e.Owner == owner && !e.Default })
}

// All returns every context, oldest first.
func (s *Set) All() []*Entry { return s.filter(func(*Entry) bool { return true }) }

func (s *Set) filter(keep func(*Entry) bool) []*Entry {
	s.mu.Lock()
	out := make([]*Entry, 0, len(s.entries))
	for _, e := range s.entries {
		if keep(e) {
			out = append(out, e)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(out, func(a, b *Entry) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID(), b.ID()))
	})
	return out
}

// Delete ends an owner's context, and returns when its processes are gone.
func (s *Set) Delete(ctx context.Context, owner, id string) error {
	e, err := s.Lookup(owner, id)
	if id == DefaultID || (err == nil && e.Default) {
		return ErrDefault
	}
	if err != nil {
		return err
	}
	return s.End(ctx, e)
}

// End is Delete for any context, a default one too: the next use makes another.
func (s *Set) End(ctx context.Context, e *Entry) error {
	if !s.remove(e) {
		return fmt.Errorf("%w: %s", ErrNotFound, e.ID())
	}
	return s.end(ctx, e, interpreter.Deleted())
}

// DeleteOwner ends all of an owner's contexts, the default ones too, and what is
// parked for it.
func (s *Set) DeleteOwner(ctx context.Context, owner string) error {
	var wg sync.WaitGroup
	for _, e := range s.filter(func(e *Entry) bool { return e.Owner == owner }) {
		if s.remove(e) {
			// Ends when the context has ended; joined below.
			wg.Go(func() { s.shut(ctx, e, interpreter.Deleted()) })
		}
	}
	wg.Go(func() { s.closePools(owner) }) // ends when the parked ones have; joined below
	return wait(ctx, &wg)
}

// remove takes an entry out of the set for good, for whoever comes first.
func (s *Set) remove(e *Entry) bool {
	taken := s.takeOut(e, true)
	if taken {
		s.cfg.Shelf.Remove(e.ID())
	}
	return taken
}

// takeOut takes an entry out of the set, for whoever comes first. If it is deleted, the
// next server isn't to know of it.
func (s *Set) takeOut(e *Entry, deleted bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[e.ID()] != e {
		return false
	}
	delete(s.entries, e.ID())
	s.ending[e.ID()] = e
	e.deleted = deleted
	if e.Default {
		delete(s.defaults, key{e.Owner, e.Language()})
	}
	return true
}

// shut closes a context that has left the set. Until then its executions can be found.
// ctx says who wanted it and bounds nothing.
func (s *Set) shut(ctx context.Context, e *Entry, reason interpreter.ClosedError) {
	e.Close(reason)
	s.cfg.Observe.tell("end", e, activity.Of(ctx), reason.Error())
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.ending, e.ID())
}

// end closes a context that has left the set.
func (s *Set) end(ctx context.Context, e *Entry, reason interpreter.ClosedError) error {
	var wg sync.WaitGroup
	// Ends when the context has ended, even if the caller has left by then.
	wg.Go(func() { s.shut(ctx, e, reason) })
	return wait(ctx, &wg)
}

// wait waits for the group, but not longer than ctx.
func wait(ctx context.Context, wg *sync.WaitGroup) error {
	done := make(chan struct{})
	// Ends with the group.
	go func() { wg.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for contexts to end: %w", context.Cause(ctx))
	}
}

// Close ends everything: contexts, parked kernels, goroutines.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	var wg sync.WaitGroup
	for _, e := range s.All() {
		if s.takeOut(e, false) { // what the next server knows of it stays
			// Ends when the context has ended; joined below.
			wg.Go(func() { s.shut(s.ctx, e, interpreter.Shutdown()) })
		}
	}
	wg.Wait()
	closeAll(s.allPools())
	s.prepared.Wait()
	s.wg.Wait()
}
