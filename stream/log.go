// Package stream is the event log: records numbered from 1 without gaps, which
// one writer appends and any number of readers follow at their own pace. It
// doesn't know what the records mean.
//
// Every record is handed to a [Tape] before a reader can have it, so whatever
// somebody has seen outlives the server. The newest records stay in memory too; a
// reader that is further behind reads the tape. A slow reader therefore delays
// nobody and loses nothing. At the bound of a log [Log.Append] says [ErrFull].
//
// [Journal] is the store of tapes on the server's own disk.
//
// Goroutines: none but the one of a [Journal].
package stream

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Codec turns records into bytes and back, for the tape.
type Codec[E any] interface {
	Size(e E) int // about what the record occupies in memory
	Append(dst []byte, e E) ([]byte, error)
	Decode(src []byte) (E, error)
}

// Options bounds a log. The zero value keeps 4 MiB in memory and takes 1 GiB.
type Options struct {
	Memory int       // bytes of records kept in memory
	Disk   int64     // bytes on the tape, after which the log is full
	Soon   *Laggards // shared by logs of which many append soon; nil: its own
}

const (
	// 4 MiB holds a second of what a fast printer produces in practice, so an
	// ordinary reader never touches the disk.
	defaultMemory = 4 << 20
	defaultDisk   = 1 << 30
	// batch is about how much one Next returns: big enough to amortise the
	// lock, small enough that a hundred readers together stay small.
	batch = 256 << 10
	// keepBuffer is the largest buffer that is used for the next record.
	keepBuffer = 64 << 10
)

// errEncode is what the codec has refused, and will refuse again.
var errEncode = errors.New("encode event")

// Log is a bounded, replayable sequence of records. Append, Finish and Close are for
// one writer at a time; everything else may be called by anybody.
type Log[E any] struct {
	codec Codec[E]
	opts  Options
	tape  Tape

	writing sync.Mutex // the writer's, or the timer's for what the writer has left to it
	held    []E        // records that are to be written together with the next
	encoded [][]byte   // they, for the tape
	buf     []byte     // in which those are
	disk    int64      // bytes on the tape
	fault   error      // why the tape has taken no record since kept
	kept    uint64     // number of the last record on the tape; changed with mu too
	ended   bool       // it was said that it has
	unend   bool       // but the tape has not taken that
	sum     []byte     // what was said then
	late    bool       // writeHeld will be called

	mu       sync.Mutex // taken after writing
	tail     []E        // records in memory, all of which readers may have
	first    uint64     // number of tail[0]
	bytes    int        // size of tail
	stored   int64      // bytes on the tape
	closed   bool
	unwanted bool          // given up
	owing    bool          // the tape has not all of it, and the log has ended
	least    int           // what Settle was told to keep in memory, and couldn't yet
	readers  int           // that have neither reached the end nor been closed
	wake     chan struct{} // closed and forgotten by the next change; nil while nobody waits
}

// New returns the log of a new tape.
func New[E any](codec Codec[E], tape Tape, opts Options) *Log[E] {
	if opts.Memory <= 0 {
		opts.Memory = defaultMemory
	}
	if opts.Disk <= 0 {
		opts.Disk = defaultDisk
	}
	return &Log[E]{codec: codec, opts: opts, tape: tape, first: 1}
}

// Reopen returns a log that a store has kept. One that had come to its end is
// closed; another goes on behind its last record.
func Reopen[E any](codec Codec[E], s Stored, opts Options) *Log[E] {
	if live, ok := s.live.(*Log[E]); ok { // the tape hasn't all of it yet
		return live
	}
	l := New(codec, s.Tape, opts)
	l.first, l.kept, l.disk, l.stored = s.Records+1, s.Records, s.Bytes, s.Bytes
	l.closed = !s.Ended.IsZero()
	l.ended = l.closed
	return l
}

// Append adds the record that build makes for the next number. A record that the
// tape refuses, or that is beyond the bound, is there for readers even so; the error
// says that the next should not come. With [ErrTooLarge] it was not added, and others
// may follow.
func (l *Log[E]) Append(build func(seq uint64) E) (uint64, error) {
	return l.append(build, 0, false, nil)
}

// AppendSoon is Append for a record that nobody has to see at once: it is written,
// and readers have it, together with the next record, or after delay. What the tape
// says of it is then said of the next.
func (l *Log[E]) AppendSoon(delay time.Duration, build func(seq uint64) E) (uint64, error) {
	return l.append(build, delay, false, nil)
}

// Last is Append for the few words that end a log, for which there is room on a
// disk that is full for others.
func (l *Log[E]) Last(build func(seq uint64) E) (uint64, error) {
	return l.append(build, 0, true, nil)
}

// Finish adds the last record and closes the log. Told, unless nil, is called when
// the record is on the tape and nobody has seen it yet.
func (l *Log[E]) Finish(build func(seq uint64) E, summary []byte, told func()) {
	l.conclude(build, &finish{summary: summary, told: told})
	l.Close()
}

// Conclude is Last and End in one: both are on the tape, or neither is. More may follow.
func (l *Log[E]) Conclude(build func(seq uint64) E, summary []byte) {
	l.conclude(build, &finish{summary: summary})
}

func (l *Log[E]) conclude(build func(seq uint64) E, f *finish) {
	if _, err := l.append(build, 0, true, f); errors.Is(err, ErrTooLarge) {
		l.End(f.summary)
		f.tell()
	}
}

// finish is what Finish does beside appending a record.
type finish struct {
	summary []byte
	told    func()
}

func (f *finish) tell() {
	if f != nil && f.told != nil {
		f.told()
	}
}

func (l *Log[E]) append(build func(seq uint64) E, delay time.Duration, last bool, f *finish) (uint64, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.mu.Lock()
	seq, err := l.first+uint64(len(l.tail)+len(l.held)), l.over()
	l.mu.Unlock()
	if err != nil {
		return 0, err
	}
	e := build(seq)
	if err := l.encode(e); err != nil {
		return 0, err
	}
	l.held = append(l.held, e)
	if delay > 0 && l.fault == nil && len(l.buf) < keepBuffer {
		if !l.late {
			l.late = true
			if l.opts.Soon == nil {
				l.opts.Soon = NewLaggards()
			}
			l.opts.Soon.add(delay, l.writeHeld)
		}
		return seq, nil
	}
	err = l.flush(last, f)
	if l.ended {
		l.owe(false)
	}
	return seq, err
}

// writeHeld writes what was held for so long that it has to be seen.
func (l *Log[E]) writeHeld() {
	l.writing.Lock()
	defer l.writing.Unlock()
	l.late = false
	if len(l.held) > 0 {
		_ = l.flush(false, nil) // the next record is told, since fault stays
	}
}

// over says why nothing can be added. It is called with mu held.
func (l *Log[E]) over() error {
	switch {
	case l.unwanted:
		return ErrDiscarded
	case l.closed:
		return ErrClosed
	}
	return nil
}

// encode prepares a record for the tape, or refuses one that no tape takes, which must
// not stay in memory to be tried again and again. It is called with writing held.
func (l *Log[E]) encode(e E) error {
	at := len(l.buf)
	buf := l.added(e)
	if size := len(buf) - at; size > maxPayload {
		return tooLarge(size)
	}
	if l.fault == nil { // else catchUp encodes it once more
		l.encoded = append(l.encoded, buf[at:len(buf):len(buf)])
		at = len(buf)
	}
	l.buf = buf[:at]
	return nil
}

// added is buf with a record more, or a fault without.
func (l *Log[E]) added(e E) []byte {
	buf, err := l.codec.Append(l.buf, e)
	if err == nil {
		return buf
	}
	l.fault = cmp.Or(l.fault, fmt.Errorf("%w: %w", errEncode, err))
	return l.buf
}

// flush writes what is held and shows it to the readers. It is called with writing
// held.
func (l *Log[E]) flush(last bool, f *finish) error {
	err := l.keep(last, f)
	f.tell()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.unwanted {
		l.tail = append(l.tail, l.held...)
		for _, e := range l.held {
			l.bytes += l.codec.Size(e)
		}
	}
	clear(l.held)
	l.held, l.encoded, l.buf = l.held[:0], l.encoded[:0], l.buf[:0]
	if cap(l.buf) > keepBuffer {
		l.buf = nil
	}
	l.stored = l.disk
	if l.bytes > l.opts.Memory {
		l.trim(l.opts.Memory / 2)
	}
	l.signal()
	return err
}

// keep puts what is held on the tape. When that has failed once, later records wait
// for catchUp, so that there is no gap. It is called with writing held.
func (l *Log[E]) keep(last bool, f *finish) error {
	if f != nil {
		l.ended, l.sum, l.unend = true, f.summary, true
	}
	if l.fault != nil && (!last || l.catchUp() != nil || !l.encodeHeld()) {
		return l.fault
	}
	var err error
	if f != nil {
		err = l.tape.Conclude(l.kept+1, l.encoded, f.summary)
		l.unend = err != nil // owe has it repaid
	} else {
		err = l.tape.Write(l.kept+1, l.encoded, last)
	}
	if err != nil {
		l.fault = err
		return err
	}
	l.mu.Lock()
	l.kept += uint64(len(l.encoded))
	l.mu.Unlock()
	for _, record := range l.encoded {
		l.disk += int64(len(record))
	}
	if l.disk > l.opts.Disk {
		return fmt.Errorf("%w: %d bytes are kept", ErrFull, l.disk)
	}
	return nil
}

// encodeHeld is encode for records that came while the tape took none.
func (l *Log[E]) encodeHeld() bool {
	l.buf, l.encoded = l.buf[:0], l.encoded[:0]
	for _, e := range l.held {
		if l.encode(e) != nil { // which it wasn't before
			return false
		}
	}
	return l.fault == nil
}

// catchUp tries once more to put on the tape what it has refused of the records that
// readers have, and says why not everything is there. It is called with writing held.
func (l *Log[E]) catchUp() error {
	for l.fault != nil {
		l.mu.Lock()
		if l.unwanted || l.kept+1 < l.first { // Discard may have come, which doesn't wait for the writer
			l.mu.Unlock()
			return ErrDiscarded
		}
		at := int(l.kept + 1 - l.first)
		if at >= len(l.tail) {
			l.mu.Unlock()
			l.fault = nil
			return nil
		}
		e := l.tail[at]
		l.mu.Unlock()
		buf, err := l.codec.Append(nil, e)
		if err != nil {
			return fmt.Errorf("%w: %w", errEncode, err)
		}
		if err := l.tape.Write(l.kept+1, [][]byte{buf}, true); err != nil {
			return err
		}
		l.mu.Lock()
		l.kept++
		l.mu.Unlock()
	}
	return nil
}

// End says that what matters of the log is there, with a summary for [Store.Find].
// The log may be evicted from then on. Like Append it is the writer's.
func (l *Log[E]) End(summary []byte) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if len(l.held) > 0 {
		_ = l.flush(true, nil)
	}
	l.end(summary)
	l.owe(false)
}

// end is called with writing held.
func (l *Log[E]) end(summary []byte) {
	l.ended, l.sum = true, summary
	l.unend = l.catchUp() != nil || l.tape.End(summary) != nil
}

// repay puts on the tape what that has refused of a log that has ended, and says why not
// everything is there, unless nobody wants it any more.
func (l *Log[E]) repay() error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.Gone() {
		return nil
	}
	err := l.catchUp()
	if err == nil {
		err = l.tape.End(l.sum)
	}
	switch {
	case errors.Is(err, ErrDiscarded):
		return nil
	case err != nil:
		return err
	}
	l.unend = false
	l.mu.Lock()
	defer l.mu.Unlock()
	l.owing = false
	if l.least > 0 && l.bytes > l.least {
		l.trim(l.least)
	}
	return nil
}

// Len is the number of records so far, which is the number of the last one.
func (l *Log[E]) Len() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.first + uint64(len(l.tail)) - 1
}

// InMemory is how many bytes of records are kept in memory.
func (l *Log[E]) InMemory() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// Stored is how many bytes of records are on the tape.
func (l *Log[E]) Stored() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stored
}

// Close says that there is nothing more to come. Readers read to the end.
func (l *Log[E]) Close() {
	l.writing.Lock()
	defer l.writing.Unlock()
	if len(l.held) > 0 {
		_ = l.flush(true, nil)
	}
	if !l.ended {
		l.end(nil)
	}
	l.owe(true)
}

// owe has the tape repaid what it has refused of a log that has ended, and closes that if
// nothing more will come. It is called with writing held.
func (l *Log[E]) owe(closes bool) {
	l.mu.Lock()
	owes := (l.unend || l.fault != nil) && !l.owing && !l.unwanted
	l.owing = l.owing || owes
	if closes {
		l.closed = true
		l.signal()
	}
	l.mu.Unlock()
	if owes {
		l.tape.Later(l, l.sum, l.repay)
	}
}

// Settle forgets all but about keep bytes in memory, for a log that is finished and
// rarely read again.
func (l *Log[E]) Settle(keep int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.least = keep
	if l.bytes > keep {
		l.trim(keep)
	}
}

// trim forgets the oldest records until at most keep bytes stay in memory, but none
// that the tape hasn't. It is the writer's, and called with mu held.
func (l *Log[E]) trim(keep int) {
	n := 0
	for n < len(l.tail) && l.bytes > keep && l.first+uint64(n) <= l.kept {
		l.bytes -= l.codec.Size(l.tail[n])
		n++
	}
	if n > 0 {
		l.tail = append([]E(nil), l.tail[n:]...) // readers hold parts of the old one
		l.first += uint64(n)
	}
}

// Discard gives the log up, and its tape as soon as the readers that there are have
// read to the end or were closed. A reader made afterwards gets [ErrDiscarded].
func (l *Log[E]) Discard() {
	l.mu.Lock()
	if l.unwanted {
		l.mu.Unlock()
		return
	}
	l.closed, l.unwanted = true, true
	l.signal()
	l.dropTail()
	l.mu.Unlock()
	l.tape.Drop()
}

// dropTail is called with mu held.
func (l *Log[E]) dropTail() {
	if l.unwanted && l.readers == 0 {
		l.first += uint64(len(l.tail))
		l.tail, l.bytes = nil, 0
	}
}

// Gone reports whether the log was given up, or evicted.
func (l *Log[E]) Gone() bool {
	p, err := l.tape.Open()
	if err != nil {
		return errors.Is(err, ErrDiscarded)
	}
	p.Close()
	return false
}

// signal is called with mu held.
func (l *Log[E]) signal() {
	if l.wake != nil {
		close(l.wake)
		l.wake = nil
	}
}
