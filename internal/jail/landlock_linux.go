package jail

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// landlockABI is which of its features the kernel has; 0 is none.
func landlockABI() int {
	abi, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// The features that matter, by the ABI that brought them.
const (
	abiRefer    = 2
	abiTruncate = 3
	abiIoctl    = 5
	abiScopes   = 6
)

// What may be done with files.
const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR | unix.LANDLOCK_ACCESS_FS_EXECUTE
	landlockFile  = unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_TRUNCATE | unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	landlockFirst = 1<<13 - 1 // all that the first ABI knows
)

// landlockAll is everything that a kernel can restrict.
func landlockAll(abi int) uint64 {
	all := uint64(landlockFirst)
	if abi >= abiRefer {
		all |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= abiTruncate {
		all |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	if abi >= abiIoctl {
		all |= unix.LANDLOCK_ACCESS_FS_IOCTL_DEV
	}
	return all
}

// wantsRuleset tells whether there is anything for Landlock to do. Inside of
// namespaces that is only to keep the host's abstract sockets away, which have their
// names in the network's namespace.
func (c *Config) wantsRuleset() bool {
	abi := landlockABI()
	if c.Mode == Namespace {
		return abi >= abiScopes && c.Network == Host
	}
	return abi > 0
}

// ruleset is for everything inside to be restricted by; nil where there is none.
func (c *Config) ruleset() (*os.File, error) {
	if !c.wantsRuleset() {
		return nil, nil //nolint:nilnil // there is none, and no fault
	}
	abi := landlockABI()
	attr := unix.LandlockRulesetAttr{}
	if abi >= abiScopes {
		attr.Scoped = unix.LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET
	}
	if c.Mode == Process {
		attr.Access_fs = landlockAll(abi)
		if abi >= abiScopes {
			attr.Scoped |= unix.LANDLOCK_SCOPE_SIGNAL
		}
	}
	size := unsafe.Sizeof(attr)
	if abi < abiScopes {
		size = unsafe.Offsetof(attr.Access_net) // a kernel refuses more than it knows
	}
	fd, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), size, 0)
	if errno != 0 {
		return nil, fmt.Errorf("make a Landlock ruleset: %w", errno)
	}
	f := os.NewFile(fd, "landlock")
	if c.Mode == Process {
		if err := c.allow(f, attr.Access_fs); err != nil {
			_ = f.Close()
			return nil, err
		}
	}
	return f, nil
}

// allow writes the rules of process mode.
func (c *Config) allow(ruleset *os.File, all uint64) error {
	var read []string
	for _, path := range system {
		// Here a link shows what it leads to: /var/run all of /run, where secrets are.
		if st, err := os.Lstat(path); err == nil && (st.IsDir() || filepath.Dir(path) == "/") {
			read = append(read, path)
		}
	}
	read = append(append(read, c.Shared...), c.Program)
	read = append(read, "/proc", "/run/systemd/resolve")
	if c.seesAll() {
		// Such a one reads what is root's alone, so it is shown no directory as a whole in
		// which there is such a thing.
		for i, path := range read {
			if path == "/etc" {
				read = append(append(read[:i:i], worldReadable(path)...), read[i+1:]...)
				break
			}
		}
	}
	rules := map[uint64][]string{
		landlockRead: read,
		landlockRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE: {c.Run()},
		landlockFile:                {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"},
		landlockFile | landlockRead: c.terminals(),
		all &^ (unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_CHAR): {c.Work, c.Rooms()},
	}
	if c.UID >= UserBase && !c.Reaches { // what others put there is not its own
		rules[landlockRead|landlockFile|unix.LANDLOCK_ACCESS_FS_MAKE_REG|unix.LANDLOCK_ACCESS_FS_REMOVE_FILE] = []string{"/dev/shm"}
	}
	for access, paths := range rules {
		for _, path := range paths {
			if err := permit(ruleset, path, access&all); err != nil {
				return err
			}
		}
	}
	return nil
}

// terminals are those that can be opened by name. Who reads whatever the mode says would
// take what others type, and no rule tells a terminal of the jail's, which gets a number
// when it is made, from theirs. What it was given, as a terminal of the sandbox's, it
// has, and finds as /dev/tty.
func (c *Config) terminals() []string {
	if c.Reaches {
		return []string{"/dev/ptmx"}
	}
	return []string{"/dev/pts", "/dev/ptmx"}
}

// permit adds a rule. What isn't there needs none.
func permit(ruleset *os.File, path string, access uint64) error {
	fd, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOTDIR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("permit %s: %w", path, err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return fmt.Errorf("permit %s: %w", path, err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		access &= landlockFile
	}
	attr := unix.LandlockPathBeneathAttr{Allowed_access: access, Parent_fd: int32(fd)}
	_, _, errno := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset.Fd(), unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&attr)), 0, 0, 0)
	if errno != 0 {
		return fmt.Errorf("permit %s: %w", path, errno)
	}
	return nil
}
