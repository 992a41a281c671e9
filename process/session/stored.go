package session

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/stream"
)

const (
	// kindCommand is the kind of sessions' commands in a store.
	kindCommand = "session-command"
	// shownText is how much of a command's text the next server knows.
	shownText = 4 << 10
	// pastKept and pastAge bound what is known of the sessions of servers before this one.
	pastKept = 1024
	pastAge  = 24 * time.Hour
)

// Card is what the next server knows of a session.
type Card struct {
	Key     string     `json:"key"` // unique among all sessions that ever were
	Sandbox string     `json:"sandbox"`
	ID      string     `json:"id"`
	Created time.Time  `json:"created"`
	Ended   *lives.End `json:"ended,omitempty"` // how its server ended; nil while that lives
}

// about is what the store keeps of a command beside its log.
type about struct {
	Text string `json:"text"`
}

// summary is what the store keeps of a command's end.
type summary struct {
	Code  int    `json:"code"`
	Words string `json:"words,omitempty"` // why it didn't come to an end of its own
}

// create makes a command known to the store.
func (c *Command) create(s *Session) (stream.Tape, error) {
	text := c.text
	if len(text) > shownText {
		text = strings.ToValidUTF8(text[:shownText], "") + "…"
	}
	more, err := json.Marshal(about{Text: text})
	if err != nil {
		return nil, fmt.Errorf("describe command: %w", err)
	}
	return s.store.Create(stream.Meta{Kind: kindCommand, ID: c.id, Group: s.place.Sandbox, Parent: s.card.Key, Created: time.Now(), More: more})
}

func summaryOf(code int, err error) json.RawMessage {
	out := summary{Code: code}
	if err != nil {
		out.Words = err.Error()
	}
	raw, _ := json.Marshal(out) // of a number and a string
	return raw
}

// recover takes in the sessions of servers before this one: nothing runs in them any more,
// and what ran when their server ended is told so. Nobody uses the set yet.
func (s *Set) recover() {
	before := s.cfg.Before
	now := time.Now()
	if before == nil {
		before = &lives.End{Again: now}
	}
	cards := s.cfg.Shelf.All()
	slices.SortFunc(cards, func(a, b Card) int { return a.Created.Compare(b.Created) })
	surplus := len(cards) - pastKept
	for _, c := range cards {
		if c.Ended == nil {
			c.Ended = before
			s.cfg.Shelf.Put(c.Key, c)
		}
		k := key{c.Sandbox, c.ID}
		if surplus--; surplus >= 0 || now.Sub(c.Ended.Again) > pastAge || s.named[k] != nil {
			s.cfg.Shelf.Remove(c.Key)
			continue
		}
		s.count++
		e := &entry{key: k, number: s.count, gone: make(chan struct{}), Session: restore(c, s.cfg)}
		s.named[k] = e
		s.all[e] = struct{}{}
	}
	for _, stored := range s.cfg.Store.List(kindCommand, "") {
		if stored.Ended.IsZero() { // of a session that is not known
			endStored(stored, before.Words())
		}
	}
}

// restore makes a session of what is known of one that has ended with its server.
func restore(card Card, cfg Config) *Session {
	s := &Session{
		id: card.ID, card: card, past: true, place: process.Place{Sandbox: card.Sandbox}, limits: cfg.Limits,
		started: make(chan struct{}), done: make(chan struct{}), cancel: func(error) {},
		ended: &EndedError{Session: card.ID, Words: card.Ended.Words()},
	}
	close(s.started)
	close(s.done)
	for _, stored := range cfg.Store.List(kindCommand, card.Key) {
		if stored.Ended.IsZero() {
			stored = endStored(stored, card.Ended.Words())
		}
		s.history.add(restoreCommand(stored))
	}
	return s
}

func restoreCommand(stored stream.Stored) *Command {
	var more about
	var end summary
	_ = json.Unmarshal(stored.More, &more) // what cannot be read says nothing
	_ = json.Unmarshal(stored.Summary, &end)
	c := &Command{id: stored.ID, text: more.Text, log: stream.Reopen(codec{}, stored, stream.Options{}), done: make(chan struct{}), code: end.Code}
	if end.Words != "" {
		c.err = errors.New(end.Words)
	}
	c.out = &output{log: c.log}
	close(c.done)
	return c
}

// endStored ends, in its store, a command that its server couldn't end any more.
func endStored(stored stream.Stored, words string) stream.Stored {
	log := stream.Reopen(codec{}, stored, stream.Options{})
	if summary := endIn(log); summary != nil { // only the server's note of it is missing
		log.End(summary)
		log.Close()
		stored.Ended, stored.Summary = cmp.Or(stored.Ended, time.Now()), summary
		return stored
	}
	_, _ = log.Last(func(uint64) Piece {
		return Piece{Kind: Stderr, Text: "hotcell: this command did not end by itself: " + words + "\n"}
	})
	why := summaryOf(-1, errors.New(words))
	log.Conclude(ending(why))
	log.Close()
	stored.Ended, stored.Summary, stored.Records, stored.Bytes = cmp.Or(stored.Ended, time.Now()), why, log.Len(), log.Stored()
	return stored
}

// endIn is the summary in a log's last piece, if that marks the end.
func endIn(log *stream.Log[Piece]) json.RawMessage {
	if log.Len() == 0 {
		return nil
	}
	r := log.Reader(log.Len())
	defer r.Close()
	pieces, err := r.Ready()
	if err != nil || len(pieces) == 0 || pieces[0].Kind != End || pieces[0].Text == "" {
		return nil
	}
	return json.RawMessage(pieces[0].Text)
}
