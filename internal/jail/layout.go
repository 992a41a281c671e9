package jail

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
)

// Workspace is where the work directory is, too, in a namespace.
const Workspace = "/workspace"

// The directories of a jail's scratch, which have the same paths inside. What the
// server, which may be root, opens by name in them must be where it put it, so those
// inside can rename nothing there: Run can't be changed from inside at all, and in
// Rooms only what is in its rooms.
//
//	Run/    the server's; inside it can be read. Named pipes in it can be written to.
//	Rooms/  the server's; each directory in it is the sandbox's. tmp is one.

// Run is the directory for what the server gives to processes.
func (c *Config) Run() string { return filepath.Join(c.Scratch, "run") }

// Rooms is the directory of those that the sandbox's user may write to.
func (c *Config) Rooms() string { return cmp.Or(c.Writable, filepath.Join(c.Scratch, "rooms")) }

// Tmp is a private directory for temporary files. In namespaces, /tmp is another.
func (c *Config) Tmp() string { return filepath.Join(c.Rooms(), "tmp") }

// makeScratch makes the directories, anew.
func (c *Config) makeScratch() error {
	for _, dir := range []string{c.Scratch, c.Rooms()} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("clear the jail's scratch directory: %w", err)
		}
	}
	for _, dir := range []string{c.Scratch, c.Run(), c.Rooms()} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return fmt.Errorf("make the jail's scratch directory: %w", err)
		}
	}
	return MakeRoom(c.Tmp(), c.UID)
}

// removeScratch removes what makeScratch has made.
func (c *Config) removeScratch() {
	_ = os.RemoveAll(c.Scratch)
	_ = os.RemoveAll(c.Rooms())
}

// MakeRoom makes a directory that a user may write to. Whoever puts something into
// it as another user does so before, by a function that is given.
func MakeRoom(path string, uid int) error {
	if err := os.Mkdir(path, 0o700); err != nil {
		return fmt.Errorf("make a directory for the sandbox: %w", err)
	}
	if uid == 0 {
		return nil
	}
	if err := os.Lchown(path, uid, uid); err != nil {
		return fmt.Errorf("give a directory to the sandbox: %w", err)
	}
	return nil
}
