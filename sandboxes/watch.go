package sandboxes

// Event is a change of one sandbox.
type Event struct {
	Sandbox Sandbox
	Created bool
	Old     State // of a change of state; the new one is the sandbox's
}

// backlog is how many events wait for one watcher. One that falls behind
// further is dropped: its channel is closed, and it has to look for itself.
const backlog = 256

// Watch is a subscription to all events.
type Watch struct {
	registry *Registry
	events   chan Event
}

// Watch subscribes. The channel of a registry that is closed is closed.
func (r *Registry) Watch() *Watch {
	w := &Watch{registry: r, events: make(chan Event, backlog)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		close(w.events)
		return w
	}
	r.watchers[w] = struct{}{}
	return w
}

// Events is closed when the watcher fell too far behind, was closed, or the
// registry was.
func (w *Watch) Events() <-chan Event { return w.events }

// Close ends the subscription.
func (w *Watch) Close() {
	w.registry.mu.Lock()
	defer w.registry.mu.Unlock()
	w.registry.drop(w)
}

// drop is called with mu held.
func (r *Registry) drop(w *Watch) {
	if _, ok := r.watchers[w]; ok {
		delete(r.watchers, w)
		close(w.events)
	}
}

// publish is called with mu held; it never waits.
func (r *Registry) publish(ev Event) {
	for w := range r.watchers {
		select {
		case w.events <- ev:
		default:
			r.drop(w)
		}
	}
}
