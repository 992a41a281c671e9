// Package stream is the event log: records numbered from 1 without gaps, which
// one writer appends and any number of readers follow at their own pace. It
// doesn't know what the records mean.
//
// The newest records stay in memory; past the memory bound the oldest go to
// a [Spool], up to the disk bound, after which [Log.Append] says
// [ErrFull]. A slow reader therefore delays nobody and loses nothing.
//
// Goroutines: none. What lies in the file is given back by [Log.Discard].
package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Errors of a log.
var (
	ErrFull      = errors.New("event log is full")
	ErrClosed    = errors.New("event log is closed")
	ErrDiscarded = errors.New("event log was discarded")
)

// Codec turns records into bytes and back, for the part that lies on disk.
type Codec[E any] interface {
	Size(e E) int // about what the record occupies in memory
	Append(dst []byte, e E) ([]byte, error)
	Decode(src []byte) (E, error)
}

// Options bounds a log. The zero value keeps 4 MiB in memory and 1 GiB on
// disk, in a file of its own under [os.TempDir].
type Options struct {
	Memory int    // bytes of records kept in memory
	Disk   int64  // bytes on disk, after which the log is full
	Dir    string // where the file is made, if Spool is nil
	Spool  *Spool // shared with other logs
}

const (
	// 4 MiB holds a second of what a fast printer produces in practice, so an
	// ordinary execution never touches the disk.
	defaultMemory = 4 << 20
	defaultDisk   = 1 << 30
	// batch is about how much one Next returns: big enough to amortise the
	// lock, small enough that a hundred readers together stay small.
	batch = 256 << 10
)

// block is a run of records in the file.
type block struct {
	first uint64 // number of its first record
	count int
	off   int64
	size  int
}

// Log is a bounded, replayable sequence of records. Append and Close are for
// one writer at a time; everything else may be called by anybody.
type Log[E any] struct {
	codec Codec[E]
	opts  Options

	mu        sync.Mutex
	tail      []E    // records in memory
	first     uint64 // number of tail[0]
	bytes     int    // size of tail
	blocks    []block
	joined    bool  // there are blocks in the spool
	disk      int64 // bytes of them
	closed    bool
	discarded bool
	unwanted  bool          // to be discarded with the last reader
	readers   int           // that have neither reached the end nor been closed
	late      *time.Timer   // wakes readers for a record that could wait
	wake      chan struct{} // closed and forgotten by the next change; nil while nobody waits
}

// New returns an empty log.
func New[E any](codec Codec[E], opts Options) *Log[E] {
	if opts.Memory <= 0 {
		opts.Memory = defaultMemory
	}
	if opts.Disk <= 0 {
		opts.Disk = defaultDisk
	}
	if opts.Spool == nil {
		opts.Spool = NewSpool(opts.Dir)
	}
	return &Log[E]{codec: codec, opts: opts, first: 1}
}

// Append adds the record that build makes for the next number.
func (l *Log[E]) Append(build func(seq uint64) E) (uint64, error) {
	return l.append(build, 0)
}

// AppendSoon is Append for a record that nobody has to see at once: readers that
// wait are woken by the next record, or after delay. What follows at once then
// reaches them together with it.
func (l *Log[E]) AppendSoon(delay time.Duration, build func(seq uint64) E) (uint64, error) {
	return l.append(build, delay)
}

func (l *Log[E]) append(build func(seq uint64) E, delay time.Duration) (uint64, error) {
	l.mu.Lock()
	if l.closed {
		defer l.mu.Unlock()
		if l.unwanted {
			return 0, ErrDiscarded
		}
		return 0, ErrClosed
	}
	seq := l.first + uint64(len(l.tail))
	e := build(seq)
	l.tail = append(l.tail, e)
	l.bytes += l.codec.Size(e)
	switch {
	case delay <= 0:
		l.signal()
	case l.late == nil && l.wake != nil: // else somebody wakes them sooner, or nobody waits
		l.late = time.AfterFunc(delay, l.wakeUp)
	}
	over := l.bytes > l.opts.Memory
	l.mu.Unlock()
	if over {
		if err := l.spill(l.opts.Memory / 2); err != nil {
			return seq, err
		}
	}
	return seq, nil
}

// Full reports whether the disk bound leaves no room for another spill.
func (l *Log[E]) Full() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.disk >= l.opts.Disk
}

// Len is the number of records so far, which is the number of the last one.
func (l *Log[E]) Len() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + uint64(len(l.tail)) - 1
}

// Size is how many bytes the log occupies, in memory and on disk.
func (l *Log[E]) Size() (memory int, disk int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes, l.disk
}

// Close says that there is nothing more to come. Readers read to the end.
func (l *Log[E]) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.signal()
}

// Settle moves all but about keep bytes to disk, for a log that is finished
// and rarely read again. It is the writer's, like Append. A failure leaves the
// records where they are.
func (l *Log[E]) Settle(keep int) {
	if memory, _ := l.Size(); memory > keep {
		_ = l.spill(keep)
	}
}

// Discard frees memory and file, as soon as the readers that there are have
// read to the end or were closed. A reader made afterwards gets [ErrDiscarded].
func (l *Log[E]) Discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed, l.unwanted = true, true
	l.signal()
	l.discardLocked()
}

// discardLocked is called with mu held.
func (l *Log[E]) discardLocked() {
	if !l.unwanted || l.readers > 0 || l.discarded {
		return
	}
	l.discarded = true
	if l.joined {
		l.opts.Spool.leave(l.blocks)
	}
	l.tail, l.blocks, l.bytes, l.joined = nil, nil, 0, false
}

// wakeUp is for what was appended with a delay.
func (l *Log[E]) wakeUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.signal()
}

// signal is called with mu held.
func (l *Log[E]) signal() {
	if l.late != nil {
		l.late.Stop()
		l.late = nil
	}
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}

// spill moves the oldest records to disk until at most keep bytes stay in
// memory. Only the writer calls it, so what it copies cannot move meanwhile;
// readers go on reading the records from memory until the file has them.
func (l *Log[E]) spill(keep int) error {
	l.mu.Lock()
	n, rest := 0, l.bytes
	for n < len(l.tail)-1 && rest > keep {
		rest -= l.codec.Size(l.tail[n])
		n++
	}
	moving, b, used := l.tail[:n:n], block{first: l.first, count: n}, l.disk
	join := n > 0 && !l.joined && !l.discarded
	l.mu.Unlock()
	if n == 0 {
		return nil
	}
	if used >= l.opts.Disk {
		return fmt.Errorf("%w: %d bytes are kept on disk and more in memory", ErrFull, used)
	}
	buf, err := l.encode(moving)
	if err != nil {
		return err
	}
	if join {
		if err := l.join(); err != nil {
			return err
		}
	}
	if b.off, err = l.opts.Spool.write(buf); err != nil {
		return err
	}
	b.size = len(buf)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.discarded { // its room goes with the file
		return ErrDiscarded
	}
	l.disk += int64(b.size)
	l.blocks = append(l.blocks, b)
	l.tail = append([]E(nil), l.tail[n:]...)
	l.first += uint64(n)
	l.bytes = rest
	return nil
}

// join makes the log one of the spool's.
func (l *Log[E]) join() error {
	if err := l.opts.Spool.join(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.discarded {
		l.opts.Spool.leave(nil)
		return ErrDiscarded
	}
	l.joined = true
	return nil
}

// encode writes records as length-prefixed bytes.
func (l *Log[E]) encode(es []E) ([]byte, error) {
	var buf []byte
	for _, e := range es {
		at := len(buf)
		buf = append(buf, 0, 0, 0, 0)
		var err error
		if buf, err = l.codec.Append(buf, e); err != nil {
			return nil, fmt.Errorf("encode event: %w", err)
		}
		binary.BigEndian.PutUint32(buf[at:], uint32(len(buf)-at-4))
	}
	return buf, nil
}

// Reader reads a log from one number on. It is for one goroutine. As long as it
// has neither reached the end nor been closed, the log is kept for it.
type Reader[E any] struct {
	log   *Log[E]
	next  uint64
	holds bool // counted in log.readers; log.mu guards it
	ended bool // has read to the end
	// ahead holds what was decoded of a block beyond the last batch.
	ahead []E
}

// Reader returns a reader whose first record is the one numbered from (0 and 1
// both mean the beginning).
func (l *Log[E]) Reader(from uint64) *Reader[E] {
	l.mu.Lock()
	defer l.mu.Unlock()
	holds := !l.unwanted
	if holds {
		l.readers++
	}
	return &Reader[E]{log: l, next: max(from, 1), holds: holds}
}

// Close says that nothing more will be read. It may be called by anybody, and
// more than once.
func (r *Reader[E]) Close() {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.releaseLocked()
}

// releaseLocked is called with log.mu held.
func (r *Reader[E]) releaseLocked() {
	if !r.holds {
		return
	}
	r.holds = false
	r.log.readers--
	r.log.discardLocked()
}

// Next returns the records that are there, at least one, waiting for it if it
// must. It returns io.EOF when the log is closed and everything was read. The
// slice is valid until the next call.
func (r *Reader[E]) Next(ctx context.Context) ([]E, error) {
	for {
		es, wake, err := r.poll()
		if err != nil || len(es) > 0 {
			return es, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// Rest returns all that is left, if nothing more will come and it is in memory and
// takes at most limit bytes there. It never waits, and returns nothing otherwise.
func (r *Reader[E]) Rest(limit int) []E {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	end := l.first + uint64(len(l.tail))
	if !l.closed || l.discarded || r.ended || len(r.ahead) > 0 || r.next < l.first || r.next >= end {
		return nil
	}
	es := l.tail[r.next-l.first : len(l.tail) : len(l.tail)]
	for _, e := range es {
		if limit -= l.codec.Size(e); limit < 0 {
			return nil
		}
	}
	r.next, r.ended = end, true
	r.releaseLocked()
	return es
}

// poll returns what is there, or the channel that the next change closes.
func (r *Reader[E]) poll() ([]E, <-chan struct{}, error) {
	if len(r.ahead) > 0 {
		return r.take(), nil, nil
	}
	if r.ended {
		return nil, nil, io.EOF
	}
	l := r.log
	l.mu.Lock()
	switch end := l.first + uint64(len(l.tail)); {
	case l.discarded:
		l.mu.Unlock()
		return nil, nil, ErrDiscarded
	case r.next < l.first:
		b := l.find(r.next)
		l.mu.Unlock()
		if err := r.load(b); err != nil {
			return nil, nil, err
		}
		return r.take(), nil, nil
	case r.next < end:
		from := int(r.next - l.first)
		to, size := from, 0
		for to < len(l.tail) && size < batch {
			size += l.codec.Size(l.tail[to])
			to++
		}
		es := l.tail[from:to:to]
		r.next += uint64(len(es))
		l.mu.Unlock()
		return es, nil, nil
	case l.closed:
		r.ended = true
		r.releaseLocked()
		l.mu.Unlock()
		return nil, nil, io.EOF
	default:
		if l.wake == nil {
			l.wake = make(chan struct{})
		}
		wake := l.wake
		l.mu.Unlock()
		return nil, wake, nil
	}
}

// take gives out a batch of what was loaded.
func (r *Reader[E]) take() []E {
	n, size := 0, 0
	for n < len(r.ahead) && size < batch {
		size += r.log.codec.Size(r.ahead[n])
		n++
	}
	es := r.ahead[:n:n]
	r.ahead = r.ahead[n:]
	r.next += uint64(n)
	return es
}

// find returns the block that holds seq. It is called with mu held.
func (l *Log[E]) find(seq uint64) block {
	lo, hi := 0, len(l.blocks)
	for lo+1 < hi {
		mid := (lo + hi) / 2
		if l.blocks[mid].first <= seq {
			lo = mid
		} else {
			hi = mid
		}
	}
	return l.blocks[lo]
}

// load decodes a block from r.next on.
func (r *Reader[E]) load(b block) error {
	buf := make([]byte, b.size)
	if err := r.log.opts.Spool.read(buf, b.off); err != nil {
		return err
	}
	seq := b.first
	for len(buf) >= 4 {
		n := int(binary.BigEndian.Uint32(buf))
		if seq >= r.next {
			e, err := r.log.codec.Decode(buf[4 : 4+n])
			if err != nil {
				return fmt.Errorf("decode spilled event %d: %w", seq, err)
			}
			r.ahead = append(r.ahead, e)
		}
		buf = buf[4+n:]
		seq++
	}
	return nil
}
