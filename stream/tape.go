package stream

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Write implements [Tape].
func (e *entry) Write(first uint64, records [][]byte, last bool) error {
	return e.put(recordFrames(first, records), last)
}

// Conclude implements [Tape].
func (e *entry) Conclude(first uint64, records [][]byte, summary []byte) error {
	how := ending{at: e.j.opts.Now(), summary: summary}
	if err := e.put(append(recordFrames(first, records), how.frame()), true); err != nil {
		return err
	}
	e.conclude(how)
	return nil
}

func recordFrames(first uint64, records [][]byte) []frame {
	out := make([]frame, len(records), len(records)+1)
	for i, r := range records {
		out[i] = frame{kind: frameRecord, seq: first + uint64(i), payload: r}
	}
	return out
}

// End implements [Tape].
func (e *entry) End(summary []byte) error {
	how := ending{at: e.j.opts.Now(), summary: summary}
	err := e.put([]frame{how.frame()}, true)
	e.conclude(how) // also if the disk refuses: it must not stay for ever
	return err
}

// conclude is for a log that has ended on the disk.
func (e *entry) conclude(how ending) {
	e.j.mu.Lock()
	if !e.gone {
		e.end(how)
	}
	if !e.j.over() { // what is too old is expire's
		e.j.mu.Unlock()
		return
	}
	dead := e.j.excess()
	e.j.mu.Unlock()
	e.j.settle(dead)
}

// end is called with Journal.mu held.
func (e *entry) end(how ending) {
	if e.ended.IsZero() {
		e.j.ended++
		e.g.ended = append(e.g.ended, e)
		if len(e.g.ended) == 1 {
			e.j.nudge()
		}
	}
	e.ended, e.counted, e.summary = how.at, how.at, how.summary
}

// put writes frames of this log, all or none.
func (e *entry) put(fs []frame, last bool) error {
	for i := range fs {
		fs[i].log = e.number
		if len(fs[i].payload) > maxPayload {
			return tooLarge(len(fs[i].payload))
		}
	}
	return e.g.write(fs, last, func(s *segment, off int64) error {
		if e.gone {
			return ErrDiscarded
		}
		for _, f := range fs {
			e.note(s, off, f.span(), f.kind == frameRecord)
			off += f.span()
		}
		return nil
	})
}

func tooLarge(size int) error {
	return fmt.Errorf("%w: it has %d bytes, of at most %d", ErrTooLarge, size, maxPayload)
}

// note says where a frame stands. It is called with Journal.mu held.
func (e *entry) note(s *segment, off, size int64, record bool) {
	n := len(e.regions)
	switch {
	case n > 0 && e.regions[n-1].s == s && off+size-e.regions[n-1].off <= regionSize:
		e.regions[n-1].size = off + size - e.regions[n-1].off
	default:
		if n == 0 || e.regions[n-1].s != s {
			s.refs++
		}
		e.regions = append(e.regions, region{s: s, first: e.records + 1, off: off, size: size})
	}
	if record {
		e.records++
		e.bytes += size
	}
}

// Drop implements [Tape].
func (e *entry) Drop() {
	e.j.mu.Lock()
	gone := e.gone
	e.j.mu.Unlock()
	if gone {
		return
	}
	var dead []*segment
	// It is gone with its frame, before another file can begin, which has to say so too.
	err := e.g.write([]frame{{kind: frameDrop, log: e.number}}, true, func(*segment, int64) error {
		dead = e.j.remove(e)
		return nil
	})
	if err != nil { // it is back after a restart
		e.j.mu.Lock()
		dead = e.j.remove(e)
		e.j.mu.Unlock()
	}
	e.j.clear(dead)
}

// Open implements [Tape].
func (e *entry) Open() (Pages, error) {
	e.j.mu.Lock()
	defer e.j.mu.Unlock()
	if e.gone {
		return nil, ErrDiscarded
	}
	e.readers++
	return &pages{e: e}, nil
}

// pages reads an entry.
type pages struct {
	e      *entry
	closed bool
}

// Close implements [Pages].
func (p *pages) Close() {
	p.e.j.mu.Lock()
	var dead []*segment
	if !p.closed {
		p.closed = true
		if p.e.readers--; p.e.readers == 0 && p.e.gone {
			dead = p.e.free()
		}
	}
	p.e.j.mu.Unlock()
	p.e.j.clear(dead)
}

// Read implements [Pages].
func (p *pages) Read(from uint64) ([][]byte, error) {
	r, err := p.find(from)
	if err != nil {
		return nil, err
	}
	buf, err := r.s.read(r.off, r.size)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	next := from
	frames(buf, r.s.key, func(_ int64, f frame) {
		if f.log == p.e.number && f.kind == frameRecord && f.seq == next {
			out = append(out, f.payload)
			next++
		}
	})
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: record %d of %s", ErrDamaged, from, p.e.meta.ID)
	}
	return out, nil
}

// find returns the region with a record.
func (p *pages) find(seq uint64) (region, error) {
	p.e.j.mu.Lock()
	defer p.e.j.mu.Unlock()
	if seq == 0 || seq > p.e.records {
		return region{}, io.EOF
	}
	rs := p.e.regions
	lo, hi := 0, len(rs)
	for lo+1 < hi {
		if mid := (lo + hi) / 2; rs[mid].first <= seq {
			lo = mid
		} else {
			hi = mid
		}
	}
	return rs[lo], nil
}

// read returns a part of the segment, or what there is of it: the last frame that a
// killed server wrote may lack the zeros behind it.
func (s *segment) read(off, size int64) ([]byte, error) {
	f := s.named // the files without names stay open
	if f == nil {
		var err error
		if f, err = os.Open(s.path); err != nil {
			return nil, fmt.Errorf("read kept events: %w", err)
		}
		defer f.Close()
	}
	buf := make([]byte, size)
	n, err := f.ReadAt(buf, off)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read kept events: %w", err)
	}
	return buf[:n], nil
}
