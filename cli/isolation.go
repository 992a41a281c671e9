package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/sandboxes/isolation"
)

// isolationFlags say how sandboxes are kept apart.
type isolationFlags struct {
	Isolation string   `help:"What is around each sandbox: namespace (its own view of files, processes and the rest, by bubblewrap), process (its own user where the server is root, and Landlock), none, or auto, the strongest that works here. docs/isolation.md says what each keeps apart." enum:"auto,namespace,process,none" default:"none"`
	Network   string   `help:"What the processes of a sandbox reach: host (all that this machine does), loopback (one of the sandbox's own) or none. Other than host takes isolation." enum:"host,loopback,none" default:"host"`
	Visible   []string `help:"A directory that sandboxes may read, beside those of the system and of the interpreters. May be repeated." placeholder:"DIR" type:"existingdir"`
}

func (f *isolationFlags) check() error {
	cfg := isolation.Config{Mode: jail.Mode(f.Isolation), Network: jail.Network(f.Network)}
	if err := cfg.Validate(); err != nil {
		return badUsage("%v", err)
	}
	return nil
}

// openIsolation settles what is around sandboxes. scratch is a directory of the
// server's own.
func (e *engine) openIsolation(ctx context.Context, cfg engineConfig, scratch string) error {
	data, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return fmt.Errorf("find the data directory: %w", err)
	}
	e.isolation, err = isolation.New(ctx, isolation.Config{
		Mode: jail.Mode(cfg.Isolation.Isolation), Network: jail.Network(cfg.Isolation.Network), Visible: cfg.Isolation.Visible,
		Data: data, Dir: filepath.Join(scratch, "jails"), Shared: func() []string { return append(e.table.Shared(), filepath.Join(scratch, "bin")) }, Rooms: e.limits.Rooms, Enter: e.admit, Admit: e.limits.Within, Log: cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("keep sandboxes apart: %w", err)
	}
	s := e.isolation.Status()
	if s.Mode == jail.None {
		level := slog.LevelInfo
		if cfg.Isolation.Isolation == string(isolation.Auto) {
			level = slog.LevelWarn
		}
		cfg.Log.LogAttrs(ctx, level, "sandboxes are not kept apart: whoever runs code can do what the server can", slog.String("reason", s.Reason))
		return nil
	}
	cfg.Log.LogAttrs(ctx, slog.LevelInfo, "sandboxes are kept apart", slog.String("isolation", string(s.Mode)), slog.String("network", string(s.Network)),
		slog.Bool("users", s.Users), slog.String("reason", s.Reason))
	return nil
}

// jail is the boundary around what an owner, a sandbox, runs.
func (e *engine) jail(ctx context.Context, owner string) (child.Jail, error) {
	sb, err := e.sandboxes.Enter(owner) // whose directory has to be ready
	if err != nil {
		return nil, err
	}
	j, _, err := e.isolation.Within(ctx, isolation.Sandbox{ID: sb.ID, Work: e.sandboxes.WorkDir(sb.ID), UID: sb.UID})
	return j, err
}
