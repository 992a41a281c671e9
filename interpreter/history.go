package interpreter

const (
	// held is how many finished executions a context has at hand; older ones are
	// read from the store when somebody asks for them.
	held = 64
	// settled is what a finished execution keeps in memory, for those who come just
	// behind its end.
	settled = 16 << 10
)

// history holds a context's executions by id: those that wait or run, and the newest of
// those that have ended. Interpreter.mu guards it.
type history struct {
	byID map[string]*Execution
	done []string // ids of those that have ended, in that order
}

func (h *history) add(e *Execution) {
	if h.byID == nil {
		h.byID = make(map[string]*Execution)
	}
	h.byID[e.req.ID] = e
}

// finish takes in an execution that has ended.
func (h *history) finish(e *Execution) {
	h.done = append(h.done, e.req.ID)
	for len(h.done) > held {
		delete(h.byID, h.done[0])
		h.done = h.done[1:]
	}
}
