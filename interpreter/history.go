package interpreter

import (
	"fmt"
	"slices"

	"hotcell/internal/wire"
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
	byID    map[string]*Execution
	order   []*Execution
	evicted []string
}

func (h *history) known(id string) bool {
	_, ok := h.byID[id]
	return ok || slices.Contains(h.evicted, id)
}

func (h *history) add(e *Execution) {
	if h.byID == nil {
		h.byID = make(map[string]*Execution)
	}
	h.byID[e.req.ID] = e
	h.order = append(h.order, e)
}

func (h *history) find(id string) (*Execution, error) {
	if e, ok := h.byID[id]; ok {
		return e, nil
	}
	if slices.Contains(h.evicted, id) {
		return nil, fmt.Errorf("%w: %s", ErrEvicted, id)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnknownExecution, id)
}

// trim evicts what is over the bounds and returns it, to be discarded.
func (h *history) trim() []*Execution {
	var total int64
	finished := h.finished()
	for _, e := range finished {
		total += e.size()
	}
	var out []*Execution
	for len(finished) > 1 && (len(finished) > h.keep.Executions || total > h.keep.Bytes) {
		e := finished[0]
		finished = finished[1:]
		total -= e.size()
		out = append(out, e)
		delete(h.byID, e.req.ID)
		h.order = slices.Delete(h.order, slices.Index(h.order, e), slices.Index(h.order, e)+1)
		h.evicted = append(h.evicted, e.req.ID)
	}
	if over := len(h.evicted) - forgotten; over > 0 {
		h.evicted = slices.Delete(h.evicted, 0, over)
	}
	return out
}

// finished lists the executions that have ended.
func (h *history) finished() []*Execution {
	var out []*Execution
	for _, e := range h.order {
		if done(e) {
			out = append(out, e)
		}
	}
	return out
}

func done(e *Execution) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.snap.State == wire.StateDone
}

func (e *Execution) size() int64 {
	memory, disk := e.log.Size()
	return int64(memory) + disk
}
