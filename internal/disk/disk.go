// Package disk bounds the space that the files of one sandbox may take, with what
// the kernel has for that; nobody counts files.
//
//	home/           a sandbox's directory
//	├ work/         its work directory
//	├ disk/
//	│  ├ work/      in an image: what is shown as work/
//	│  └ rooms/     what else the sandbox's user may write
//	└ disk.img      the image
//
// Where the file system has project quotas in force, and those inside can't leave
// their project, both directories are a project. Else, where the server is root and
// has loop devices, they lie in a sparse file with a file system of its own, which is
// mounted while the sandbox is in use. What a server that was killed has left mounted,
// the next one with the same data directory takes down.
//
// Ownership: a [Set] owns its mounts. Goroutines: one at a time, which makes a file
// system to have one ready; [Set.Close] joins it.
package disk

import (
	"errors"
	"log/slog"

	"hotcell/internal/child"
)

// The mechanisms, in [Force].
const (
	Quota = "project quota"
	Image = "image"
	None  = "none"
)

// Least is the smallest bound: less than that a file system of its own has no room for.
const Least = 16 << 20

// ErrUnavailable means that a sandbox's files are where this server can't get at them.
var ErrUnavailable = errors.New("the sandbox's files can't be reached")

// Force is what bounds the space of sandboxes here.
type Force struct {
	Mechanism string `json:"mechanism"`
	// Reason is why it isn't more.
	Reason string `json:"reason,omitempty"`
}

// Config is what a set is made of.
type Config struct {
	// Dir is the data directory, below which all sandboxes are.
	Dir string
	// Scratch is a directory of the server's own, on the same file system.
	Scratch string
	// Usual is the bound of most sandboxes: what is made ahead is for these. 0 is none.
	Usual int64
	// Confined tells that code in sandboxes runs as users who can't move their files
	// to another project, and whom quotas bind: not as root.
	Confined bool
	// Filled is called when a volume that is asked about turns out to be full, if it
	// wasn't when it was last asked about. Nil: nobody wants to know.
	Filled func()
	Log    *slog.Logger
}

// Volume is what a sandbox's files lie in.
type Volume struct {
	Home    string // its directory
	Project uint32 // a number that no other sandbox on this machine has
	Size    int64  // bytes; 0 is no bound
}

// Used tells of a volume that is in use.
type Used struct {
	Size  int64  // its bound; 0 if there is none
	Rooms string // a directory that counts, too, which whoever wants it makes; empty if there is no bound
	Full  bool   // nothing more can be written
}

// Bound is the limit that was reached, if the volume is full.
func (u Used) Bound() child.Bound {
	if !u.Full {
		return child.Bound{}
	}
	return child.Bound{Of: "sandbox", Limit: u.Size}
}
