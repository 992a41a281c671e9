package handlers

import (
	"context"

	"hotcell/contexts"
	"hotcell/handlers/daytona"
	"hotcell/process"
	"hotcell/sandboxes"
	"hotcell/sandboxes/isolation"
)

// workspaces tells the dialects what a context of a sandbox begins with.
type workspaces struct {
	sandboxes *sandboxes.Registry
	isolation *isolation.Set
}

// Enter finds a started sandbox by its id or name, which counts as activity in
// it. The options are its directory, environment and language.
func (w workspaces) Enter(sandbox string) (string, contexts.Options, error) {
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

// Place is where the processes of a started sandbox run. Asking counts as
// activity in it.
func (w workspaces) Place(sandbox string) (process.Place, error) {
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
	return process.Place{Sandbox: sb.ID, Dir: dir, Env: sb.Env, Jail: jail, Inside: inside}, nil
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
