// Package runtimes is the language table. A [Runtime] finds the program of one
// language family and starts kernels of it; its sub-packages hold one runtime
// each, with the driver's source embedded. It knows neither contexts nor HTTP,
// and it owns no goroutines: a started [Kernel] belongs to whoever started it.
package runtimes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hotcell/internal/child"
	"hotcell/internal/direct"
	"hotcell/internal/wire"
)

// ErrUnavailable means that a language's program is missing or too old. The
// error text says what to install.
var ErrUnavailable = errors.New("runtime is not available")

// ErrUnknownLanguage means that no runtime serves the language.
var ErrUnknownLanguage = errors.New("unknown language")

// Runtime starts kernels of one language family. Implementations are safe for
// concurrent use.
type Runtime interface {
	// Info tells what is in use, or why nothing is. It never blocks.
	Info() Info
	// Start starts a kernel whose driver has said hello; it still has to be
	// configured. ctx bounds the starting only.
	Start(ctx context.Context, spec Spec) (*Kernel, error)
	// Translate turns a cell as the user wrote it into what the driver takes.
	// A cell that cannot be translated is the user's error, given as such.
	Translate(language, code string) (string, *UserError)
	// Close ends what the runtime itself keeps (a template process, files).
	// Kernels are closed by their owners first.
	Close() error
}

// Info describes a runtime. Fault is empty when it can start kernels.
type Info struct {
	Name      string   `json:"name"`      // python
	Languages []string `json:"languages"` // javascript, typescript
	Aliases   []string `json:"aliases"`   // js, ts
	Program   string   `json:"program"`   // /usr/bin/python3.11, resolved
	Version   string   `json:"version"`   // 3.11.7
	Fault     string   `json:"fault,omitempty"`
}

// Spec says what a kernel must be born with. The zero value is a kernel that
// can be started ahead of need and configured later.
type Spec struct {
	// Env holds the variables that only take effect at a program's start
	// (PYTHONPATH, LD_*, NODE_OPTIONS …), see [Info] of each runtime. The
	// others come with configure.
	Env map[string]string
	// Jail is the boundary inside which the kernel lives. Nil: none.
	Jail child.Jail
	// Group counts and bounds the kernel. Nil: nothing does. A kernel that is started
	// without enters one later, see [Kernel.Enter].
	Group child.Group
}

// BirthEnv is implemented by runtimes for which some variables only take
// effect at the program's start. It returns those of env, or nil.
type BirthEnv interface {
	BirthEnv(env map[string]string) map[string]string
}

// Preparer is implemented by runtimes whose kernels in jails come from something that
// takes a while to make, and is the same for all jails. Prepare returns when that is there, has failed, or ctx ends; if
// it has failed, Start says why.
type Preparer interface {
	Prepare(ctx context.Context)
}

// UserError is a fault in a cell that was found before it reached a driver.
type UserError struct {
	Name, Value, Traceback string
	Incomplete             bool // the cell ends too early, more input could mend it
}

// Process is the process group behind a kernel, as its owner sees it.
type Process interface {
	Pid() int
	// Signal sends to the whole group. Sending to a dead group is no error.
	Signal(sig os.Signal) error
	// Done is closed when the leader has exited, the rest of its group has
	// been killed, and Exit is known.
	Done() <-chan struct{}
	Exit() child.Exit
}

// Conn is our end of a kernel's protocol.
type Conn = direct.Stream

// Kernel is a started kernel: the protocol's connection, the read ends of the
// user's two output pipes (non-blocking), and the process.
type Kernel struct {
	Conn    Conn
	Stdout  *os.File
	Stderr  *os.File
	Process Process
	Hello   wire.Message
	Parked  bool       // it has waited for its user
	Jail    child.Jail // where it lives; nil is beside us
	// Group counts and bounds it until Process is done, which ends it; nil: nothing does.
	Group child.Group
	doors []string // by which it has to enter the group before anything else
}

// Doors are what the first request has to name, see [wire.Request].
func (k *Kernel) Doors() []string { return k.doors }

// Enter puts a kernel that has waited for its user into the user's group, whose it is
// from the call on, even if that fails.
func (k *Kernel) Enter(group child.Group) error {
	p, ok := k.Process.(interface{ Enter(group child.Group) error })
	if !ok {
		group.End()
		return fmt.Errorf("bound the kernel: its process is a %T", k.Process)
	}
	var err error
	if doors := k.openings(group); len(doors) > 0 {
		err = k.enterItself(group, doors)
	} else {
		err = p.Enter(group)
	}
	if err != nil {
		return fmt.Errorf("bound the kernel: %w", err)
	}
	k.Group = group
	return nil
}

// openings are the doors that the kernel can use: it sees the files as we do.
func (k *Kernel) openings(group child.Group) []string {
	g, ok := group.(child.Doors)
	if !ok || !g.Opens() || !k.Hello.Enters || k.Jail != nil {
		return nil
	}
	in, back, err := g.Doors()
	if err != nil { // which Enter meets too
		return nil
	}
	paths := make([]string, 0, len(in))
	for _, f := range in {
		paths = append(paths, f.Name())
	}
	for _, f := range slices.Concat(in, back) {
		_ = f.Close()
	}
	return paths
}

// enterItself leaves the entering to the kernel, before anything of a user's is in it.
func (k *Kernel) enterItself(group child.Group, doors []string) error {
	p, ok := k.Process.(interface{ Entered(group child.Doors) error })
	g, is := group.(child.Doors)
	if !ok || !is {
		group.End()
		return fmt.Errorf("its process is a %T", k.Process)
	}
	if err := p.Entered(g); err != nil {
		return err
	}
	k.doors = doors
	return nil
}

// Ended says how a kernel that has ended did, in words.
func (k *Kernel) Ended() string { return k.EndedAs(k.Process.Exit()) }

// EndedAs is Ended for an exit of which something was told before.
func (k *Kernel) EndedAs(exit child.Exit) string {
	how := exit.String()
	if child.Ended(k.Jail) {
		how += " with all else in its sandbox, whose first process has ended"
	}
	return how
}

// Table finds the runtime of a language.
type Table struct {
	runtimes []Runtime
}

// NewTable returns a table of the given runtimes. Earlier ones win.
func NewTable(rs ...Runtime) *Table { return &Table{runtimes: rs} }

// All returns the runtimes in order.
func (t *Table) All() []Runtime { return slices.Clone(t.runtimes) }

// Lookup returns the runtime and the proper name of a language; case, blanks
// and aliases are forgiven. The error wraps [ErrUnknownLanguage] and lists
// what there is.
func (t *Table) Lookup(language string) (Runtime, string, error) {
	want := strings.ToLower(strings.TrimSpace(language))
	var known []string
	for _, r := range t.runtimes {
		info := r.Info()
		if slices.Contains(info.Languages, want) {
			return r, want, nil
		}
		// Aliases stand in the order of the languages that they name:
		// "alias=language".
		for _, a := range info.Aliases {
			if short, long, ok := strings.Cut(a, "="); ok && short == want {
				return r, long, nil
			}
		}
		known = append(known, info.Languages...)
	}
	return nil, "", fmt.Errorf("%w %q: use one of %s", ErrUnknownLanguage, language, strings.Join(known, ", "))
}

// Programs lists the directories of the interpreters in use, so that what a
// command calls python is what contexts run.
func (t *Table) Programs() []string {
	var dirs []string
	for _, r := range t.runtimes {
		info := r.Info()
		if info.Fault == "" && filepath.IsAbs(info.Program) && !slices.Contains(dirs, filepath.Dir(info.Program)) {
			dirs = append(dirs, filepath.Dir(info.Program))
		}
	}
	return dirs
}

// Close closes every runtime.
func (t *Table) Close() error {
	var errs []error
	for _, r := range t.runtimes {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}
