package interpreter

import (
	"errors"
	"fmt"
	"time"

	"hotcell/internal/pack"
	"hotcell/internal/wire"
	"hotcell/stream"
)

// KindExecution is the kind of executions in a store.
const KindExecution = "execution"

// about is what the store keeps of an execution beside its events.
type about struct {
	Language string
	// AtOnce is that nothing was in its way: without events it may have begun all the same,
	// since the first of them is written together with the second.
	AtOnce bool
}

func (a about) encode() []byte {
	var atOnce byte
	if a.AtOnce {
		atOnce = 1
	}
	return append(append(make([]byte, 0, 1+len(a.Language)), atOnce), a.Language...)
}

func decodeAbout(src []byte) (a about) {
	r := pack.NewReader(src)
	a.AtOnce = r.Byte() == 1
	a.Language = string(r.Rest())
	return a
}

// summary is what the store keeps of an execution's end, so that nobody has to read the
// events to tell of it.
type summary struct {
	Status  wire.Status
	Started time.Time
	Ended   time.Time
	Took    time.Duration // the times don't tell: the clock may have been set
	Error   uint64        // number of the event; 0: there is none
	Event   []byte        // it, encoded; empty: it is too large to be kept in memory
}

// smallError is how large an error may be to be kept with the end of its execution, so
// that lists of executions read no files. A division by zero has 300 bytes with its
// traceback, a column that a data frame lacks 1,300.
const smallError = 2 << 10

func (s summary) encode() []byte {
	dst := pack.Text(make([]byte, 0, 48), s.Status)
	dst = pack.Time(pack.Time(dst, s.Started), s.Ended)
	return pack.Text(pack.Number(pack.Number(dst, uint64(s.Took)), s.Error), s.Event)
}

// decodeSummary reads one. One that cannot be read says nothing.
func decodeSummary(src []byte) summary {
	r := pack.NewReader(src)
	return summary{
		Status: wire.Status(r.Text()), Started: r.Time(), Ended: r.Time(),
		Took: time.Duration(r.Number()), Error: r.Number(), Event: r.Bytes(),
	}
}

// create makes an execution known to the store.
func create(store stream.Store, group string, more about, s Snapshot) (stream.Tape, error) {
	tape, err := store.Create(stream.Meta{
		Kind: KindExecution, ID: s.ID, Group: group, Parent: s.ContextID, Created: s.Created, More: more.encode(),
	})
	if errors.Is(err, stream.ErrExists) {
		return nil, fmt.Errorf("%w: %s", ErrDuplicateID, s.ID)
	}
	return tape, err
}

func summaryOf(s Snapshot) []byte {
	out := summary{Status: s.Status, Started: s.Started, Ended: s.Ended, Took: s.Took()}
	if s.Error != nil {
		out.Error = s.Error.Seq
		out.Event = encodeSmall(*s.Error)
	}
	return out.encode()
}

// encodeSmall encodes an error that is small; nil: it isn't.
func encodeSmall(ev wire.Event) []byte {
	if len(ev.Value)+len(ev.Traceback) > smallError {
		return nil
	}
	event, err := eventCodec{}.Append(nil, ev)
	if err != nil || len(event) > smallError {
		return nil
	}
	return event
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
	end := decodeSummary(s.Summary)
	e.snap = Snapshot{
		ID: s.ID, ContextID: s.Parent, State: wire.StateDone, Status: end.Status,
		Created: s.Created, Started: end.Started, Ended: end.Ended, Events: s.Records,
		took: end.Took,
	}
	if end.Error > 0 {
		e.snap.Error = end.errorIn(e.log)
	}
	return e
}

// errorIn is the error that ended an execution, which its log has too.
func (s summary) errorIn(log *stream.Log[wire.Event]) *wire.Event {
	if len(s.Event) > 0 {
		if event, err := (eventCodec{}).Decode(s.Event); err == nil {
			return &event
		}
	}
	return eventAt(log, s.Error)
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
	more := decodeAbout(s.More)
	ev := wire.Event{Time: cut.Now, Type: wire.EventError, Name: "ServerDiedError", Cause: &wire.Cause{Reason: cut.Reason}}
	snap.Status = wire.StatusDied
	switch {
	case log.Len() == 0 && !more.AtOnce:
		snap.Status = wire.StatusCancelled
		ev.Value = cut.Words + ", before this ran"
	case log.Len() == 0:
		ev.Value = fmt.Sprintf("%s, when this was just about to run: it may have begun, and ended with its %s kernel; %s",
			cut.Words, more.Language, lostWords(cut.Lost, cut.More))
		ev.Lost, ev.LostMore = cut.Lost, cut.More
	default:
		ev.Value = fmt.Sprintf("%s; this was running, and ended with its %s kernel; %s", cut.Words, more.Language, lostWords(cut.Lost, cut.More))
		ev.Lost, ev.LostMore = cut.Lost, cut.More
	}
	ev = last(log, ev)
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
