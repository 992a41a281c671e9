package handlers

import (
	"context"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/handlers/daytona"
	"hotcell/process"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
	"hotcell/sandboxes/limits"
)

// workspaces tells the dialects what a context of a sandbox begins with.
type workspaces struct {
	sandboxes *sandboxes.Registry
	isolation *isolation.Set
	limits    *limits.Set // nil: there are none
}

func (s *Server) rooms() workspaces {
	return workspaces{sandboxes: s.cfg.Sandboxes, isolation: s.cfg.Isolation, limits: s.cfg.Limits}
}

// Enter finds a started sandbox by its id or name, which counts as activity in
// it. The options are its directory, environment and language. One that a client may
// not see isn't there; nil is for a sandbox that has been looked at already.
func (w workspaces) Enter(by *access.Access, sandbox string) (string, contexts.Options, error) {
	if err := seen(by, sandbox); err != nil {
		return "", contexts.Options{}, err
	}
	sb, err := w.sandboxes.Enter(sandbox)
	if err != nil {
		return "", contexts.Options{}, err
	}
	return sb.ID, contexts.Options{
		Language: daytona.Language(sb.Labels),
		Cwd:      w.sandboxes.WorkDir(sb.ID),
		Env:      sb.Env,
	}, nil
}

func seen(by *access.Access, sandbox string) error {
	if by == nil {
		return nil
	}
	return by.Enter(sandbox)
}

// Place is where the processes of a started sandbox run. Asking counts as
// activity in it. Who asks counts as for Enter.
func (w workspaces) Place(by *access.Access, sandbox string) (process.Place, error) {
	if err := seen(by, sandbox); err != nil {
		return process.Place{}, err
	}
	return w.place(sandbox)
}

// place is Place for a sandbox that has been looked at already.
func (w workspaces) place(sandbox string) (process.Place, error) {
	sb, err := w.sandboxes.Enter(sandbox)
	if err != nil {
		return process.Place{}, err
	}
	dir := w.sandboxes.WorkDir(sb.ID)
	// Making a jail is bounded, and for all who wait for it.
	jail, inside, err := w.isolation.Within(context.Background(), isolation.Sandbox{ID: sb.ID, Work: dir, UID: sb.UID})
	if err != nil {
		return process.Place{}, err
	}
	place := process.Place{Sandbox: sb.ID, Dir: dir, Env: sb.Env, Jail: jail, Inside: inside}
	if w.limits != nil {
		place.Group = w.limits.In(sb.ID)
	}
	return place, nil
}

// ScriptLanguage is the language of code that a client wants to run once and
// calls asked.
func (w workspaces) ScriptLanguage(sandbox, asked string) (string, error) {
	sb, err := w.sandboxes.Enter(sandbox)
	if err != nil {
		return "", err
	}
	return daytona.ScriptLanguage(sb.Labels, asked), nil
}
