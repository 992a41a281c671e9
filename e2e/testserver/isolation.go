package testserver

import (
	"context"
	"path/filepath"
	"testing"

	"hotcell/internal/child"
	"hotcell/process"
	"hotcell/sandboxes/isolation"
)

// isolate settles what is around sandboxes.
func (s *Server) isolate(tb testing.TB, o options) {
	tb.Helper()
	var err error
	s.Isolation, err = isolation.New(tb.Context(), isolation.Config{
		Mode: o.mode, Network: o.network, Data: o.dataDir, Dir: filepath.Join(o.dataDir, "jails"),
		Shared: s.Table.Shared, Visible: o.visible, Enter: s.admit, Admit: s.limitsOf, Log: o.log,
	})
	if err != nil {
		tb.Fatalf("isolate sandboxes: %v", err)
	}
}

func (s *Server) jail(ctx context.Context, owner string) (child.Jail, error) {
	j, _, err := s.within(ctx, owner)
	return j, err
}

func (s *Server) within(ctx context.Context, sandbox string) (child.Jail, process.Inside, error) {
	sb, err := s.Sandboxes.Lookup(sandbox)
	if err != nil {
		return nil, process.Inside{}, err
	}
	return s.Isolation.Within(ctx, isolation.Sandbox{ID: sb.ID, Work: s.Sandboxes.WorkDir(sb.ID), UID: sb.UID})
}

// Place is where the processes of a sandbox run.
func (s *Server) Place(tb testing.TB, sandbox string) process.Place {
	tb.Helper()
	j, inside, err := s.within(tb.Context(), sandbox)
	if err != nil {
		tb.Fatalf("the sandbox's boundary: %v", err)
	}
	sb, err := s.Sandboxes.Lookup(sandbox)
	if err != nil {
		tb.Fatal(err)
	}
	return process.Place{Sandbox: sb.ID, Dir: s.Sandboxes.WorkDir(sb.ID), Env: sb.Env, Jail: j, Inside: inside}
}
