package cli

import (
	"fmt"
	"time"

	"hotcell/audit"
	"hotcell/contexts"
	"hotcell/internal/activity"
	"hotcell/metrics"
	"hotcell/sandboxes"
)

// openRecords makes what is told of everything that happens: the figures, and the
// audit log if there is to be one.
func (e *engine) openRecords(cfg engineConfig) error {
	e.metrics = metrics.New(cfg.Version)
	if cfg.Audit.Path == "" {
		return nil
	}
	ac := cfg.Audit
	ac.Version, ac.Log = cfg.Version, cfg.Log
	log, err := audit.Open(ac)
	if err != nil {
		return fmt.Errorf("%w", err)
	}
	e.audit = log
	return nil
}

// did passes on what was done.
func (e *engine) did(r activity.Record) {
	e.metrics.Did(r)
	if e.audit != nil {
		e.audit.Record(r)
	}
}

// expired records that a sandbox's time was over.
func (e *engine) expired(sb sandboxes.Sandbox, deleted bool) {
	action := "stop"
	if deleted {
		action = "delete"
	}
	e.did(activity.Record{
		Kind: activity.Sandbox, Action: action, Sandbox: sb.ID, Began: time.Now(), Outcome: activity.OK, Reason: "its time was over",
	})
}

func (e *engine) observeContexts() contexts.Observe {
	o := e.metrics.Contexts()
	o.Did = e.did
	return o
}

// state is what the figures are read from.
func (e *engine) state() metrics.State {
	s := metrics.State{Contexts: e.contexts, Table: e.table, Tools: e.tools, Sockets: e.server.Sockets}
	if e.audit != nil {
		s.Audit = e.audit.Counts
	}
	return s
}
