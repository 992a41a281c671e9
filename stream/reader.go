package stream

import (
	"context"
	"fmt"
	"io"
)

// Reader reads a log from one number on. It is for one goroutine. As long as it
// has neither reached the end nor been closed, the log is kept for it.
type Reader[E any] struct {
	log   *Log[E]
	next  uint64
	pages Pages // nil once it was let go; log.mu guards it
	gone  error // why there is nothing to read
	ended bool  // has read to the end
	// ahead holds what was decoded of the tape beyond the last batch.
	ahead []E
}

// Reader returns a reader whose first record is the one numbered from (0 and 1
// both mean the beginning).
func (l *Log[E]) Reader(from uint64) *Reader[E] {
	pages, err := l.tape.Open()
	r := &Reader[E]{log: l, next: max(from, 1), pages: pages, gone: err}
	if err == nil {
		l.mu.Lock()
		l.readers++
		l.mu.Unlock()
	}
	return r
}

// Close says that nothing more will be read. It may be called by anybody, and
// more than once.
func (r *Reader[E]) Close() {
	r.log.mu.Lock()
	pages := r.releaseLocked()
	r.log.mu.Unlock()
	closePages(pages)
}

// releaseLocked is called with log.mu held. What it returns has to be closed.
func (r *Reader[E]) releaseLocked() Pages {
	pages := r.pages
	if pages != nil {
		r.pages = nil
		r.log.readers--
		r.log.dropTail()
	}
	return pages
}

func closePages(p Pages) {
	if p != nil {
		p.Close()
	}
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

// Ready is Next for what is there already: it never waits, and returns nothing if nothing is.
func (r *Reader[E]) Ready() ([]E, error) {
	es, _, err := r.poll()
	return es, err
}

// Rest returns all that is left, if nothing more will come and it is in memory and
// takes at most limit bytes there. It never waits, and returns nothing otherwise.
func (r *Reader[E]) Rest(limit int) []E {
	es, pages := r.rest(limit)
	closePages(pages)
	return es
}

func (r *Reader[E]) rest(limit int) ([]E, Pages) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	end := l.first + uint64(len(l.tail))
	if !l.closed || r.gone != nil || r.pages == nil || r.ended || len(r.ahead) > 0 || r.next < l.first || r.next >= end {
		return nil, nil
	}
	es := l.tail[r.next-l.first : len(l.tail) : len(l.tail)]
	for _, e := range es {
		if limit -= l.codec.Size(e); limit < 0 {
			return nil, nil
		}
	}
	r.next, r.ended = end, true
	return es, r.releaseLocked()
}

// poll returns what is there, or the channel that the next change closes.
func (r *Reader[E]) poll() ([]E, <-chan struct{}, error) {
	switch {
	case len(r.ahead) > 0:
		return r.take(), nil, nil
	case r.ended:
		return nil, nil, io.EOF
	case r.gone != nil:
		return nil, nil, r.gone
	}
	l := r.log
	l.mu.Lock()
	pages, end := r.pages, l.first+uint64(len(l.tail))
	switch {
	case pages == nil: // closed
		l.mu.Unlock()
		return nil, nil, ErrDiscarded
	case r.next < l.first:
		l.mu.Unlock()
		if err := r.load(pages); err != nil {
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
		pages = r.releaseLocked()
		l.mu.Unlock()
		closePages(pages)
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

// load decodes what the tape has from r.next on.
func (r *Reader[E]) load(pages Pages) error {
	records, err := pages.Read(r.next)
	if err != nil {
		return err
	}
	for i, raw := range records {
		e, err := r.log.codec.Decode(raw)
		if err != nil {
			return fmt.Errorf("decode kept event %d: %w", r.next+uint64(i), err)
		}
		r.ahead = append(r.ahead, e)
	}
	return nil
}
