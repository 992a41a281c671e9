package stream

import (
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hotcell/internal/pack"
)

const (
	segmentName = ".journal"
	badName     = ".unreadable"
)

// load reads what servers before this one have kept. Their files are not written
// to any more.
func (j *Journal) load() error {
	dirs, err := os.ReadDir(j.dir)
	if err != nil {
		return fmt.Errorf("read the journal's directory: %w", err)
	}
	for _, d := range dirs {
		id, err := url.PathUnescape(d.Name())
		if !d.IsDir() || err != nil {
			continue
		}
		j.mu.Lock()
		g := j.group(id)
		j.mu.Unlock()
		if err := g.load(); err != nil {
			return err
		}
	}
	return nil
}

// load reads a group's files.
func (g *group) load() error {
	files, err := os.ReadDir(g.dir())
	if err != nil {
		return fmt.Errorf("read a journal: %w", err)
	}
	r := recovery{g: g, log: g.j.opts.Log, byNumber: map[uint64]*entry{}, damaged: map[*entry]bool{}}
	for _, f := range files { // in the order of their names
		hex, ok := strings.CutSuffix(f.Name(), segmentName)
		if !ok {
			continue
		}
		number, err := strconv.ParseUint(hex, 16, 64)
		if err != nil {
			continue
		}
		if err := r.read(&segment{g: g, number: number, path: filepath.Join(g.dir(), f.Name())}); err != nil {
			return err
		}
	}
	r.finish()
	return nil
}

// recovery puts the index of one group together. Nobody else uses the journal yet.
type recovery struct {
	g        *group
	log      *slog.Logger
	byNumber map[uint64]*entry
	damaged  map[*entry]bool // some of its records are missing
}

// read takes in one segment. What is no segment is set aside.
func (r *recovery) read(s *segment) error {
	buf, err := os.ReadFile(s.path)
	if err != nil {
		return fmt.Errorf("read a journal: %w", err)
	}
	if st, err := os.Stat(s.path); err == nil && st.ModTime().After(r.g.j.latest) {
		r.g.j.latest = st.ModTime()
	}
	r.g.newest = max(r.g.newest, s.number)
	var ok bool
	if s.key, ok = keyOf(buf); !ok {
		err := os.Rename(s.path, s.path+badName)
		r.log.Error("a file of the journal cannot be read and was set aside", slog.String("file", s.path), slog.Any("error", err))
		return nil
	}
	_ = os.Truncate(s.path, int64(len(buf))) // gives back what was taken ahead
	s.size, s.active = int64(len(buf)), true // so that it stays until all is known
	r.g.segments = append(r.g.segments, s)
	r.g.bytes += s.size
	r.g.j.bytes += s.size
	lost := frames(buf[headSize:], s.key, func(at int64, f frame) { r.take(s, headSize+at, f) })
	if lost > 0 {
		r.log.Warn("a part of a file of the journal cannot be read; at its end that is what a server was just writing when it died",
			slog.String("file", s.path), slog.Int64("bytes", lost))
	}
	return nil
}

// take takes in one frame.
func (r *recovery) take(s *segment, at int64, f frame) {
	j, e := r.g.j, r.byNumber[f.log]
	j.last = max(j.last, f.log)
	s.lasting = s.lasting || f.kind.lasting()
	switch f.kind {
	case frameOpen:
		m, ok := decodeMeta(f.payload)
		if !ok || e != nil || j.logs[name{m.Kind, m.ID}] != nil {
			return
		}
		e = &entry{j: j, g: r.g, number: f.log, meta: m}
		r.byNumber[f.log] = e
		j.logs[name{m.Kind, m.ID}] = e
		e.note(s, at, span(len(f.payload)), false)
	case frameRecord:
		if e == nil || e.gone || f.seq <= e.records {
			return
		}
		if f.seq != e.records+1 {
			r.damaged[e] = true
			e.records = f.seq - 1
		}
		e.note(s, at, span(len(f.payload)), true)
	case frameEnd:
		how, ok := decodeEnding(f.payload)
		if !ok || e == nil || e.gone {
			return
		}
		e.note(s, at, span(len(f.payload)), false)
		e.end(how)
	case frameDrop:
		if e != nil {
			j.remove(e)
		}
	case frameEvicted:
		r.evicted(f.payload)
	case frameGone:
		r.gone(f.payload)
	}
}

// gone takes in the numbers of logs that are.
func (r *recovery) gone(payload []byte) {
	for numbers := pack.NewReader(payload); numbers.More(); {
		if e := r.byNumber[numbers.Number()]; e != nil {
			r.g.j.remove(e)
		}
	}
}

// evicted takes in the names of logs that are gone.
func (r *recovery) evicted(payload []byte) {
	var pairs [][2]string
	if json.Unmarshal(payload, &pairs) != nil {
		return
	}
	for _, p := range pairs {
		n := name{p[0], p[1]}
		if _, known := r.g.j.evicted[n]; !known {
			r.g.recall([]name{n})
		}
		r.g.j.remember(n, r.g.id)
		if e := r.g.j.logs[n]; e != nil {
			r.g.j.remove(e)
		}
	}
}

// finish looks at the whole. A log that had ended and has lost records was being
// evicted; of one that had not, the disk has lost a part, which its readers are told.
func (r *recovery) finish() {
	for e := range r.damaged {
		if !e.gone && !e.ended.IsZero() {
			r.g.j.remember(name{e.meta.Kind, e.meta.ID}, r.g.id)
			r.g.j.remove(e)
		}
	}
	// From here on their age is counted by this server's clock, which no jump of the
	// system's moves. One that ends in the future was written before the clock was set back.
	now := r.g.j.opts.Now()
	for _, e := range r.g.ended {
		e.age, e.counted = max(now.Sub(e.ended), 0), now
	}
	slices.SortStableFunc(r.g.ended, func(a, b *entry) int { return cmp.Or(a.ended.Compare(b.ended), cmp.Compare(a.number, b.number)) })
	for _, s := range r.g.segments {
		s.active = false
	}
	r.g.j.clear(r.g.j.unused(r.g))
}
