package handlers

import (
	"hotcell/contexts"
	"hotcell/handlers/daytona"
	"hotcell/sandboxes"
)

// workspaces tells the dialects what a context of a sandbox begins with.
type workspaces struct{ sandboxes *sandboxes.Registry }

// Options are the directory, environment and language of a started sandbox.
func (w workspaces) Options(sandbox string) (contexts.Options, error) {
	sb, err := w.sandboxes.Enter(sandbox)
	if err != nil {
		return contexts.Options{}, err
	}
	return contexts.Options{
		Language: sb.Labels[daytona.LanguageLabel],
		Cwd:      w.sandboxes.WorkDir(sb.ID),
		Env:      sb.Env,
	}, nil
}
