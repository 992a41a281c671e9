package native

import (
	"time"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/internal/wire"
	"hotcell/interpreter"
	"hotcell/runtimes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
)

// shownContext is a context as clients see it.
type shownContext struct {
	interpreter.Status
	Sandbox string    `json:"sandbox"`
	Default bool      `json:"default"`
	Created time.Time `json:"created"`
}

func showContext(e *contexts.Entry) shownContext {
	return shownContext{Status: e.Status(), Sandbox: e.Owner, Default: e.Default, Created: e.Created.UTC()}
}

// shownExecution is a snapshot as clients see it.
type shownExecution struct {
	ID       string      `json:"id"`
	Context  string      `json:"context"`
	State    wire.State  `json:"state"`
	Status   wire.Status `json:"status,omitempty"`
	Created  time.Time   `json:"created"`
	Started  *time.Time  `json:"started,omitempty"`
	Ended    *time.Time  `json:"ended,omitempty"`
	Duration *float64    `json:"duration_ms,omitempty"`
	Events   uint64      `json:"events"`
	Error    *wire.Event `json:"error,omitempty"`
}

func showExecution(e *interpreter.Execution) shownExecution {
	s := e.Snapshot()
	out := shownExecution{
		ID: s.ID, Context: s.ContextID, State: s.State, Status: s.Status,
		Created: s.Created.UTC(), Started: moment(s.Started), Ended: moment(s.Ended),
		Events: s.Events, Error: s.Error,
	}
	if out.Started != nil && out.Ended != nil {
		ms := float64(s.Took().Microseconds()) / 1000
		out.Duration = &ms
	}
	return out
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// shownStatus is the server as clients see it.
type shownStatus struct {
	Version   string           `json:"version"`
	Protocol  int              `json:"protocol"`
	Runtimes  []runtimes.Info  `json:"runtimes"`
	Isolation isolation.Status `json:"isolation"`
	Limits    *limits.Status   `json:"limits,omitempty"` // what bounds sandboxes
	Contexts  contextCounts    `json:"contexts"`
	Commands  commandCounts    `json:"commands"`
}

type contextCounts struct {
	Total int `json:"total"`
	Busy  int `json:"busy"`
}

type commandCounts struct {
	Running int `json:"running"`
}

// protocolVersion grows when a client of the version before would break.
const protocolVersion = 1

// showStatus counts what the client may see.
func (d *Dialect) showStatus(by *access.Access) shownStatus {
	s := shownStatus{Version: d.cfg.Version, Protocol: protocolVersion, Runtimes: []runtimes.Info{}, Isolation: d.cfg.Isolation.Status()}
	for _, r := range d.cfg.Runtimes.All() {
		s.Runtimes = append(s.Runtimes, r.Info())
	}
	for _, e := range d.cfg.Contexts.All() {
		if !by.Sees(e.Owner) {
			continue
		}
		s.Contexts.Total++
		if e.Status().State == "busy" {
			s.Contexts.Busy++
		}
	}
	s.Commands.Running = d.cfg.Commands.Running()
	if d.cfg.Limits != nil {
		l := d.cfg.Limits.Status()
		s.Limits = &l
	}
	if !by.Free() {
		s.Commands.Running = 0
		for _, x := range d.commands(by) {
			if x.State == commandRunning {
				s.Commands.Running++
			}
		}
	}
	return s
}

// shownReply is the driver's answer to complete, inspect or is_complete.
type shownReply struct {
	Matches []wire.Match `json:"matches,omitempty"`
	Start   *int         `json:"start,omitempty"`
	End     *int         `json:"end,omitempty"`
	Found   *bool        `json:"found,omitempty"`
	Bundle  wire.Bundle  `json:"data,omitempty"`
	Status  string       `json:"status,omitempty"`
	Indent  string       `json:"indent,omitempty"`
}
