package command

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/stream"
)

// kindCommand is the kind of commands in a store.
const kindCommand = "command"

// about is what the store keeps of a command beside its events.
type about struct {
	Words string `json:"command"`
	Cwd   string `json:"cwd"`
}

// create makes a command known to the store.
func (c *Command) create(store stream.Store) (stream.Tape, error) {
	dir, _ := c.spec.Place.Resolve(c.spec.Cwd) // a fault shows when it is started
	more, err := json.Marshal(about{Words: c.words, Cwd: dir})
	if err != nil {
		return nil, fmt.Errorf("describe command: %w", err)
	}
	return store.Create(stream.Meta{Kind: kindCommand, ID: c.id, Group: c.spec.Place.Sandbox, Created: c.created, More: more})
}

func (c *Command) summary(o *Outcome) json.RawMessage {
	raw, _ := json.Marshal(o) // of strings and numbers
	return raw
}

// restore makes a command of what a store has of one that has ended.
func restore(s stream.Stored) *Command {
	c := &Command{
		id: s.ID, spec: Spec{Place: process.Place{Sandbox: s.Group}}, created: s.Created,
		log: stream.Reopen(codec{}, s, stream.Options{}), ends: make(chan error, 1), done: make(chan struct{}),
		outcome: &Outcome{},
	}
	close(c.done)
	var more about
	_ = json.Unmarshal(s.More, &more) // what cannot be read says nothing
	_ = json.Unmarshal(s.Summary, c.outcome)
	c.words, c.dir = more.Words, more.Cwd
	return c
}

// recover ends the commands that ended with the server before this one.
func (s *Set) recover() {
	before := s.cfg.Before
	if before == nil {
		before = &lives.End{Again: time.Now()}
	}
	ended := 0
	for _, stored := range s.cfg.Store.List(kindCommand, "") {
		if !stored.Ended.IsZero() {
			continue
		}
		c := &Command{log: stream.Reopen(codec{}, stored, stream.Options{})}
		if last := c.last(); last != nil && last.Type == EventEnd { // only the server's note of it is missing
			c.log.End(c.summary(last.Outcome))
			c.log.Close()
			continue
		}
		o := &Outcome{Status: StatusEnded, Code: -1, Reason: before.Words()}
		if began := before.At().Sub(stored.Created); began > 0 {
			o.Duration = float64(began.Microseconds()) / 1000
		}
		c.log.Finish(c.event(Event{Type: EventEnd, Outcome: o}), c.summary(o), nil)
		ended++
	}
	if ended > 0 {
		s.cfg.Log.Warn("commands ended with the server before", slog.Int("commands", ended))
	}
}

// last is the last event that there is, or nil.
func (c *Command) last() *Event {
	if c.log.Len() == 0 {
		return nil
	}
	r := c.log.Reader(c.log.Len())
	defer r.Close()
	es, err := r.Ready()
	if err != nil || len(es) == 0 {
		return nil
	}
	return &es[0]
}
