package interpreter

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Keep bounds what a context remembers of finished executions. The oldest go
// first; the newest one always stays.
type Keep struct {
	Executions int   // 0 is 256
	Bytes      int64 // of their events, in memory and on disk; 0 is 256 MiB
}

const (
	defaultKeep      = 256
	defaultKeepBytes = 256 << 20
	// settled is what a finished execution keeps in memory; the rest of a long
	// log goes to disk. 256 of them are 16 MiB for a busy context.
	settled = 64 << 10
	// forgotten is how many evicted ids are remembered, so that "gone" and
	// "never was" can be told apart.
	forgotten = 4096
)

func (k Keep) withDefaults() Keep {
	if k.Executions <= 0 {
		k.Executions = defaultKeep
	}
	if k.Bytes <= 0 {
		k.Bytes = defaultKeepBytes
	}
	return k
}

// history holds a context's executions by id. Interpreter.mu guards it.
type history struct {
	keep    Keep
	count   uint64 // executions so far
	byID    map[string]*Execution
	done    []*Execution // those that have ended, in that order
	bytes   int64        // of their events
	evicted map[string]struct{}
	forget  []string // the evicted ids, oldest first
}

func (h *history) known(id string) bool {
	_, kept := h.byID[id]
	_, gone := h.evicted[id]
	return kept || gone
}

func (h *history) add(e *Execution) {
	if h.byID == nil {
		h.byID = make(map[string]*Execution)
		h.evicted = make(map[string]struct{})
	}
	h.count++
	e.number = h.count
	h.byID[e.req.ID] = e
}

func (h *history) find(id string) (*Execution, error) {
	if e, ok := h.byID[id]; ok {
		return e, nil
	}
	if _, ok := h.evicted[id]; ok {
		return nil, fmt.Errorf("%w: %s", ErrEvicted, id)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownExecution, id)
}

// all lists what is kept, in the order in which it was asked for.
func (h *history) all() []*Execution {
	return slices.SortedFunc(maps.Values(h.byID), func(a, b *Execution) int { return cmp.Compare(a.number, b.number) })
}

// finish takes in an execution that has ended, and returns those that have to
// go for it.
func (h *history) finish(e *Execution) (evicted []*Execution) {
	memory, disk := e.log.Size()
	e.kept = int64(memory) + disk
	h.done = append(h.done, e)
	h.bytes += e.kept
	for len(h.done) > 1 && (len(h.done) > h.keep.Executions || h.bytes > h.keep.Bytes) {
		old := h.done[0]
		h.done[0] = nil
		h.done = h.done[1:]
		h.bytes -= old.kept
		delete(h.byID, old.req.ID)
		h.evicted[old.req.ID] = struct{}{}
		h.forget = append(h.forget, old.req.ID)
		evicted = append(evicted, old)
	}
	for len(h.forget) > forgotten {
		delete(h.evicted, h.forget[0])
		h.forget = h.forget[1:]
	}
	return evicted
}
