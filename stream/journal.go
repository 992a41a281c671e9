package stream

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// JournalOptions say how much a journal keeps of logs that have ended. The zero
// value of each is the default that stands beside it.
type JournalOptions struct {
	Age   time.Duration // after their end: 24 h; negative is for ever
	Bytes int64         // of all files together: 1 GiB
	Count int           // of logs that have ended: 50,000
	// Evicted is told of each log that was evicted; it must be quick. It may be nil.
	Evicted func(kind string, bytes int64)
	Now     func() time.Time
	Log     *slog.Logger
}

const (
	defaultAge = 24 * time.Hour
	// defaultBytes is what a start reads again in two seconds from an ordinary disk.
	defaultBytes = 1 << 30
	// defaultCount are 35 MiB of memory, beside their summaries.
	defaultCount = 50_000
	// remembered is how many evicted names are known, so that "gone" and "never
	// was" can be told apart.
	remembered = 16 << 10
)

// Journal is a [Store] in a directory: each group has a directory of its own, with
// files of frames that are only appended to. What was written is in the system's
// hands, so it outlives the server, however that ends, but not the machine.
//
// What runs is never evicted; of what has ended the oldest goes first, of the
// group that occupies most. A file goes when nothing in it is kept.
//
// Goroutines: one, that evicts what is too old, unless nothing ever is, and one while
// the disk has refused ends of logs. Close joins them.
type Journal struct {
	dir     string // empty: the files have no names
	scratch string // where those are made
	segment int64  // how large a file may become
	opts    JournalOptions
	wake    chan struct{} // the oldest end is another one
	takes   chan struct{} // the disk takes what it has refused before, perhaps
	stop    chan struct{}
	wg      sync.WaitGroup

	mu      sync.Mutex
	closed  bool
	last    uint64 // number of the newest log
	logs    map[name]*entry
	groups  map[string]*group
	bytes   int64 // of all segments
	ended   int   // logs that have
	latest  time.Time
	owed    []*debt         // of logs that have ended; the oldest first
	evicted map[name]string // their groups
	forget  []name          // the evicted ones, oldest first
}

// name is how a log is found.
type name struct{ kind, id string }

// entry is a log in the index. Journal.mu guards it; it is also its [Tape].
type entry struct {
	j       *Journal
	g       *group
	number  uint64
	meta    Meta
	regions []region
	records uint64
	bytes   int64
	ended   time.Time     // by the wall
	counted time.Time     // when age was what it is: the end, or the start of the server that found it
	age     time.Duration // since the end, then
	summary []byte
	gone    bool // evicted or dropped
	freed   bool // its segments have been let go
	readers int
	live    any // see [Tape].Later
}

// region is a part of a segment in which there are frames of a log, beside those
// of others perhaps.
type region struct {
	s     *segment
	first uint64 // number of the first record in it, or of the next one there will be
	off   int64
	size  int64
}

// regionSize is about how much a reader reads at once.
const regionSize = 256 << 10

// OpenJournal opens the journal in a directory, which it makes if need be. Nobody
// else may use the directory until Close.
func OpenJournal(dir string, opts JournalOptions) (*Journal, error) {
	j := newJournal(opts)
	j.dir = dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the journal's directory: %w", err)
	}
	if err := j.load(); err != nil {
		return nil, err
	}
	j.mu.Lock()
	dead := j.excess()
	j.mu.Unlock()
	j.settle(dead)
	if j.opts.Age > 0 {
		// Ends when Close closes stop.
		j.wg.Go(j.expire)
	}
	return j, nil
}

// NewJournal returns a journal that lives as long as the server: its files have
// no names, so nothing is left of them. Nothing is evicted for its age. An empty
// dir is [os.TempDir].
func NewJournal(dir string, opts JournalOptions) *Journal {
	opts.Age = -1
	j := newJournal(opts)
	j.scratch = cmp.Or(dir, os.TempDir())
	return j
}

func newJournal(opts JournalOptions) *Journal {
	opts.Age = cmp.Or(opts.Age, defaultAge)
	opts.Bytes = cmp.Or(opts.Bytes, defaultBytes)
	opts.Count = cmp.Or(opts.Count, defaultCount)
	if opts.Evicted == nil {
		opts.Evicted = func(string, int64) {}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Journal{
		opts: opts, segment: min(largestSegment, max(opts.Bytes/parts, ahead/8)), wake: make(chan struct{}, 1), takes: make(chan struct{}, 1), stop: make(chan struct{}),
		logs: make(map[name]*entry), groups: make(map[string]*group), evicted: make(map[name]string),
	}
}

// Close gives the files free. Logs that are still written to lose what comes.
func (j *Journal) Close() {
	j.mu.Lock()
	if j.closed {
		j.mu.Unlock()
		return
	}
	j.closed = true
	close(j.stop)
	groups := j.allGroups()
	j.mu.Unlock()
	j.wg.Wait()
	for _, g := range groups {
		g.close()
	}
}

// allGroups is called with mu held.
func (j *Journal) allGroups() []*group {
	out := make([]*group, 0, len(j.groups))
	for _, g := range j.groups {
		out = append(out, g)
	}
	return out
}

// Create implements [Store].
func (j *Journal) Create(m Meta) (Tape, error) {
	e, err := j.reserve(m)
	if err != nil {
		return nil, err
	}
	if err := e.put([]frame{{kind: frameOpen, payload: m.encode()}}, false); err != nil {
		j.mu.Lock()
		delete(j.logs, name{m.Kind, m.ID})
		e.gone = true
		e.free()
		j.mu.Unlock()
		return nil, err
	}
	return e, nil
}

// reserve takes a name.
func (j *Journal) reserve(m Meta) (*entry, error) {
	n := name{m.Kind, m.ID}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, ErrClosed
	}
	_, was := j.evicted[n]
	if _, is := j.logs[n]; is || was {
		return nil, fmt.Errorf("%w: %s", ErrExists, m.ID)
	}
	j.last++
	e := &entry{j: j, g: j.group(m.Group), number: j.last, meta: m}
	j.logs[n] = e
	return e, nil
}

// group finds one, or makes it. It is called with mu held.
func (j *Journal) group(id string) *group {
	g := j.groups[id]
	if g == nil {
		g = &group{j: j, id: id}
		j.groups[id] = g
	}
	return g
}

// Find implements [Store].
func (j *Journal) Find(kind, id string) (Stored, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := name{kind, id}
	if e := j.logs[n]; e != nil {
		return e.stored(), nil
	}
	if group, was := j.evicted[n]; was {
		return Stored{Meta: Meta{Kind: kind, ID: id, Group: group}}, fmt.Errorf("%w: %s", ErrEvicted, id)
	}
	return Stored{}, fmt.Errorf("%w: %s", ErrUnknown, id)
}

// List implements [Store].
func (j *Journal) List(kind, parent string) []Stored {
	j.mu.Lock()
	var found []*entry
	for n, e := range j.logs {
		if n.kind == kind && (parent == "" || e.meta.Parent == parent) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *entry) int { return cmp.Compare(a.number, b.number) })
	out := make([]Stored, len(found))
	for i, e := range found {
		out[i] = e.stored()
	}
	j.mu.Unlock()
	return out
}

// Forget drops all logs of a group, such as a sandbox that was deleted, and the
// group's files.
func (j *Journal) Forget(id string) error {
	j.mu.Lock()
	g := j.groups[id]
	var all []*entry
	for _, e := range j.logs {
		if e.g == g {
			all = append(all, e)
		}
	}
	delete(j.groups, id)
	for _, e := range all {
		j.remove(e)
	}
	j.mu.Unlock()
	if g == nil {
		return nil
	}
	g.close()
	if j.dir == "" {
		return nil
	}
	if err := os.RemoveAll(g.dir()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove a journal: %w", err)
	}
	return nil
}

// Groups lists those that have something.
func (j *Journal) Groups() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]string, 0, len(j.groups))
	for id := range j.groups {
		out = append(out, id)
	}
	return out
}

// Bytes is what all files occupy.
func (j *Journal) Bytes() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bytes
}

// Latest is when something was written last, by the servers before this one; zero if
// that isn't known.
func (j *Journal) Latest() time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.latest
}

// stored is called with mu held.
func (e *entry) stored() Stored {
	return Stored{Meta: e.meta, Ended: e.ended, Summary: e.summary, Records: e.records, Bytes: e.bytes, Tape: e, live: e.live}
}
