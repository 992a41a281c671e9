package stream

import (
	"encoding/json"
	"os"
	"slices"
	"time"
)

// expire evicts what is too old. It wakes when the first log can be, not on a
// fixed beat.
func (j *Journal) expire() {
	for {
		t := time.NewTimer(j.nextDue())
		select {
		case <-j.stop:
			t.Stop()
			return
		case <-j.wake:
			t.Stop()
		case <-t.C:
			j.mu.Lock()
			dead := j.excess()
			j.mu.Unlock()
			j.settle(dead)
		}
	}
}

// nudge tells expire that it may have to wake earlier.
func (j *Journal) nudge() {
	select {
	case j.wake <- struct{}{}:
	default:
	}
}

// nextDue is the time until the oldest log is too old.
func (j *Journal) nextDue() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	due := j.opts.Age
	for _, g := range j.groups {
		if e := g.oldest(); e != nil {
			due = min(due, e.left(j.opts.Now()))
		}
	}
	return max(due, time.Millisecond)
}

// left is how long a log that has ended is kept yet. It is called with Journal.mu held.
func (e *entry) left(now time.Time) time.Duration {
	return e.j.opts.Age - e.age - now.Sub(e.counted)
}

// oldest is the log that ended first, of those that are kept. It is called with
// Journal.mu held.
func (g *group) oldest() *entry {
	for len(g.ended) > 0 && g.ended[0].gone {
		g.ended[0] = nil
		g.ended = g.ended[1:]
	}
	if len(g.ended) == 0 {
		return nil
	}
	return g.ended[0]
}

// over reports whether there is more than is to be kept. It is called with mu held.
func (j *Journal) over() bool { return j.bytes > j.opts.Bytes || j.ended > j.opts.Count }

// slack is the part of a bound that is made free when it is reached.
const slack = 16

// excess evicts what is too much, and returns the files that nothing is kept of.
// It is called with mu held. The newest log of a group stays until it is too old.
func (j *Journal) excess() (dead []*segment) {
	out := map[*group][]name{}
	evict := func(e *entry) {
		n := name{e.meta.Kind, e.meta.ID}
		out[e.g] = append(out[e.g], n)
		j.remember(n, e.g.id)
		j.opts.Evicted(e.meta.Kind, e.bytes)
		dead = append(dead, j.remove(e)...)
	}
	for _, g := range j.groups {
		for j.opts.Age > 0 {
			e := g.oldest()
			if e == nil || e.left(j.opts.Now()) > 0 {
				break
			}
			evict(e)
		}
	}
	// A little more than it must, so that not every end has to evict something.
	bytes, count := j.opts.Bytes, j.opts.Count
	if j.over() {
		bytes, count = bytes-bytes/slack, count-count/slack
	}
	for j.bytes > bytes {
		g := j.heaviest(func(g *group) int64 { return g.bytes })
		if g == nil {
			break
		}
		evict(g.oldest())
	}
	for j.ended > count {
		g := j.heaviest(func(g *group) int64 { return int64(len(g.ended)) })
		if g == nil {
			break
		}
		evict(g.oldest())
	}
	for g, names := range out {
		j.announce(g, names)
	}
	return dead
}

// heaviest is the group with the most of something, of those that can lose a log.
func (j *Journal) heaviest(weight func(*group) int64) (most *group) {
	for _, g := range j.groups {
		if g.oldest() != nil && len(g.ended) > 1 && (most == nil || weight(g) > weight(most)) {
			most = g
		}
	}
	return most
}

// remember keeps the name of an evicted log, and whose it was. It is called with mu held.
func (j *Journal) remember(n name, group string) {
	if _, known := j.evicted[n]; known {
		return
	}
	j.evicted[n] = group
	j.forget = append(j.forget, n)
	for len(j.forget) > remembered {
		delete(j.evicted, j.forget[0])
		j.forget = j.forget[1:]
	}
}

// announce writes down which logs were evicted, for the next server to know. It
// is called with mu held, and so leaves the writing to somebody else.
func (j *Journal) announce(g *group, names []name) {
	if j.dir == "" || j.closed {
		return
	}
	g.recall(names)
	g.notices = append(g.notices, encodeNames(names))
}

// recall keeps the newest of the names that were evicted, which every new file begins
// with: the one in which they were announced goes with the next oldest logs. It is
// called with Journal.mu held.
func (g *group) recall(names []name) {
	g.evicted = append(g.evicted, names...)
	g.evicted = slices.Clone(g.evicted[max(0, len(g.evicted)-recalled):])
}

// recalled are 100 KiB in a file.
const recalled = 2048

func encodeNames(names []name) json.RawMessage {
	pairs := make([][2]string, len(names))
	for i, n := range names {
		pairs[i] = [2]string{n.kind, n.id}
	}
	payload, _ := json.Marshal(pairs) // of strings
	return payload
}

// remove takes a log out of the index, and returns the files that are not needed
// any more. It is called with mu held.
func (j *Journal) remove(e *entry) []*segment {
	if e.gone {
		return nil
	}
	e.gone = true
	delete(j.logs, name{e.meta.Kind, e.meta.ID})
	if !e.ended.IsZero() {
		j.ended--
		if len(e.g.ended) > 0 && e.g.ended[0] != e { // dropped out of turn
			e.g.ended = slices.DeleteFunc(e.g.ended, func(other *entry) bool { return other == e })
		}
	}
	if e.j.dir != "" && len(e.regions) > 0 {
		e.g.gone = append(e.g.gone, grave{e.number, e.regions[0].s})
	}
	if e.readers > 0 {
		return nil
	}
	return e.free()
}

// free lets the log's segments go. It is called with Journal.mu held.
func (e *entry) free() []*segment {
	if e.freed {
		return nil
	}
	e.freed = true
	var last *segment
	empty := false
	for _, r := range e.regions {
		if r.s != last {
			r.s.refs--
			last = r.s
			empty = empty || last.refs == 0
		}
	}
	e.regions = nil
	if !empty {
		return nil
	}
	return e.j.unused(e.g)
}

// unused takes out the files of a group in which nothing is kept. The newest stays, if
// it alone says which logs of older files are gone. It is called with mu held.
func (j *Journal) unused(g *group) (dead []*segment) {
	kept := g.segments[:0]
	newest := len(g.segments) - 1
	for i, s := range g.segments {
		needed := j.dir != "" && s.lasting && i == newest && len(kept) > 0
		if s.refs == 0 && !s.active && !needed {
			dead = append(dead, s)
			g.bytes -= s.size
			j.bytes -= s.size
			continue
		}
		kept = append(kept, s)
	}
	clear(g.segments[len(kept):])
	g.segments = kept
	if len(dead) > 0 {
		g.gone = slices.DeleteFunc(g.gone, func(log grave) bool { return slices.Contains(dead, log.in) })
	}
	return dead
}

// clear removes files that were taken out.
func (j *Journal) clear(dead []*segment) {
	for _, s := range dead {
		if s.named != nil {
			_ = s.named.Close()
			continue
		}
		_ = os.Remove(s.path)
	}
}

// settle is clear, and writes down what was announced. It is called with no lock
// held.
func (j *Journal) settle(dead []*segment) {
	j.clear(dead)
	j.mu.Lock()
	groups := j.allGroups()
	j.mu.Unlock()
	for _, g := range groups {
		j.mu.Lock()
		notices := g.notices
		g.notices = nil
		j.mu.Unlock()
		for _, payload := range notices {
			// If the disk refuses, the next server may find those logs once more.
			_ = g.write([]frame{{kind: frameEvicted, payload: payload}}, true, func(*segment, int64) error { return nil })
		}
	}
}
