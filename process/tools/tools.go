// Package tools holds everything that runs in sandboxes beside contexts, as
// one thing that is made, told of a sandbox's end, and closed.
//
// Ownership: a [Tools] owns its parts, and they own their processes. Close
// ends and joins them all.
package tools

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"sync"

	"hotcell/files/room"
	"hotcell/internal/activity"
	"hotcell/internal/lives"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/script"
	"hotcell/process/session"
	"hotcell/process/terminal"
	"hotcell/runtimes"
	"hotcell/stream"
)

// Config is what the tools stand on.
type Config struct {
	Host  process.Host
	Table *runtimes.Table
	// Kernel gives a started kernel of a runtime that was nobody's yet.
	Kernel func(ctx context.Context, sandbox string, r runtimes.Runtime) (*runtimes.Kernel, error)
	// Admit says whether a sandbox may run something.
	Admit func(sandbox string) error
	// MaxCommands is how many one-shot commands may run at once; 0 is 256.
	MaxCommands int
	// CommandShare and RunShare are how many commands, and programs that are run once,
	// one sandbox may run at once; 0 is all that the server runs.
	CommandShare, RunShare int
	// Files says how the agents are started that see to files behind a boundary.
	Files room.Config
	// Store keeps what commands put out; nil: files that go with the tools.
	Store stream.Store
	// Records is the directory for what the next server should know of sessions and
	// terminals; empty: nothing.
	Records string
	// Before is how the server before this one ended; nil: there was none.
	Before *lives.End
	// Did is told of what has ended; it must be quick. It may be nil.
	Did func(activity.Record)
	Log *slog.Logger
}

// part is one kind of thing that runs in sandboxes.
type part interface {
	// End ends what runs in a sandbox, and returns when it is gone.
	End(ctx context.Context, sandbox string) error
	// Busy reports whether something runs in a sandbox just now.
	Busy(sandbox string) bool
	// Drain refuses what comes later, and returns when what runs has ended, or ctx.
	Drain(ctx context.Context)
	// Close ends everything, with a reason that clients are told, and refuses
	// what comes later.
	Close()
}

// Tools are the parts.
type Tools struct {
	Commands  *command.Set
	Scripts   *script.Runs
	Sessions  *session.Set
	Terminals *terminal.Set
	Files     *room.Set

	parts   []part
	shelves []io.Closer
}

// New makes the tools of one server. Nothing runs yet.
func New(cfg Config) *Tools {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	host, err := cfg.Host.WithPython()
	if err != nil {
		cfg.Log.Warn("commands have one name for python only", slog.Any("error", err))
	}
	cfg.Host = host
	sessions, terminals := shelves(cfg)
	t := &Tools{
		shelves:  []io.Closer{sessions, terminals},
		Commands: command.New(command.Config{Host: cfg.Host, Limit: cfg.MaxCommands, Share: cfg.CommandShare, Store: cfg.Store, Before: cfg.Before, Did: cfg.Did, Log: cfg.Log}),
		Scripts: script.New(script.Config{
			Host: cfg.Host, Table: cfg.Table, Share: cfg.RunShare, Kernel: cfg.Kernel, Admit: cfg.Admit, Did: cfg.Did, Log: cfg.Log,
		}),
		Sessions:  session.New(session.Config{Host: cfg.Host, Store: cfg.Store, Shelf: sessions, Before: cfg.Before, Did: cfg.Did}),
		Terminals: terminal.NewSet(terminal.Config{Host: cfg.Host, Shelf: terminals, Before: cfg.Before, Did: cfg.Did, Log: cfg.Log}),
		Files:     room.New(cfg.Files),
	}
	t.parts = []part{t.Commands, t.Scripts, t.Sessions, t.Terminals, t.Files}
	return t
}

// shelves are for what the next server should know. Without one it knows less.
func shelves(cfg Config) (sessions *lives.Shelf[session.Card], terminals *lives.Shelf[terminal.Card]) {
	if cfg.Records == "" {
		return nil, nil
	}
	var errs [2]error
	sessions, errs[0] = lives.OpenShelf[session.Card](filepath.Join(cfg.Records, "sessions"), cfg.Log)
	terminals, errs[1] = lives.OpenShelf[terminal.Card](filepath.Join(cfg.Records, "terminals"), cfg.Log)
	if err := errors.Join(errs[:]...); err != nil {
		cfg.Log.Error("sessions and terminals will not be known to the next server", slog.Any("error", err))
	}
	return sessions, terminals
}

// Drain refuses what comes later, and returns when what runs has ended, or ctx. It may
// be called on nil.
func (t *Tools) Drain(ctx context.Context) {
	if t == nil {
		return
	}
	var wg sync.WaitGroup
	for _, p := range t.parts {
		wg.Go(func() { p.Drain(ctx) }) // ends with its part's Drain
	}
	wg.Wait()
}

// End ends what runs in a sandbox, all parts side by side.
func (t *Tools) End(ctx context.Context, sandbox string) error {
	errs := make([]error, len(t.parts))
	var wg sync.WaitGroup
	for i, p := range t.parts {
		wg.Go(func() { errs[i] = p.End(ctx, sandbox) }) // ends with its part's End
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Busy reports whether something runs in a sandbox just now.
func (t *Tools) Busy(sandbox string) bool {
	for _, p := range t.parts {
		if p.Busy(sandbox) {
			return true
		}
	}
	return false
}

// Close ends everything. It may be called on nil.
func (t *Tools) Close() {
	if t == nil {
		return
	}
	var wg sync.WaitGroup
	for _, p := range t.parts {
		wg.Go(p.Close) // ends with its part's Close
	}
	wg.Wait()
}

// Forget gives up the records, which is for when nobody asks for anything any more: what
// came too late is still put down. It may be called on nil.
func (t *Tools) Forget() error {
	if t == nil {
		return nil
	}
	var errs []error
	for _, s := range t.shelves {
		errs = append(errs, s.Close())
	}
	return errors.Join(errs...)
}
