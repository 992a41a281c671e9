package jail

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Usable reports what a mode can't do without on this machine. That it does the rest
// is seen by making a [Jail].
func Usable(mode Mode, uid int) error {
	if mode == Process && uid == 0 && landlockABI() == 0 {
		return fmt.Errorf("%w: this kernel has no Landlock (Linux 5.13), and without root there are no other users", ErrUnavailable)
	}
	if uid != 0 && !mapped(uid) {
		return fmt.Errorf("%w: this is a container that has no users from %d on", ErrUnavailable, UserBase)
	}
	return nil
}

// Lacking says what a mode, which works, lacks on this machine.
func Lacking(mode Mode) string {
	var lacks []string
	if arch == 0 {
		lacks = append(lacks, "there is no seccomp filter for this kind of machine")
	}
	switch abi := landlockABI(); {
	case abi == 0:
		lacks = append(lacks, "this kernel has no Landlock (Linux 5.13)")
	case abi < abiScopes && mode == Process:
		lacks = append(lacks, "Landlock keeps signals and abstract sockets apart from Linux 6.12 on")
	case abi < abiScopes:
		lacks = append(lacks, "Landlock keeps the host's abstract sockets away from Linux 6.12 on")
	}
	return strings.Join(lacks, "; ")
}

// Advice names the settings of this machine that forbid namespaces of users, and what
// is done about it. Empty: there is none of them.
func Advice() string {
	for _, c := range []struct {
		setting, forbids string
		root             bool // root is forbidden, too
		want             string
	}{
		{"user.max_user_namespaces", "0", true, "set it to 10000 or so"},
		{"kernel.unprivileged_userns_clone", "0", false, "set it to 1, or start the server as root"},
		{"kernel.apparmor_restrict_unprivileged_userns", "1", false, "set it to 0, or start the server as root"},
	} {
		text, err := os.ReadFile("/proc/sys/" + strings.ReplaceAll(c.setting, ".", "/"))
		if value := strings.TrimSpace(string(text)); err == nil && value == c.forbids && (c.root || unix.Geteuid() != 0) {
			return fmt.Sprintf("the setting %s of this machine is %s: with sysctl, %s", c.setting, value, c.want)
		}
	}
	return ""
}

// mapped reports whether a user exists in our own user namespace.
func mapped(uid int) bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	if errors.Is(err, unix.ENOENT) {
		return true // no namespaces of users at all
	}
	for line := range strings.Lines(string(text)) {
		var inside, outside, count int
		if n, _ := fmt.Sscan(line, &inside, &outside, &count); n == 3 && uid >= inside && uid-inside < count {
			return true
		}
	}
	return false
}

// CanReach reports whether those inside can be given what [Config].Reaches means: the
// capability for it, that to hand it on without the others, and Landlock, without which
// it would show everything.
func CanReach() bool {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData
	const needed = 1<<unix.CAP_DAC_READ_SEARCH | 1<<unix.CAP_SETPCAP
	if unix.Capget(&head, &has[0]) != nil || has[0].Effective&needed != needed {
		return false
	}
	return landlockABI() > 0 && arch != 0
}
