package keys

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config of a store. The zero value is one that asks for no key and keeps
// nothing.
type Config struct {
	// Dir holds the file. Empty: keys can be made, and are forgotten at the end.
	Dir string
	// First is a key that opens everything and is no record of the file: the one
	// that the server was started with. Empty: no key is asked for.
	First string
	// Limits of those keys that have none of their own.
	Limits Limits
	// Now and AfterFunc are the clock; nil is the machine's.
	Now       func() time.Time
	AfterFunc func(time.Duration, func()) (stop func() bool)
}

// Store is the keys of one server.
type Store struct {
	cfg     Config
	digest  [sha256.Size]byte // of the first key
	first   *Key
	preview *Key
	nobody  *Key
	turn    chan struct{} // of capacity 1: whoever has put something in may change the file

	mu     sync.Mutex
	byID   map[string]*entry
	closed bool
}

// entry is a key with its record.
type entry struct {
	*Key
	record record
	digest []byte      // of its text
	timer  func() bool // stops the one that waits for its end
}

// Open reads the keys in a directory.
func Open(cfg Config) (*Store, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AfterFunc == nil {
		cfg.AfterFunc = func(d time.Duration, f func()) func() bool { return time.AfterFunc(d, f).Stop }
	}
	s := &Store{cfg: cfg, digest: sha256.Sum256([]byte(cfg.First)), turn: make(chan struct{}, 1), byID: map[string]*entry{}}
	s.first = s.key(Info{Spec: Spec{Name: FirstName, Scope: Admin}})
	s.preview = s.key(Info{Spec: Spec{Name: PreviewName, Scope: Run}})
	s.nobody = s.key(Info{Spec: Spec{Name: NobodyName, Scope: Admin}})
	records, err := load(cfg.Dir)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		s.file(r)
	}
	return s, nil
}

// key makes a record one in use.
func (s *Store) key(info Info) *Key {
	k := &Key{Info: info, limits: info.over(s.cfg.Limits), now: s.cfg.Now}
	k.limiter = k.limits.Rate.limiter()
	k.ctx, k.cancel = context.WithCancelCause(context.Background())
	return k
}

// file puts a key into use and waits for its end.
func (s *Store) file(r record) {
	e := &entry{Key: s.key(r.Info), record: r, digest: r.digest()}
	s.mu.Lock()
	s.byID[e.ID] = e
	s.mu.Unlock()
	s.watch(e)
}

// watch ends a key when its time is over, or waits on.
func (s *Store) watch(e *entry) {
	if e.Expires.IsZero() {
		return
	}
	if e.alive() != nil {
		return
	}
	left := max(e.Expires.Sub(s.cfg.Now()), 0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed && s.byID[e.ID] == e {
		if e.timer != nil {
			e.timer()
		}
		e.timer = s.cfg.AfterFunc(left, func() { s.watch(e) })
	}
}

// ClockSet is to be called after the machine's clock was set: keys end at a time of the clock,
// and timers don't hear of it.
func (s *Store) ClockSet() {
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.byID))
	s.mu.Unlock()
	for _, e := range all {
		s.watch(e)
	}
}

// Close stops waiting for the ends of keys. It doesn't end them.
func (s *Store) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, e := range s.byID {
		if e.timer != nil {
			e.timer()
		}
	}
}

// Nobody is for those who may do everything without a key.
func (s *Store) Nobody() *Key { return s.nobody }

// Preview is for whoever shows a token that the first key has asked for.
func (s *Store) Preview() *Key { return s.preview }

// Asks reports whether a key is needed at all.
func (s *Store) Asks() bool { return s.cfg.First != "" }

// Find returns the key of a text that a client sent: [ErrUnknown] if there is
// none, an [EndedError] if its time is over. Digests are compared, each time as
// a whole, so that neither the content nor the length of a key shows in the
// time it takes. The id in a text is no secret.
func (s *Store) Find(text string) (*Key, error) {
	digest := sha256.Sum256([]byte(text))
	if s.Asks() && subtle.ConstantTimeCompare(digest[:], s.digest[:]) == 1 {
		return s.first, nil
	}
	id, ok := idOf(text)
	s.mu.Lock()
	e := s.byID[id]
	s.mu.Unlock()
	if !ok || e == nil || subtle.ConstantTimeCompare(digest[:], e.digest) != 1 {
		return nil, ErrUnknown
	}
	return e.Key, e.alive()
}

// Holder returns the key with an id, for a token that was given to it: like Find.
func (s *Store) Holder(id string) (*Key, error) {
	s.mu.Lock()
	e := s.byID[id]
	s.mu.Unlock()
	if e == nil {
		return nil, ErrUnknown
	}
	return e.Key, e.alive()
}

// List returns the keys, the oldest first; those too whose time is over.
func (s *Store) List() []Info {
	out := []Info{}
	for _, r := range s.records() {
		out = append(out, r.Info)
	}
	return out
}

func (s *Store) records() []record {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]record, 0, len(s.byID))
	for _, e := range s.byID {
		out = append(out, e.record)
	}
	slices.SortFunc(out, func(a, b record) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return out
}

// Lookup finds a key by its id or name.
func (s *Store) Lookup(idOrName string) (Info, error) {
	e, err := s.lookup(idOrName)
	if err != nil {
		return Info{}, err
	}
	return e.Info, nil
}

func (s *Store) lookup(idOrName string) (*entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byID[idOrName]; e != nil {
		return e, nil
	}
	for _, e := range s.byID {
		if e.Name == idOrName {
			return e, nil
		}
	}
	if idOrName == FirstName {
		return nil, ErrFirst
	}
	return nil, fmt.Errorf("%w: %q", ErrNotFound, idOrName)
}

// Create makes a key. Its text is told here and never again.
func (s *Store) Create(spec Spec) (info Info, text string, err error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	now := s.cfg.Now()
	if err := spec.validate(now); err != nil {
		return Info{}, "", err
	}
	records := s.records()
	if len(records) >= maxKeys {
		return Info{}, "", fmt.Errorf("%w: there are %d; revoke some", ErrLimit, len(records))
	}
	if slices.ContainsFunc(records, func(r record) bool { return r.Name == spec.Name }) {
		return Info{}, "", fmt.Errorf("%w: %q", ErrNameTaken, spec.Name)
	}
	id, text := newText()
	info = Info{ID: id, Spec: spec, Created: now.UTC().Truncate(time.Second)}
	info.Sandboxes = slices.Clone(spec.Sandboxes)
	info.Expires = spec.Expires.Round(0) // a moment by the clock that is set, and by no other
	r := newRecord(info, text)
	if err := save(s.cfg.Dir, append(records, r)); err != nil {
		return Info{}, "", err
	}
	s.file(r)
	return info, text, nil
}

// Revoke ends a key by its id or name, and with it what it has begun.
func (s *Store) Revoke(idOrName string) (Info, error) {
	s.turn <- struct{}{}
	defer func() { <-s.turn }()
	e, err := s.lookup(idOrName)
	if err != nil {
		return Info{}, err
	}
	left := slices.DeleteFunc(s.records(), func(r record) bool { return r.ID == e.ID })
	if err := save(s.cfg.Dir, left); err != nil {
		return Info{}, err
	}
	s.mu.Lock()
	delete(s.byID, e.ID)
	timer := e.timer
	s.mu.Unlock()
	if timer != nil {
		timer()
	}
	e.cancel(&EndedError{Name: e.Name})
	return e.Info, nil
}
