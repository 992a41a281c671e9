package jail

import (
	"context"
	"encoding/json"
	"slices"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// sweep kills what is left of a sandbox's user, where no namespace has seen to it. A
// process of that user does it, which may signal nobody else; all at once, so that
// nobody can fork away from it.
func (j *Jail) sweep() {
	if j.cfg.Mode != Process {
		return
	}
	_ = Sweep(j.cfg)
}

// Sweep kills everything that a config's user runs.
func Sweep(cfg Config) error {
	if cfg.UID < UserBase || unix.Geteuid() != 0 {
		return nil
	}
	text, err := json.Marshal(terms{UID: cfg.UID, Sweep: true})
	if err != nil {
		return err
	}
	p, err := child.Start(context.Background(), child.Spec{Path: cfg.Program, Args: append(slices.Clone(cfg.Args), string(text)), Dir: "/"})
	if err != nil {
		return err
	}
	<-p.Done()
	return nil
}
