// Package sandboxes keeps the records of sandboxes: workspaces with a
// directory, labels, environment and a state. Records live as one JSON file
// each and survive the server; so do the tokens that open one sandbox. What
// runs inside a sandbox, other packages know: they are told through
// [Options.End] when it stops.
//
// Goroutines: one, started by [Open] and joined by [Registry.Close], which ends
// sandboxes whose time is over.
package sandboxes

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DefaultID is the id and the name of the sandbox that is always there.
const DefaultID = "default"

// Errors of the registry.
var (
	ErrNotFound   = errors.New("sandbox not found")
	ErrNameTaken  = errors.New("a sandbox with this name exists already")
	ErrBuiltIn    = errors.New("the default sandbox cannot be deleted")
	ErrInvalid    = errors.New("invalid sandbox")
	ErrNotStarted = errors.New("the sandbox is not started")
	ErrClosed     = errors.New("the server is shutting down")
)

// State of a sandbox, in the words that clients know.
type State string

// States. A sandbox that is destroyed is only seen in events.
const (
	Started   State = "started"
	Stopped   State = "stopped"
	Destroyed State = "destroyed"
)

// Spec describes a sandbox to create. Every member may be empty.
type Spec struct {
	Name            string            `json:"name"`
	User            string            `json:"user"`
	Target          string            `json:"target"`
	Snapshot        string            `json:"snapshot,omitempty"`
	Env             map[string]string `json:"env"`
	Labels          map[string]string `json:"labels"`
	Public          bool              `json:"public"`
	NetworkBlockAll bool              `json:"networkBlockAll"`
	CPU             int               `json:"cpu"`
	GPU             int               `json:"gpu"`
	Memory          int               `json:"memory"` // GiB
	Disk            int               `json:"disk"`   // GiB
	Intervals
}

// Intervals are the times after which a sandbox is ended, in minutes. 0 is
// never, except for AutoDelete, where it means as soon as it is stopped and
// where a negative number is never.
type Intervals struct {
	AutoStop    int `json:"autoStop"`
	AutoPause   int `json:"autoPause"`   // recorded only
	AutoArchive int `json:"autoArchive"` // recorded only
	AutoDelete  int `json:"autoDelete"`
	TTL         int `json:"ttl"`
}

// Sandbox is a record as it stands. It is a copy: changing it changes nothing.
type Sandbox struct {
	Spec
	ID           string    `json:"id"`
	State        State     `json:"state"`
	Created      time.Time `json:"created"`
	Updated      time.Time `json:"updated"`
	LastActivity time.Time `json:"lastActivity"`
	StoppedAt    time.Time `json:"stoppedAt,omitzero"`
	// UID is the number of the user whose the work directory is, where sandboxes have
	// users of their own. It is nobody else's on this machine, and kept for as long as
	// there may be files of it.
	UID int `json:"uid,omitempty"`
}

func (s Sandbox) clone() Sandbox {
	s.Env, s.Labels = maps.Clone(s.Env), maps.Clone(s.Labels)
	return s
}

const (
	// maxName is generous for people and fits every file system and log line.
	maxName = 128
	// maxMinutes is a hundred years; what is more would overflow a duration.
	maxMinutes = 100 * 366 * 24 * 60
	// maxEnv is a quarter of what Linux usually takes for the variables and the
	// arguments of a process.
	maxEnv = 512 << 10
)

// reserved names would be hidden by paths of the control plane.
func reserved(name string) bool { return name == "paginated" || name == "for-runner" }

// validate reports what is wrong with a spec.
func (s *Spec) validate() error {
	switch n := utf8.RuneCountInString(s.Name); {
	case n > maxName:
		return fmt.Errorf("%w: the name has %d characters, %d are allowed", ErrInvalid, n, maxName)
	case strings.TrimSpace(s.Name) != s.Name:
		return fmt.Errorf("%w: the name begins or ends with a blank", ErrInvalid)
	case strings.ContainsFunc(s.Name, func(r rune) bool { return r == '/' || r == utf8.RuneError || unicode.IsControl(r) }):
		return fmt.Errorf("%w: the name has a character that is not allowed", ErrInvalid)
	case s.Name == "." || s.Name == ".." || reserved(s.Name):
		return fmt.Errorf("%w: the name %q is reserved", ErrInvalid, s.Name)
	}
	return s.Intervals.validate()
}

// validateEnv bounds the variables: a process must still be startable with them.
func (s *Spec) validateEnv() error {
	total := 0
	for name, value := range s.Env {
		total += len(name) + len(value)
	}
	if total > maxEnv {
		return fmt.Errorf("%w: its variables would have %d bytes, %d are allowed; put what is long in a file", ErrInvalid, total, maxEnv)
	}
	return nil
}

func (i Intervals) validate() error {
	for _, m := range []struct {
		name    string
		minutes int
		least   int
	}{
		{"auto-stop", i.AutoStop, 0},
		{"auto-pause", i.AutoPause, 0},
		{"auto-archive", i.AutoArchive, 0},
		{"auto-delete", i.AutoDelete, -1},
		{"time to live", i.TTL, 0},
	} {
		if m.minutes < m.least || m.minutes > maxMinutes {
			return fmt.Errorf("%w: the %s interval is %d minutes, it must be between %d and %d", ErrInvalid, m.name, m.minutes, m.least, maxMinutes)
		}
	}
	return nil
}
