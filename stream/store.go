package stream

import (
	"errors"
	"time"
)

// Errors of stores and of the logs in them.
var (
	ErrFull      = errors.New("event log is full")
	ErrClosed    = errors.New("event log is closed")
	ErrDiscarded = errors.New("event log was discarded")
	ErrUnknown   = errors.New("there is no such log")
	ErrEvicted   = errors.New("the log is not kept any more")
	ErrExists    = errors.New("there is such a log already")
	ErrNoSpace   = errors.New("the disk that keeps the events is full")
	ErrDisk      = errors.New("the disk that keeps the events does not take them")
	ErrDamaged   = errors.New("a part of the log cannot be read")
	ErrTooLarge  = errors.New("it is too large to be kept")
)

// Store keeps logs where they outlive the server. [Journal] is the one on the
// server's own disk; a service that several servers share could stand in its place.
type Store interface {
	// Create begins a log. When it returns, [Store.Find] finds the log whatever
	// happens to the server.
	Create(Meta) (Tape, error)
	// Find returns a log, [ErrEvicted] with no more than whose the log was, or [ErrUnknown].
	Find(kind, id string) (Stored, error)
	// List returns the logs of a kind, oldest first; with a parent, its alone.
	List(kind, parent string) []Stored
}

// Tape keeps the records of one log. All but Open is its writer's.
type Tape interface {
	// Write keeps records, of which the first has the number first: all of them or none.
	// When it returns without an error, they outlive the server. Last is for the few
	// words that end a log: there is room for them when there is none for others.
	Write(first uint64, records [][]byte, last bool) error
	// Conclude is Write and End in one.
	Conclude(first uint64, records [][]byte, summary []byte) error
	// End says that the log has come to its end, with a summary for [Store.Find].
	// From then on it may be evicted. It may be called again, with a better summary.
	End(summary []byte) error
	// Later says that the log has come to its end, which the tape has not taken or not
	// all. The tape has it repaid when it can, until repay says no error any more, or one
	// that will never be another; whoever finds the log meanwhile finds live, which has
	// everything.
	Later(live any, summary []byte, repay func() error)
	// Open lets somebody read. What is read isn't taken away until it was closed.
	Open() (Pages, error)
	// Drop gives the log up. It is unknown from then on, and its room free once
	// nobody reads it.
	Drop()
}

// Pages are the records of a tape, for one reader.
type Pages interface {
	// Read returns some records, at least the one asked for. They are valid until
	// the next call.
	Read(from uint64) ([][]byte, error)
	Close()
}

// Meta says what a log is. It is written once.
type Meta struct {
	Kind string // execution, command …: ids are unique within it
	ID   string
	// Group is whose it is. Who occupies most loses first.
	Group   string
	Parent  string // what it belongs to
	Created time.Time
	More    []byte // what its owner wants to know
}

// Stored is a log as a store knows it.
type Stored struct {
	Meta
	Ended   time.Time // zero: it hasn't come to its end
	Summary []byte    // of the end
	Records uint64    // how many there are
	Bytes   int64     // of them
	Tape    Tape
	live    any // the log itself, while the tape hasn't all of it
}
