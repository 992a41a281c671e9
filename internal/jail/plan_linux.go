package jail

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// system are the directories that every program may need. What isn't there is left
// out; a link, as /bin is on most systems, is made again.
//
//nolint:gochecknoglobals // it is a constant, which Go has no slices of
var system = []string{
	"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix/store", "/gnu/store",
	"/var/lib/dpkg", "/var/cache/fontconfig", "/sys/devices/system/cpu", "/var/run",
}

// temporary are directories in memory that everybody inside may write to, with
// their sizes. What is in them counts as memory of whoever wrote it.
//
//nolint:gochecknoglobals // as above
var temporary = []struct {
	path string
	size int
}{
	{"/tmp", 1 << 30},
	{"/var/tmp", 256 << 20},
	{"/dev/shm", 1 << 30},
}

// complete fills in what was left out, and makes all paths absolute.
func (c *Config) complete() error {
	c.Name = cmp.Or(c.Name, "sandbox")
	c.Network = cmp.Or(c.Network, Host)
	if err := c.Validate(); err != nil {
		return err
	}
	if c.Args == nil {
		c.Args = []string{"be-child", "init"}
	}
	if c.Program == "" {
		exe, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find our own program: %w", err)
		}
		c.Program = exe
	}
	if c.Bwrap == "" && c.Mode == Namespace {
		bwrap, err := exec.LookPath("bwrap")
		if err != nil {
			return fmt.Errorf("%w: bubblewrap is not installed; on Debian and Ubuntu, 'apt-get install bubblewrap' does it", ErrUnavailable)
		}
		c.Bwrap = bwrap
	}
	c.Shared, c.Hidden = withTargets(c.Shared), withTargets(c.Hidden)
	for _, p := range []*string{&c.Program, &c.Work, &c.Scratch} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return fmt.Errorf("make the sandbox's jail: %w", err)
		}
		*p = abs
	}
	return nil
}

// withTargets adds to paths that are links, or lie behind one, what they lead to.
func withTargets(paths []string) []string {
	out := slices.Clone(paths)
	for _, path := range paths {
		if target, err := filepath.EvalSymlinks(path); err == nil && target != filepath.Clean(path) {
			out = append(out, target)
		}
	}
	return out
}

// env is what processes inside have unless they are given something else.
func (c *Config) env() map[string]string {
	env := map[string]string{"HOME": c.Work}
	if c.Mode == Process {
		env["TMPDIR"] = c.Tmp()
	}
	return env
}

// first is how the first process is started.
func (c *Config) first() (child.Spec, error) {
	terms, err := c.terms(c.wantsRuleset())
	if err != nil {
		return child.Spec{}, err
	}
	own := append(slices.Clone(c.Args), terms)
	if c.Mode == Process {
		// It sees the end of its socket when we die, and has to kill the rest then.
		return child.Spec{Path: c.Program, Args: own, Dir: "/", OutlivesUs: true}, nil
	}
	spec := child.Spec{Path: c.Bwrap, Dir: "/"}
	if unix.Geteuid() == 0 {
		spec.Users = []int{0}
		if c.UID != 0 {
			spec.Users = append(spec.Users, c.UID)
		}
		spec.NoNetwork = c.Network == NoNet
	}
	plan, err := c.plan()
	if err != nil {
		return child.Spec{}, err
	}
	spec.Args = slices.Concat(plan, []string{"--", c.Program}, own)
	return spec, nil
}

// plan is what bubblewrap is asked for. It begins with an empty file system, to
// which no more than the following is added.
func (c *Config) plan() ([]string, error) {
	args := []string{
		"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", c.Name,
		"--die-with-parent", "--as-pid-1", "--cap-drop", "ALL",
	}
	if unix.Geteuid() == 0 {
		args = append(args, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP")
	} else {
		args = append(args, "--unshare-user", "--disable-userns")
	}
	if c.Network == Loopback || c.Network == NoNet && unix.Geteuid() != 0 {
		args = append(args, "--unshare-net")
	}
	for _, path := range system {
		args = append(args, mirror(path)...)
	}
	args = append(args, c.resolver()...)
	args = append(args, "--dev", "/dev", "--proc", "/proc", "--dir", "/run", "--dir", "/root", "--dir", "/home", "--dir", "/var/lib")
	for _, t := range temporary {
		args = append(args, "--perms", "1777", "--size", strconv.Itoa(t.size), "--tmpfs", t.path)
	}
	args = append(args, c.views()...)
	users, err := c.users()
	if err != nil {
		return nil, err
	}
	args = append(args, users...)
	for _, b := range [][2]string{{"--ro-bind", c.Run()}, {"--bind", c.Rooms()}, {"--bind", c.Work}} {
		args = append(append(args, above(b[1])...), b[0], b[1], b[1])
	}
	return append(args, "--bind", c.Work, Workspace, "--remount-ro", "/", "--chdir", "/"), nil
}

// above makes the directories above a path, if they aren't there, such that the
// sandbox's user can pass: bubblewrap would make them like those outside.
func above(path string) []string {
	dir := filepath.Dir(path)
	if dir == "/" || dir == "." {
		return nil
	}
	return append(above(dir), "--perms", "0755", "--dir", dir)
}

// mirror shows a path of the system's, read-only.
func mirror(path string) []string {
	target, err := os.Readlink(path)
	if err == nil {
		return []string{"--symlink", target, path}
	}
	return []string{"--ro-bind-try", path, path}
}

// resolver shows the file that says where names are looked up, if it lies where
// nothing else is shown, and there is a network.
func (c *Config) resolver() []string {
	const file = "/etc/resolv.conf"
	real, err := filepath.EvalSymlinks(file)
	if err != nil || c.Network != Host || strings.HasPrefix(real, "/etc/") {
		return nil
	}
	return []string{"--ro-bind", real, real}
}

// views hides and shows directories, outer ones first: what is named within
// another wins over it.
func (c *Config) views() []string {
	hidden := map[string]bool{}
	var paths []string
	for i, list := range [][]string{c.Hidden, append(c.Shared, c.Program)} {
		for _, path := range list {
			if _, err := os.Stat(path); err != nil || !filepath.IsAbs(path) || filepath.Clean(path) == "/" {
				continue
			}
			path = filepath.Clean(path)
			if !slices.Contains(paths, path) {
				paths = append(paths, path)
				hidden[path] = i == 0
			}
		}
	}
	slices.Sort(paths)
	var args []string
	for _, path := range paths {
		if hidden[path] {
			// Only where something is shown at all is there anything to hide.
			args = append(append(args, above(path)...), "--perms", "0755", "--tmpfs", path)
			continue
		}
		args = append(append(args, above(path)...), "--ro-bind", path, path)
	}
	return args
}

// users gives the sandbox's user a name: many programs ask for it.
func (c *Config) users() ([]string, error) {
	if c.UID == 0 {
		return nil, nil
	}
	var args []string
	for _, f := range []struct{ path, line string }{
		{"/etc/passwd", fmt.Sprintf("sandbox:x:%d:%d:sandbox:%s:/bin/bash\n", c.UID, c.UID, c.Work)},
		{"/etc/group", fmt.Sprintf("sandbox:x:%d:\n", c.UID)},
	} {
		text, err := os.ReadFile(f.path)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the system's users: %w", err)
		}
		own := filepath.Join(c.Scratch, filepath.Base(f.path))
		if err := os.WriteFile(own, append([]byte(f.line), text...), 0o644); err != nil {
			return nil, fmt.Errorf("give the sandbox's user a name: %w", err)
		}
		args = append(args, "--ro-bind", own, f.path)
	}
	return args, nil
}

// worldReadable is what everybody may read in a directory: whole directories where
// that is all of what they hold, and files. A link counts as the file that it leads
// to, which may lie elsewhere; a directory elsewhere is shown by its own rule or not
// at all.
func worldReadable(dir string) []string {
	paths, whole := readable(dir)
	if whole {
		return []string{dir}
	}
	return paths
}

// readable is worldReadable of what is in a directory; whole tells that it is all.
func readable(dir string) (paths []string, whole bool) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, false
	}
	whole = true
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		st, err := os.Stat(path)
		switch {
		case err != nil, e.Type() == fs.ModeSymlink && st.IsDir():
			continue // nothing is shown by it
		case st.Mode().IsRegular() && st.Mode().Perm()&0o004 != 0:
			paths = append(paths, path)
		case st.IsDir() && st.Mode().Perm()&0o005 == 0o005:
			below, all := readable(path)
			if all {
				below = []string{path}
			}
			paths, whole = append(paths, below...), whole && all
		default:
			whole = false
		}
	}
	return paths, whole
}
