package sandboxes

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/jail"
)

// Options of a registry. The zero value works.
type Options struct {
	// End ends what runs in a sandbox that stops. It returns when it is gone.
	End func(ctx context.Context, id string) error
	// Ready makes the directory of a sandbox ready that somebody wants to use, if it
	// isn't yet, until End. still says whether it may be used at all by then. Nil: all
	// are.
	Ready func(sb Sandbox, still func() error) error
	// Expired is told of a sandbox that was stopped, or deleted, since its time was over.
	Expired func(sb Sandbox, deleted bool)
	// Gone is told of a sandbox that was deleted, when nothing runs in it any more.
	Gone func(id string) error
	// Died says that the server before this one did, and so couldn't write down when
	// sandboxes were used last: those that were started count as used just now.
	Died bool
	// Busy reports whether something runs in a sandbox just now, which keeps
	// it from being stopped for idleness.
	Busy func(id string) bool
	// Idle and Lifetime are the most that any sandbox but the default one may have:
	// one that has been idle for so long is stopped, one that is so old is deleted. 0
	// is no bound. A sandbox's own intervals may be shorter.
	Idle, Lifetime time.Duration
	// Minute is how long a minute of the intervals is. 0 is a minute.
	Minute time.Duration
	Now    func() time.Time
	NewID  func() string
	NewUID func() int // of a sandbox's user; nil is a random one of those for it
	// Berth gives one of [Registry.Prepare] away for which more is ready, if there is
	// such a one. Nil: there never is.
	Berth func() (Berth, bool)
	Log   *slog.Logger
}

func (o *Options) complete() {
	if o.End == nil {
		o.End = func(context.Context, string) error { return nil }
	}
	if o.Gone == nil {
		o.Gone = func(string) error { return nil }
	}
	if o.Busy == nil {
		o.Busy = func(string) bool { return false }
	}
	if o.Expired == nil {
		o.Expired = func(Sandbox, bool) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.NewID == nil {
		o.NewID = uuid.NewString
	}
	if o.NewUID == nil {
		// At random, since other servers on this machine choose theirs as well.
		o.NewUID = func() int { return jail.UserBase + rand.IntN(jail.UserCount) }
	}
	if o.Berth == nil {
		o.Berth = func() (Berth, bool) { return Berth{}, false }
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	o.Minute = cmp.Or(o.Minute, time.Minute)
}

// entry is a sandbox in the registry.
type entry struct {
	// turn holds one token: whoever has it may change the sandbox, which
	// includes files and kernels and so takes longer than a lock may be held.
	turn chan struct{}

	// Guarded by the registry's mu.
	sandbox Sandbox
	secret  string // the preview token; signed tokens are made with it too
	gone    bool
}

// Registry is the sandboxes of one server.
type Registry struct {
	dir  string
	opts Options
	ctx  context.Context // ends with Close
	stop context.CancelFunc
	done chan struct{} // closed when the expiry goroutine has ended
	wake chan struct{} // tells it that a time has changed
	set  chan struct{} // tells it that the clock was set

	mu       sync.Mutex
	byID     map[string]*entry
	names    map[string]string // name to id; an id that isn't in byID is being made
	tokens   map[[sha256.Size]byte]string
	watchers map[*Watch]struct{}
	closed   bool
}

// Open reads the records under dir/sandboxes, making the directory and the
// default sandbox if need be. A record that cannot be read is set aside and
// reported in the log: it must not keep the others from being served.
func Open(dir string, opts Options) (*Registry, error) {
	opts.complete()
	dir, err := filepath.Abs(dir) // work directories are told to clients
	if err != nil {
		return nil, fmt.Errorf("find the data directory: %w", err)
	}
	r := &Registry{
		dir:      filepath.Join(dir, "sandboxes"),
		opts:     opts,
		done:     make(chan struct{}),
		wake:     make(chan struct{}, 1),
		set:      make(chan struct{}, 1),
		byID:     make(map[string]*entry),
		names:    make(map[string]string),
		tokens:   make(map[[sha256.Size]byte]string),
		watchers: make(map[*Watch]struct{}),
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the sandboxes' directory: %w", err)
	}
	if err := r.load(); err != nil {
		return nil, err
	}
	if _, ok := r.byID[DefaultID]; !ok {
		if _, err := r.create(Berth{ID: DefaultID, UID: r.opts.NewUID()}, Spec{
			Name: DefaultID, User: "hotcell", Target: "local", CPU: 1, Memory: 1, Disk: 3,
			Intervals: Intervals{AutoDelete: -1},
		}); err != nil {
			return nil, fmt.Errorf("make the default sandbox: %w", err)
		}
	}
	r.ctx, r.stop = context.WithCancel(context.Background())
	go r.expire(r.opts.Now()) // ends with ctx; Close joins it
	return r, nil
}

// Close writes down what is only known in memory and ends the registry's
// goroutine. What runs in the sandboxes isn't touched.
func (r *Registry) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return nil
	}
	r.closed = true
	entries := slices.Collect(maps.Values(r.byID))
	for w := range r.watchers {
		r.drop(w)
	}
	r.mu.Unlock()
	r.stop()
	<-r.done
	var errs []error
	for _, e := range entries {
		e.turn <- struct{}{}
		if !e.gone {
			errs = append(errs, r.save(e))
		}
		<-e.turn
	}
	return errors.Join(errs...)
}

// Create makes a sandbox, which is started at once.
func (r *Registry) Create(spec Spec) (Sandbox, error) {
	// Before anything is used up for it.
	if err := errors.Join(spec.validate(), r.free(spec.Name)); err != nil {
		return Sandbox{}, err
	}
	b, ok := r.opts.Berth()
	if !ok {
		return r.create(Berth{ID: r.opts.NewID(), UID: r.opts.NewUID()}, spec)
	}
	sb, err := r.create(b, spec)
	if err != nil {
		err = errors.Join(err, r.opts.End(context.WithoutCancel(r.ctx), b.ID)) // what was ready
		_ = r.discard(b.ID)                                                    // it may be gone already
	}
	return sb, err
}

func (r *Registry) create(b Berth, spec Spec) (Sandbox, error) {
	id := b.ID
	spec.Name = cmp.Or(spec.Name, id)
	if err := spec.validate(); err != nil {
		return Sandbox{}, err
	}
	now := r.opts.Now()
	e := &entry{turn: make(chan struct{}, 1), secret: newSecret()}
	e.sandbox = Sandbox{Spec: spec, ID: id, State: Started, Created: now, Updated: now, LastActivity: now, UID: b.UID}.clone()
	if e.sandbox.Env == nil {
		e.sandbox.Env = map[string]string{}
	}
	if e.sandbox.Labels == nil {
		e.sandbox.Labels = map[string]string{}
	}
	if err := r.reserve(spec.Name, id); err != nil {
		return Sandbox{}, err
	}
	err := os.MkdirAll(r.WorkDir(id), 0o755)
	if err == nil {
		err = r.save(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil && r.closed {
		err = ErrClosed
	}
	if err != nil {
		delete(r.names, spec.Name)
		if id != DefaultID { // whose files are older than this attempt, perhaps
			_ = os.RemoveAll(filepath.Dir(r.WorkDir(id)))
		}
		return Sandbox{}, fmt.Errorf("make sandbox %q: %w", spec.Name, err)
	}
	r.byID[id] = e
	r.tokens[sha256.Sum256([]byte(e.secret))] = id
	r.publish(Event{Sandbox: e.sandbox.clone(), Created: true})
	r.reschedule()
	return e.sandbox.clone(), nil
}

// reserve takes a name before anything is made under it.
func (r *Registry) reserve(name, id string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return ErrClosed
	}
	_, taken := r.names[name]
	if other, ok := r.byID[name]; taken || (ok && other.sandbox.ID != id) {
		return fmt.Errorf("%w: %q", ErrNameTaken, name)
	}
	r.names[name] = id
	return nil
}

// Lookup finds a sandbox by its id or its name.
func (r *Registry) Lookup(idOrName string) (Sandbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return Sandbox{}, err
	}
	return e.sandbox.clone(), nil
}

// find is called with mu held.
func (r *Registry) find(idOrName string) (*entry, error) {
	e, ok := r.byID[idOrName]
	if !ok {
		e, ok = r.byID[r.names[idOrName]]
	}
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrNotFound, idOrName)
	}
	return e, nil
}

// Enter is Lookup for somebody who wants to use the sandbox: it counts as
// activity, and a sandbox that isn't started is refused.
func (r *Registry) Enter(idOrName string) (Sandbox, error) {
	sb, err := r.enter(idOrName)
	if err != nil || r.opts.Ready == nil {
		return sb, err
	}
	if err := r.opts.Ready(sb, func() error { _, err := r.enter(sb.ID); return err }); err != nil {
		return Sandbox{}, err
	}
	return sb, nil
}

// enter is Enter without its directory.
func (r *Registry) enter(idOrName string) (Sandbox, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.find(idOrName)
	if err != nil {
		return Sandbox{}, err
	}
	if e.sandbox.State != Started {
		return Sandbox{}, fmt.Errorf("%w: %q is %s; start it first", ErrNotStarted, e.sandbox.Name, e.sandbox.State)
	}
	e.sandbox.LastActivity = r.opts.Now()
	return e.sandbox.clone(), nil
}

// All returns every sandbox, the default one too, the oldest first.
func (r *Registry) All() []Sandbox {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Sandbox, 0, len(r.byID))
	for _, e := range r.byID {
		all = append(all, e.sandbox.clone())
	}
	slices.SortFunc(all, func(a, b Sandbox) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return all
}

// WorkDir is the directory of a sandbox, in which its code runs.
func (r *Registry) WorkDir(id string) string { return filepath.Join(r.dir, id, "work") }
