package chaos_test

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"hotcell/internal/wire"
)

// line is one thing that a client did or saw. Clients are processes that may be killed
// at any moment, so each thing is told as soon as it has happened, and what is meant
// to be done before it is.
type line struct {
	Op       string       `json:"op"`
	At       time.Time    `json:"at"`
	ID       string       `json:"id,omitempty"` // of an execution, chosen by the client; of a command the mark in its text
	Context  string       `json:"context,omitempty"`
	Language string       `json:"language,omitempty"`
	Deed     string       `json:"deed,omitempty"`
	N        int          `json:"n,omitempty"`
	Code     string       `json:"code,omitempty"` // of a refusal
	Text     string       `json:"text,omitempty"`
	Events   []wire.Event `json:"events,omitempty"`
}

// What a line can tell.
const (
	opAsk     = "ask"     // is about to be sent
	opTaken   = "taken"   // the server has accepted it
	opRefused = "refused" // the server has said no
	opBroken  = "broken"  // the connection broke before an answer
	opSeen    = "seen"    // events have come
	opWish    = "wish"    // somebody is about to end it: an interrupt
	opContext = "context" // a context was made
	opKeep    = "keep"    // and whoever takes the place of this worker goes on with it
	opDelete  = "delete"  // is about to be deleted
	opForget  = "forget"  // a context is none any more
	opStuck   = "stuck"   // something did not happen in time
	opWrong   = "wrong"   // the server has said what it must not
	opNo      = "no"      // a request that is no execution was refused
)

// asked is what the ledger has of one execution.
type asked struct {
	line           // the first ask
	tries   int    // how often it was sent
	taken   bool   // an answer said so
	refused []line // the refusals
	broken  int    // tries whose answer never came
	seen    []wire.Event
	over    bool // its client has seen the end
	wishes  int
	last    time.Time // of any line about it
}

// strike is one thing that was done to the server or what belongs to it.
type strike struct {
	at    time.Time
	until time.Time // when it was over; zero: it lasts a moment
	what  string
	pid   int
}

// ledger is what all clients have told, and what was done to them.
type ledger struct {
	mu       sync.Mutex
	changed  *sync.Cond
	asked    map[string]*asked
	contexts map[string]string // that there may be: their languages
	deleted  map[string]bool   // somebody wants them gone
	own      string            // an execution that is the test's, not a client's
	strikes  []strike
	ended    int // executions of which a client has seen the end
	refusals int // executions and other requests that were refused
	faults   []string
	noes     map[string]int // refusals of other requests by code
}

func newLedger() *ledger {
	l := &ledger{asked: map[string]*asked{}, contexts: map[string]string{}, deleted: map[string]bool{}, noes: map[string]int{}}
	l.changed = sync.NewCond(&l.mu)
	return l
}

// note takes in a line.
func (l *ledger) note(m line) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch m.Op {
	case opContext:
		l.contexts[m.Context] = m.Language
		return
	case opKeep:
		return
	case opDelete:
		l.deleted[m.Context] = true
		return
	case opForget:
		delete(l.contexts, m.Context)
		return
	case opStuck, opWrong:
		l.faults = append(l.faults, fmt.Sprintf("%s %s %s %s: %s", m.At.Format(time.TimeOnly), m.Op, m.Deed, m.ID, m.Text))
		return
	case opNo:
		l.noes[m.Code]++
		l.refusals++
		l.changed.Broadcast()
		return
	}
	a := l.asked[m.ID]
	if a == nil {
		a = &asked{line: m}
		l.asked[m.ID] = a
	}
	a.last = m.At
	switch m.Op {
	case opAsk:
		a.tries++
	case opTaken:
		a.taken = true
	case opRefused:
		a.refused = append(a.refused, m)
		l.refusals++
	case opBroken:
		a.broken++
	case opWish:
		a.wishes++
	case opSeen:
		l.see(a, m.Events)
	}
	l.changed.Broadcast()
}

// see adds events that a client has got. Whoever attaches again says from where.
func (l *ledger) see(a *asked, es []wire.Event) {
	for _, e := range es {
		switch at := uint64(len(a.seen)) + 1; {
		case e.Seq > at:
			l.faults = append(l.faults, fmt.Sprintf("%s: after event %d its client got %d", a.ID, at-1, e.Seq))
			return
		case e.Seq == at:
			a.seen = append(a.seen, e)
		}
		if e.State == wire.StateDone && !a.over {
			a.over = true
			l.ended++
		}
	}
}

// struck notes what was done.
func (l *ledger) struck(s strike) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strikes = append(l.strikes, s)
	return len(l.strikes) - 1
}

// lasted says that a strike is over.
func (l *ledger) lasted(i int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strikes[i].until = time.Now()
}

// fits reports whether one of these things was done between two moments, or shortly
// before: what is killed may be needed by what comes next.
func (l *ledger) fits(from, to time.Time, whats ...string) bool {
	const before = 3 * time.Second
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.ContainsFunc(l.strikes, func(s strike) bool {
		end := s.at
		if !s.until.IsZero() {
			end = s.until
		}
		return slices.Contains(whats, s.what) && !s.at.After(to) && end.After(from.Add(-before))
	})
}
