package stream

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"hotcell/internal/pack"
)

const (
	// largestSegment is small enough that little is kept for the sake of its
	// neighbours, and large enough that files are few.
	largestSegment = 16 << 20
	// parts is how many files the journal has at least, when it is full.
	parts = 32
	// ahead is how much room is taken at once where the disk lets it be taken
	// before it is needed, and spare how much of that is left for last words: those
	// of a hundred executions that a full disk ends.
	ahead = 1 << 20
	spare = 64 << 10
)

// group is the logs of one owner, and their files.
type group struct {
	j  *Journal
	id string

	writing sync.Mutex // held while a frame is written, so that a file has no gaps
	active  *segment   // the file that is written to; guarded by writing
	file    *os.File   // likewise
	room    int64      // what was taken of the disk for it
	plain   bool       // the disk doesn't let room be taken
	buf     []byte
	closed  bool

	// Guarded by Journal.mu.
	segments []*segment // oldest first
	ended    []*entry   // in the order of their ends; those that are gone too
	newest   uint64     // number of the newest segment
	bytes    int64
	notices  []json.RawMessage // of evicted logs, to be written
	evicted  []name            // the newest of them
	gone     []grave           // what else a new file has to begin with
}

// segment is one file.
type segment struct {
	g      *group
	number uint64
	path   string   // empty: it has no name
	named  *os.File // it, then
	key    uint64
	head   int64 // what it begins with, beside any log's frames; of one that is written to

	// Guarded by Journal.mu; size changes only with the group's writing held too.
	size   int64
	refs   int // logs that are kept and have something in it
	active bool
	// lasting is that it says of logs in older files that they are gone.
	lasting bool
}

// grave is a log that is gone, and the file in which it begins.
type grave struct {
	number uint64
	in     *segment
}

func (g *group) dir() string { return filepath.Join(g.j.dir, url.PathEscape(g.id)) }

// write appends frames, and tells noted where they begin before the next one may be
// written; noted is called with Journal.mu held. A write that fails leaves the file as
// it was.
func (g *group) write(fs []frame, last bool, noted func(s *segment, off int64) error) error {
	var size int64
	for _, f := range fs {
		size += f.span()
	}
	g.writing.Lock()
	defer g.writing.Unlock()
	if err := g.prepare(size, last); err != nil {
		return err
	}
	off := g.active.size // which only grows with writing held
	g.buf = g.buf[:0]
	for _, f := range fs {
		g.buf = appendFrame(g.buf, g.active.key, f)
	}
	if _, err := g.file.WriteAt(g.buf, off); err != nil {
		return writeFault(err)
	}
	if cap(g.buf) > regionSize {
		g.buf = nil
	}
	g.j.mu.Lock()
	defer g.j.mu.Unlock()
	g.active.size += size
	g.bytes += size
	g.j.bytes += size
	g.j.taken()
	for _, f := range fs {
		g.active.lasting = g.active.lasting || f.kind.lasting()
	}
	return noted(g.active, off)
}

// prepare sees to it that there is a file with room. It is called with writing held.
func (g *group) prepare(size int64, last bool) error {
	if g.closed {
		return ErrClosed
	}
	if g.active != nil && g.active.size > g.active.head && g.active.size-g.active.head+size > g.j.segment {
		g.seal()
	}
	if g.active == nil {
		if err := g.begin(); err != nil {
			return err
		}
	}
	end := g.active.size + size
	if g.plain || end+spare <= g.room || (last && end <= g.room) {
		return nil
	}
	err := allocate(g.file, g.room, max(ahead, end+spare-g.room))
	switch {
	case err == nil:
		g.room += max(ahead, end+spare-g.room)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return writeFault(err)
	default: // it can't be done here
		g.plain = true
	}
	return nil
}

// begin makes a new file. It is called with writing held.
func (g *group) begin() error {
	var raw [8]byte
	_, _ = rand.Read(raw[:]) // never fails, it ends the program instead
	s := &segment{g: g, key: binary.LittleEndian.Uint64(raw[:]), active: true}
	f, err := g.make(s)
	if err != nil {
		return writeFault(err)
	}
	head := newHead(s.key)
	for _, f := range g.heritage() {
		head = appendFrame(head, s.key, f)
		s.lasting = true
	}
	s.head, s.size = int64(len(head)), int64(len(head))
	if _, err := f.WriteAt(head, 0); err != nil {
		_ = f.Close()
		if s.path != "" {
			_ = os.Remove(s.path)
		}
		return writeFault(err)
	}
	if s.path == "" {
		s.named = f
	}
	g.active, g.file, g.room = s, f, 0
	g.j.mu.Lock()
	defer g.j.mu.Unlock()
	g.segments = append(g.segments, s)
	g.bytes += s.size
	g.j.bytes += s.size
	return nil
}

// heritage is what older files say of logs that are gone. Every file begins with it, so
// that an older one in which nothing else is left can go.
func (g *group) heritage() (fs []frame) {
	g.j.mu.Lock()
	defer g.j.mu.Unlock()
	if len(g.evicted) > 0 {
		fs = append(fs, frame{kind: frameEvicted, payload: encodeNames(g.evicted)})
	}
	if len(g.gone) > 0 {
		numbers := make([]byte, 0, 4*len(g.gone))
		for _, log := range g.gone {
			numbers = pack.Number(numbers, log.number)
		}
		fs = append(fs, frame{kind: frameGone, payload: numbers})
	}
	return fs
}

func (g *group) make(s *segment) (*os.File, error) {
	if g.j.dir == "" {
		return unlinked(g.j.scratch)
	}
	g.j.mu.Lock()
	g.newest++
	s.number = g.newest
	g.j.mu.Unlock()
	if err := os.MkdirAll(g.dir(), 0o700); err != nil {
		return nil, err
	}
	s.path = filepath.Join(g.dir(), fmt.Sprintf("%016x%s", s.number, segmentName))
	return os.OpenFile(s.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

// seal ends the file that is written to. It is called with writing held.
func (g *group) seal() {
	if g.active == nil {
		return
	}
	s, f := g.active, g.file
	g.active, g.file, g.room = nil, nil, 0
	if s.named == nil {
		g.j.mu.Lock()
		size := s.size
		g.j.mu.Unlock()
		_ = f.Truncate(size) // gives back what was taken ahead
		_ = f.Close()
	}
	g.j.mu.Lock()
	s.active = false
	dead := g.j.unused(g)
	g.j.mu.Unlock()
	g.j.clear(dead)
}

// Rest closes a group's file until something is written again.
func (j *Journal) Rest(id string) {
	j.mu.Lock()
	g := j.groups[id]
	j.mu.Unlock()
	if g != nil {
		g.writing.Lock()
		g.seal()
		g.writing.Unlock()
	}
}

func (g *group) close() {
	g.writing.Lock()
	defer g.writing.Unlock()
	g.closed = true
	g.seal()
	if g.j.dir != "" {
		return
	}
	g.j.mu.Lock()
	segments := g.segments
	g.segments = nil
	g.j.mu.Unlock()
	for _, s := range segments {
		_ = s.named.Close()
	}
}

// writeFault says what a client should know of a write that failed.
func writeFault(err error) error {
	for _, full := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if errors.Is(err, full) {
			return fmt.Errorf("%w: %w", ErrNoSpace, full)
		}
	}
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return fmt.Errorf("keep events: %w", err) // which is not the disk's fault
	}
	return fmt.Errorf("%w: %w", ErrDisk, err)
}
