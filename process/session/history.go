package session

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// history holds a session's commands by id: those that have ended up to two
// bounds, and all others. Session.mu guards it.
type history struct {
	count   uint64 // commands so far
	byID    map[string]*Command
	done    []*Command // those that have ended, in that order
	bytes   int64      // what they cost
	evicted map[string]struct{}
	forget  []string // the evicted ids, oldest first
}

func (h *history) add(c *Command) {
	if h.byID == nil {
		h.byID = make(map[string]*Command)
		h.evicted = make(map[string]struct{})
	}
	h.count++
	c.number = h.count
	h.byID[c.id] = c
}

func (h *history) find(id string) (*Command, error) {
	if c, ok := h.byID[id]; ok {
		if c.log.Gone() {
			return nil, fmt.Errorf("%w: %q", ErrEvicted, id)
		}
		return c, nil
	}
	if _, ok := h.evicted[id]; ok {
		return nil, fmt.Errorf("%w: %q", ErrEvicted, id)
	}
	return nil, fmt.Errorf("%w: %q", ErrUnknownCommand, id)
}

// all lists what is kept, in the order in which it was asked for.
func (h *history) all() []*Command {
	return slices.SortedFunc(maps.Values(h.byID), func(a, b *Command) int { return cmp.Compare(a.number, b.number) })
}

// finish takes in a command that has ended, and returns those that have to go
// for it. The newest one always stays. growing are those that may have printed
// since they were taken in.
func (h *history) finish(c *Command, l Limits, growing map[*Command]struct{}) (gone []*Command) {
	h.done = append(h.done, c)
	h.weigh(c)
	for c := range growing {
		if c.kept > 0 {
			h.weigh(c)
		}
	}
	for len(h.done) > 1 && (len(h.done) > l.Kept || h.bytes > l.KeptBytes) {
		old := h.done[0]
		h.done[0] = nil
		h.done = h.done[1:]
		h.bytes -= old.kept
		old.kept = 0
		delete(h.byID, old.id)
		h.evicted[old.id] = struct{}{}
		h.forget = append(h.forget, old.id)
		gone = append(gone, old)
	}
	for len(h.forget) > forgotten {
		delete(h.evicted, h.forget[0])
		h.forget = h.forget[1:]
	}
	return gone
}

func (h *history) weigh(c *Command) {
	h.bytes -= c.kept
	c.kept = c.size()
	h.bytes += c.kept
}
