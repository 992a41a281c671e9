package cli

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"hotcell/internal/child"
	"hotcell/internal/jail"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
)

// isolationFlags say how sandboxes are kept apart.
type isolationFlags struct {
	Isolation string   `help:"What is around each sandbox: namespace (its own view of files, processes and the rest, by bubblewrap), process (its own user where the server is root, and Landlock), none, or auto, the strongest of them that works here. docs/isolation.md says what each keeps apart. Default: ${default}." enum:"auto,namespace,process,none" default:"auto"`
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
		Data: data, Dir: filepath.Join(scratch, "jails"), Shared: func() []string { return append(e.table.Shared(), filepath.Join(scratch, "bin")) },
		Rooms: e.limits.Rooms, Enter: e.admit, Admit: e.limits.Within, Log: cfg.Log,
		// What bounds the disk may be mounted in the place of the directory.
		Fits: func(sandbox string) bool { return e.limits.Of(sandbox).Disk == 0 },
	})
	if err != nil {
		return fmt.Errorf("keep sandboxes apart: %w", err)
	}
	reportIsolation(ctx, e.isolation.Status(), cfg.Isolation.Isolation, cfg.Log)
	return nil
}

// reportIsolation says what is around sandboxes, and why it isn't more if somebody may
// have expected that.
func reportIsolation(ctx context.Context, s isolation.Status, asked string, log *slog.Logger) {
	level := slog.LevelInfo
	if asked == string(isolation.Auto) && s.Mode != jail.Namespace {
		level = slog.LevelWarn
	}
	var reason []slog.Attr
	if s.Reason != "" {
		reason = append(reason, slog.String("reason", s.Reason))
	}
	if s.Mode == jail.None {
		log.LogAttrs(ctx, level, "sandboxes are not kept apart: whoever runs code can do what the server can", reason...)
		return
	}
	attrs := append([]slog.Attr{
		slog.String("isolation", string(s.Mode)), slog.String("network", string(s.Network)), slog.Bool("users", s.Users),
	}, reason...)
	if level == slog.LevelWarn {
		log.LogAttrs(ctx, level, "sandboxes are kept apart, less than they could be", attrs...)
		return
	}
	log.LogAttrs(ctx, level, "sandboxes are kept apart", attrs...)
}

// berths are what jails are made ahead for.
func (e *engine) berths() isolation.Berths {
	return isolation.Berths{
		Make: func() (isolation.Sandbox, error) {
			b, err := e.sandboxes.Prepare()
			return isolation.Sandbox{ID: b.ID, Work: e.sandboxes.WorkDir(b.ID), UID: b.UID}, err
		},
		Remove: func(sb isolation.Sandbox) { e.sandboxes.Discard(sb.ID) },
	}
}

// berth is one with a jail that is ready.
func (e *engine) berth() (sandboxes.Berth, bool) {
	sb, ok := e.isolation.Take()
	return sandboxes.Berth{ID: sb.ID, UID: sb.UID}, ok
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
