package limits

import (
	"path/filepath"

	"hotcell/internal/cgroup"
	"hotcell/internal/child"
	"hotcell/internal/disk"
	"hotcell/sandboxes"
)

// ErrDisk means that what holds a sandbox's files can't be mounted, as those know it who
// have no business with package disk.
var ErrDisk = disk.ErrUnavailable

// OpenDisk finds out what bounds the space of sandboxes' files here, and takes down what
// a dead server has left of that. Where there are users, they also count processes for
// want of groups. It is called once, before anything runs in a sandbox.
// scratch is a directory of the server's own; confined tells that code runs as users
// whom the system holds to their quotas.
func (s *Set) OpenDisk(scratch string, confined bool) {
	if confined {
		s.tree.HaveUsers()
	}
	s.disk = disk.Open(disk.Config{
		Dir: s.cfg.Dir, Scratch: scratch, Usual: s.cfg.Sandbox.Disk, Confined: confined,
		Filled: func() { s.cfg.Hit("disk_full") }, Log: s.cfg.Log,
	})
}

func (s *Set) diskForce() disk.Force {
	if s.disk == nil {
		return disk.Force{Mechanism: disk.None}
	}
	return s.disk.Force()
}

// home is a sandbox's directory.
func (s *Set) home(sandbox string) string {
	dir, err := filepath.Abs(s.cfg.Dir)
	if err != nil {
		dir = s.cfg.Dir
	}
	return filepath.Join(dir, "sandboxes", sandbox)
}

// Ready makes a sandbox's directory ready for use, see [sandboxes.Options].
func (s *Set) Ready(sb sandboxes.Sandbox, still func() error) error {
	if s.disk == nil {
		return nil
	}
	// A sandbox's user is nobody else's on this machine, so its number will do.
	return s.disk.Attach(disk.Volume{Home: s.home(sb.ID), Project: uint32(sb.UID), Size: s.Of(sb.ID).Disk}, still)
}

// Rooms is where what a sandbox's user writes outside of the work directory counts
// against the same limit; empty if there is none.
func (s *Set) Rooms(sandbox string) string {
	if s.disk == nil {
		return ""
	}
	return s.disk.Used(s.home(sandbox)).Rooms
}

// endDisk gives up the directory of a sandbox in which nothing runs any more.
func (s *Set) endDisk(sandbox string) error {
	if s.disk == nil {
		return nil
	}
	return s.disk.Detach(s.home(sandbox))
}

// full tells whether the disk of a sandbox is.
func (s *Set) full(sandbox string) func() child.Bound {
	home := s.home(sandbox)
	return func() child.Bound {
		if s.disk == nil {
			return child.Bound{}
		}
		return s.disk.Used(home).Bound()
	}
}

// group counts what the disk is a reason of, too.
type group struct {
	*cgroup.Group
	full func() child.Bound
}

var _ child.Doors = group{}

// Count implements [child.Group].
func (g group) Count() child.Count {
	c := g.Group.Count()
	c.Disk = g.full()
	return c
}

// End implements [child.Group].
func (g group) End() (child.Count, bool) {
	c, empty := g.Group.End()
	c.Disk = g.full()
	return c, empty
}
