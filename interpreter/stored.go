package interpreter

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"hotcell/internal/wire"
	"hotcell/stream"
)

// KindExecution is the kind of executions in a store.
const KindExecution = "execution"

// about is what the store keeps of an execution beside its events.
type about struct {
	Language string `json:"language"`
}

// summary is what the store keeps of an execution's end, so that nobody has to read the
// events to tell of it.
type summary struct {
	Status  wire.Status `json:"status"`
	Started time.Time   `json:"started,omitzero"`
	Ended   time.Time   `json:"ended"`
	Took    float64     `json:"took_ms,omitempty"` // the times don't tell: the clock may have been set
	Error   uint64      `json:"error,omitempty"` // number of the event
}

// create makes an execution known to the store.
func create(store stream.Store, group, language string, s Snapshot) (stream.Tape, error) {
	more, err := json.Marshal(about{Language: language})
	if err != nil {
		return nil, fmt.Errorf("describe execution: %w", err)
	}
	tape, err := store.Create(stream.Meta{Kind: KindExecution, ID: s.ID, Group: group, Parent: s.ContextID, Created: s.Created, More: more})
	if errors.Is(err, stream.ErrExists) {
		return nil, fmt.Errorf("%w: %s", ErrDuplicateID, s.ID)
	}
	return tape, err
}

func summaryOf(s Snapshot) json.RawMessage {
	out := summary{Status: s.Status, Started: s.Started, Ended: s.Ended, Took: float64(s.Took().Microseconds()) / 1000}
	if s.Error != nil {
		out.Error = s.Error.Seq
	}
	raw, _ := json.Marshal(out) // of strings, numbers and times
	return raw
}

// FindStored finds an execution in a store.
func FindStored(store stream.Store, id string) (stream.Stored, error) {
	s, err := store.Find(KindExecution, id)
	switch {
	case errors.Is(err, stream.ErrEvicted):
		return s, fmt.Errorf("%w: %s", ErrEvicted, id)
	case err != nil:
		return s, fmt.Errorf("%w: %s", ErrUnknownExecution, id)
	}
	return s, nil
}

// Restore makes an execution of what a store has of one that has ended.
func Restore(s stream.Stored) *Execution {
	e := &Execution{
		req: Request{ID: s.ID}, log: stream.Reopen(eventCodec{}, s, stream.Options{}),
		done: make(chan struct{}),
	}
	close(e.done)
	var end summary
	_ = json.Unmarshal(s.Summary, &end) // one that cannot be read says nothing
	e.snap = Snapshot{
		ID: s.ID, ContextID: s.Parent, State: wire.StateDone, Status: end.Status,
		Created: s.Created, Started: end.Started, Ended: end.Ended, Events: s.Records,
		took: time.Duration(end.Took * float64(time.Millisecond)),
	}
	if end.Error > 0 {
		e.snap.Error = eventAt(e.log, end.Error)
	}
	return e
}

// eventAt reads one event that is there.
func eventAt(log *stream.Log[wire.Event], seq uint64) *wire.Event {
	if seq == 0 || seq > log.Len() {
		return nil
	}
	r := log.Reader(seq)
	defer r.Close()
	es, err := r.Ready()
	if err != nil || len(es) == 0 {
		return nil
	}
	return &es[0]
}

// Cut is how an execution ended whose server did.
type Cut struct {
	Reason string // of the cause: server_died
	Words  string // "the server died …"
	Lost   []string
	More   int
	Now    time.Time
}

// EndStored ends, in its store, an execution that its server couldn't end any more.
func EndStored(s stream.Stored, cut Cut) {
	log := stream.Reopen(eventCodec{}, s, stream.Options{})
	snap := Snapshot{ID: s.ID, ContextID: s.Parent, State: wire.StateDone, Created: s.Created, Ended: cut.Now}
	if first := eventAt(log, 1); first != nil && first.State == wire.StateRunning {
		snap.Started = first.Time
	}
	if last := eventAt(log, log.Len()); last != nil && last.State == wire.StateDone {
		snap.Status, snap.Ended = last.Status, last.Time // only the server's note of it is missing
		if e := eventAt(log, log.Len()-1); e != nil && e.Type == wire.EventError {
			snap.Error = e
		}
		log.End(summaryOf(snap))
		log.Close()
		return
	}
	var more about
	_ = json.Unmarshal(s.More, &more)
	ev := wire.Event{Time: cut.Now, Type: wire.EventError, Name: "ServerDiedError", Cause: &wire.Cause{Reason: cut.Reason}}
	snap.Status = wire.StatusDied
	if log.Len() == 0 {
		snap.Status = wire.StatusCancelled
		ev.Value = cut.Words + ", before this ran"
	} else {
		ev.Value = fmt.Sprintf("%s; this was running, and ended with its %s kernel; %s", cut.Words, more.Language, lostWords(cut.Lost, cut.More))
		ev.Lost, ev.LostMore = cut.Lost, cut.More
	}
	_, _ = log.Last(func(seq uint64) wire.Event {
		ev.Seq = seq
		return ev
	})
	snap.Error = &ev
	log.Finish(func(seq uint64) wire.Event {
		done := doneEvent(snap)
		done.Seq = seq
		return done
	}, summaryOf(snap), nil)
}

// LostNotice is what the first execution of a context begins with that takes the place
// of one that a server took along.
func LostNotice(language string, cut Cut) *wire.Event {
	return &wire.Event{
		Type: wire.EventNotice, Text: lostNotice(language, cut.Words, cut.Lost, cut.More),
		Lost: cut.Lost, LostMore: cut.More,
	}
}
