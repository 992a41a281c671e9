package jail

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socketFD is the first process's end of the socket, rulesetFD the Landlock ruleset.
const (
	socketFD  = 3
	rulesetFD = 4
)

// terms are what the first process puts on itself before it does anything else.
type terms struct {
	UID     int    `json:"uid"`     // 0: it stays who it is
	Reaches bool   `json:"reaches"` // it keeps one capability, see [Config]
	Ruleset bool   `json:"ruleset"` // there is one on rulesetFD
	Seccomp bool   `json:"seccomp"`
	Limits  limits `json:"limits"` // of the filter
	Sweep   bool   `json:"sweep"`  // it only kills what its user runs
}

// Main is the first process of a jail, `hotcell be-child init`. The first time it is
// given its terms, puts them on, and starts itself anew: what a thread has taken on
// is the whole process's after that, and nothing of the time before is in its memory.
func Main(args []string) int {
	runtime.LockOSThread() // the process's first thread, see serve
	var err error
	switch len(args) {
	case 0:
		err = serve()
	case 1:
		err = confine(args[0])
	default:
		err = fmt.Errorf("it takes one argument, not %q", args)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "hotcell jail:", err)
		return 1
	}
	return 0
}

// confine puts the terms on this thread, and becomes the first process proper. The
// order matters: groups and user while there is the right to change them, then the
// promise to gain no rights, which the rest asks for.
func confine(text string) error {
	var t terms
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return fmt.Errorf("read its terms: %w", err)
	}
	// By a descriptor, since its path may be out of reach in a moment.
	program, err := unix.Open("/proc/self/exe", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open its program: %w", err)
	}
	if err := drop(t.UID, t.Reaches); err != nil {
		return err
	}
	if t.Sweep {
		return killUser(t.UID)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("promise to gain no privileges: %w", err)
	}
	if t.Ruleset {
		if _, _, errno := unix.RawSyscall(unix.SYS_LANDLOCK_RESTRICT_SELF, rulesetFD, 0, 0); errno != 0 {
			return fmt.Errorf("restrict itself by Landlock: %w", errno)
		}
	}
	// A core would be written, or handed to somebody, outside. It is 1 that keeps the
	// kernel from both; 0 only from writing it.
	if err := unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: 1, Max: 1}); err != nil {
		return fmt.Errorf("forbid cores: %w", err)
	}
	if err := unix.CloseRange(socketFD+1, ^uint(0), unix.CLOSE_RANGE_CLOEXEC); err != nil {
		return fmt.Errorf("close descriptors: %w", err)
	}
	if t.Seccomp {
		prog, err := filter(t.Limits)
		if err != nil {
			return err
		}
		if err := install(prog); err != nil {
			return err
		}
	}
	self := "/proc/self/fd/" + strconv.Itoa(program)
	return fmt.Errorf("start itself anew: %w", unix.Exec(self, []string{"hotcell", "be-child", "init"}, []string{}))
}

// drop makes this thread another user's, without any right of its former one but that
// to reach files, if it is to keep that. The system calls are made here, since package
// syscall changes all threads, and the others are about to end.
func drop(uid int, reaches bool) error {
	kept := uint32(0)
	if reaches {
		kept = 1 << unix.CAP_DAC_READ_SEARCH
	}
	// What exec could give back, first: that takes a capability.
	for c := range uintptr(64) {
		if reaches && c == unix.CAP_DAC_READ_SEARCH {
			continue
		}
		if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, c, 0, 0, 0, 0); errno != 0 {
			break // EPERM: it has none, and can't get any; EINVAL: there are no more
		}
	}
	if uid > 0 && unix.Getuid() != uid {
		if err := become(uid, reaches); err != nil {
			return err
		}
	}
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	rest := [2]unix.CapUserData{{Effective: kept, Permitted: kept, Inheritable: kept}}
	if _, _, errno := unix.RawSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&rest[0])), 0); errno != 0 {
		return fmt.Errorf("give up its capabilities: %w", errno)
	}
	if reaches { // for whatever is started, which nothing else gives it
		if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, unix.CAP_DAC_READ_SEARCH, 0, 0, 0); errno != 0 {
			return fmt.Errorf("hand on the capability to reach files: %w", errno)
		}
	}
	return nil
}

// noFixup is SECBIT_NO_SETUID_FIXUP, which can't be taken back: see linux/securebits.h.
const noFixup = 1<<2 | 1<<3

// become changes this thread's groups and user. If it is to keep capabilities, it keeps
// all of them till then, and for good what access(2) takes from others than root: a
// program that asks whether it may do something is answered as if it did it.
func become(uid int, keep bool) error {
	if keep {
		if _, _, errno := unix.RawSyscall6(unix.SYS_PRCTL, unix.PR_SET_SECUREBITS, noFixup, 0, 0, 0, 0); errno != 0 {
			return fmt.Errorf("keep a capability: %w", errno)
		}
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 0, 0, 0); errno != 0 {
		return fmt.Errorf("leave its groups: %w", errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESGID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
		return fmt.Errorf("become group %d: %w", uid, errno)
	}
	if _, _, errno := unix.RawSyscall(unix.SYS_SETRESUID, uintptr(uid), uintptr(uid), uintptr(uid)); errno != 0 {
		return fmt.Errorf("become user %d: %w", uid, errno)
	}
	return nil
}

// killUser kills everything of a user, which this process now is.
func killUser(uid int) error {
	if uid < UserBase || unix.Getuid() != uid {
		return fmt.Errorf("user %d is no sandbox's", uid)
	}
	if err := unix.Kill(-1, unix.SIGKILL); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("kill what is left: %w", err)
	}
	return nil
}
