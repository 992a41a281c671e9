// Package isolation keeps the jails of a server's sandboxes: each is made when its
// sandbox first runs something, and made again when it has ended; it ends with the
// sandbox. How strong they are is settled once, at the start, by trying.
//
// Ownership: a [Set] owns its jails and joins them in Close. Goroutines: one for each
// jail that is being made, and one that makes some ahead.
package isolation

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"hotcell/internal/jail"
)

// Auto is the strongest mode that works here.
const Auto jail.Mode = "auto"

// Config says how sandboxes are kept apart.
type Config struct {
	Mode    jail.Mode    // Auto, or one of package jail; empty is jail.None
	Network jail.Network // empty is jail.Host
	// Data is the server's directory. Of it, those inside see what is theirs.
	Data string
	// Dir is a directory of the set's own, in it.
	Dir string
	// Shared lists what must be seen of what else isn't, see runtimes.Sharing.
	Shared func() []string
	// Visible are more of that, which whoever runs the server names.
	Visible []string
	// Rooms says where the directories of a sandbox are made that its user may write to;
	// empty, or nil: in Dir.
	Rooms func(sandbox string) string
	// Fits reports whether a sandbox can have a jail that was made ahead, around an empty
	// directory that was not yet its. Nil: all can.
	Fits func(sandbox string) bool
	// Admit gives, for a sandbox, what puts a process under its limits. Nil: nothing.
	Admit func(sandbox string) func(pid int) error
	// Enter says whether a sandbox may run something. It is asked when its jail has
	// been made, since it may have been stopped meanwhile. Nil: all may.
	Enter func(sandbox string) error
	// Program and Args start the first process of a jail, see package jail.
	Program string
	Args    []string
	Log     *slog.Logger
}

// Sandbox is whose jail is wanted.
type Sandbox struct {
	ID   string
	Work string // its work directory
	UID  int    // its user
}

// Berths are where jails that are made ahead get their sandboxes from: such a one has
// an id, a user and an empty work directory, since a jail can't be given others, but is
// nobody's yet.
type Berths struct {
	Make   func() (Sandbox, error)
	Remove func(Sandbox) // of one that nobody has got
}

// Status is what is in force.
type Status struct {
	Mode    jail.Mode    `json:"mode"`
	Network jail.Network `json:"network"`
	// Users tells whether each sandbox has a user of its own.
	Users bool `json:"users"`
	// Reason says why it isn't more, if it could be.
	Reason string `json:"reason,omitempty"`
}

// Errors of jails, as those know them who have no business with package jail.
var (
	// ErrClosed means that no jails are made any more.
	ErrClosed = errors.New("the server is shutting down")
	// ErrEnded means that a jail ended before something could be started in it. The
	// next start finds another, if the sandbox is to run anything.
	ErrEnded = jail.ErrEnded
)

// Validate reports what is wrong with the words.
func (c *Config) Validate() error {
	var errs []error
	if modes := []jail.Mode{Auto, jail.Namespace, jail.Process, jail.None}; !slices.Contains(modes, c.Mode) {
		errs = append(errs, fmt.Errorf("isolation %q is none of auto, namespace, process and none", c.Mode))
	}
	if nets := []jail.Network{jail.Host, jail.Loopback, jail.NoNet}; !slices.Contains(nets, c.Network) {
		errs = append(errs, fmt.Errorf("network %q is none of host, loopback and none", c.Network))
	}
	switch {
	case c.Mode == jail.None && c.Network != jail.Host:
		errs = append(errs, fmt.Errorf("the network can't be %q without isolation; choose isolation auto or namespace", c.Network))
	case c.Mode == jail.Process && c.Network == jail.Loopback:
		errs = append(errs, errors.New("a loopback of its own takes isolation namespace"))
	}
	return errors.Join(errs...)
}

// words joins the reasons that there are.
func words(reasons ...string) string {
	return strings.Join(slices.DeleteFunc(reasons, func(s string) bool { return s == "" }), "; ")
}
