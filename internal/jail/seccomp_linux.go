package jail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// The filter is a list of what is refused, not of what is allowed: user code is
// whatever somebody wants to run, and a call that the kernel learned last year must
// not break it. It takes away what a process without privileges could still do to
// be more than that, and the parts of the kernel in which such bugs are found again
// and again. What is left is bounded by the namespaces, the user and the limits.

// Offsets in struct seccomp_data. Numbers of arguments are below 6, and we only
// look at their lower halves, on machines whose lower half comes first.
const (
	offNumber = 0
	offArch   = 4
	offArg    = 16
)

// namespaces are the flags of clone and unshare that make one. That of a time
// namespace is among the bits in which clone takes a signal.
const (
	cloneSpaces   = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER | unix.CLONE_NEWPID | unix.CLONE_NEWNET
	unshareSpaces = cloneSpaces | unix.CLONE_NEWTIME
)

// refused are calls that fail as they would without the right to make them.
//
//nolint:gochecknoglobals // it is a constant, which Go has no slices of
var refused = []uintptr{
	// What is where.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_SETNS,
	unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK,
	unix.SYS_MOUNT_SETATTR, unix.SYS_OPEN_TREE_ATTR,
	unix.SYS_SWAPON, unix.SYS_SWAPOFF, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_FANOTIFY_INIT,
	// Files by number, past the directories above them.
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT,
	// Keys, which belong to a user and not to a namespace.
	unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY,
	// Code in the kernel, and the kernel's own insides.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE,
	unix.SYS_KEXEC_LOAD, unix.SYS_REBOOT, unix.SYS_ACCT, unix.SYS_SYSLOG, unix.SYS_VHANGUP,
	unix.SYS_LSM_SET_SELF_ATTR, unix.SYS_LSM_GET_SELF_ATTR, unix.SYS_LSM_LIST_MODULES,
	// Parts in which too much was found. Programs do without.
	unix.SYS_USERFAULTFD,
	// The machine's clock.
	unix.SYS_SETTIMEOFDAY, unix.SYS_CLOCK_SETTIME,
}

// missing are calls that programs try, and do without where they don't exist.
//
//nolint:gochecknoglobals // as above
var missing = []uintptr{
	// Its flags are in memory, where no filter can look: clone is what is left.
	unix.SYS_CLONE3,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER,
}

// families are those of sockets that there may be; the others reach what is not a
// network: the machine that this one runs in, the kernel's ciphers, packets.
func families(noInternet bool) []uint32 {
	if noInternet {
		return []uint32{unix.AF_UNIX}
	}
	return []uint32{unix.AF_UNIX, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK}
}

// filter is the jail's, for seccomp(2).
func filter(noInternet bool) ([]unix.SockFilter, error) {
	if arch == 0 {
		return nil, errors.New("there is no filter for this kind of machine")
	}
	errno := func(e unix.Errno) bpf.Instruction {
		return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(e)}
	}
	prog := []bpf.Instruction{
		// Another instruction set has other numbers.
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
		bpf.LoadAbsolute{Off: offNumber, Size: 4},
		// The numbers of x32, which amd64 has beside its own. -1 is nobody's.
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 1 << 30, SkipTrue: 1},
		errno(unix.ENOSYS),
	}
	for _, list := range []struct {
		calls []uintptr
		errno unix.Errno
	}{{refused, unix.EPERM}, {refusedHere(), unix.EPERM}, {missing, unix.ENOSYS}} {
		for _, nr := range list.calls {
			prog = append(prog, bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(nr), SkipFalse: 1}, errno(list.errno))
		}
	}
	refuse := errno(unix.EPERM)
	prog = append(prog, unless(unix.SYS_CLONE, 0, bpf.JumpBitsNotSet, []uint32{cloneSpaces}, refuse)...)
	prog = append(prog, unless(unix.SYS_UNSHARE, 0, bpf.JumpBitsNotSet, []uint32{unshareSpaces}, refuse)...)
	// Characters typed into a terminal that somebody else reads, and the console's menus.
	prog = append(prog, unlessNot(unix.SYS_IOCTL, 1, []uint32{unix.TIOCSTI, tiocLinux}, refuse)...)
	// The usual one, that of 32 bits, asking, and a debugger's without random addresses.
	prog = append(prog, unless(unix.SYS_PERSONALITY, 0, bpf.JumpEqual, []uint32{0, 8, 0x40000, math.MaxUint32}, refuse)...)
	for _, nr := range []uintptr{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		prog = append(prog, unless(nr, 0, bpf.JumpEqual, families(noInternet), errno(unix.EAFNOSUPPORT))...)
	}
	prog = append(prog, bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW})
	raw, err := bpf.Assemble(prog)
	if err != nil {
		return nil, fmt.Errorf("assemble the filter: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}

// tiocLinux is TIOCLINUX.
const tiocLinux = 0x541c

// unless lets a call pass if its argument is as cond says with one of the values.
func unless(nr uintptr, arg uint32, cond bpf.JumpTest, values []uint32, otherwise bpf.Instruction) []bpf.Instruction {
	body := []bpf.Instruction{bpf.LoadAbsolute{Off: offArg + 8*arg, Size: 4}}
	for i, v := range values {
		// Past the other values and the refusal, to the number's return.
		body = append(body, bpf.JumpIf{Cond: cond, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return only(nr, append(body, otherwise))
}

// unlessNot lets a call pass if its argument is none of the values.
func unlessNot(nr uintptr, arg uint32, values []uint32, otherwise bpf.Instruction) []bpf.Instruction {
	body := []bpf.Instruction{bpf.LoadAbsolute{Off: offArg + 8*arg, Size: 4}}
	for i, v := range values {
		skip := bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i - 1)}
		if i == len(values)-1 {
			skip.SkipFalse = 1
		}
		body = append(body, skip)
	}
	return only(nr, append(body, otherwise))
}

// only runs a body for one call, and loads the number again behind it.
func only(nr uintptr, body []bpf.Instruction) []bpf.Instruction {
	body = append(body, bpf.LoadAbsolute{Off: offNumber, Size: 4})
	return append([]bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpEqual, Val: uint32(nr), SkipFalse: uint8(len(body))}}, body...)
}

// filterBytes is the filter as the kernel reads it.
func filterBytes(prog []unix.SockFilter) []byte {
	var b []byte
	for _, f := range prog {
		b = binary.NativeEndian.AppendUint16(b, f.Code)
		b = append(b, f.Jt, f.Jf)
		b = binary.NativeEndian.AppendUint32(b, f.K)
	}
	return b
}

// install puts the filter on the calling thread, which has no_new_privs already.
func install(prog []unix.SockFilter) error {
	p := unix.SockFprog{Len: uint16(len(prog)), Filter: &prog[0]}
	_, _, err := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&p)))
	if err != 0 {
		return fmt.Errorf("install the seccomp filter: %w", err)
	}
	return nil
}
