package jail

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// sweep kills what is left of a sandbox's user, where no namespace has seen to it. A
// process of that user does it, which may signal nobody else; all at once, so that
// nobody can fork away from it.
func (j *Jail) sweep() {
	_ = Sweep(j.cfg)
}

// Sweep kills everything that a config's user runs, where no namespace does.
func Sweep(cfg Config) error {
	if cfg.Mode != Process || cfg.UID < UserBase || unix.Geteuid() != 0 {
		return nil
	}
	if err := cfg.complete(); err != nil {
		return err
	}
	text, err := json.Marshal(terms{UID: cfg.UID, Sweep: true})
	if err != nil {
		return fmt.Errorf("say what to kill: %w", err)
	}
	p, err := child.Start(context.Background(), child.Spec{Path: cfg.Program, Args: append(slices.Clone(cfg.Args), string(text)), Dir: "/"})
	if err != nil {
		return fmt.Errorf("kill what a user runs: %w", err)
	}
	<-p.Done()
	return nil
}
