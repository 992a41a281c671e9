package jail

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
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
	unix.SYS_FILE_SETATTR, // as FS_IOC_FSSETXATTR below
}

// limits are what the filter keeps away beside, where nothing else does.
type limits struct {
	Internet bool `json:"internet"` // the network
	// Local are the sockets of programs on this machine that trust the server's own
	// user, as Docker's does and a desktop's: files, which Landlock doesn't look at.
	Local bool `json:"local"`
	// Peers is changing the limits, priorities and processors of other processes, which
	// asks for the same user and nothing else: the server has it.
	Peers bool `json:"peers"`
	// SetID is making programs that others run with the rights of their owner.
	SetID bool `json:"set_id"`
}

// families are those of sockets that there may be; the others reach what is not a
// network: the machine that this one runs in, the kernel's ciphers, packets.
func (l limits) families() []uint32 {
	var all []uint32
	if !l.Local {
		all = append(all, unix.AF_UNIX)
	}
	if !l.Internet {
		all = append(all, unix.AF_INET, unix.AF_INET6, unix.AF_NETLINK)
	}
	return all
}

// connected are the types of a pair of sockets that can't be used to send to others:
// datagrams go to whatever address they are given.
func connected() (types []uint32) {
	for _, kind := range []uint32{unix.SOCK_STREAM, unix.SOCK_SEQPACKET} {
		types = append(types, kind, kind|unix.SOCK_CLOEXEC, kind|unix.SOCK_NONBLOCK, kind|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK)
	}
	return types
}

// setID is the bits of a mode that do it.
const setID = unix.S_ISUID | unix.S_ISGID

// moded are the calls that give a file a mode, with the argument that it is.
func moded() map[uintptr]uint32 {
	all := modedHere()
	maps.Copy(all, map[uintptr]uint32{
		unix.SYS_FCHMOD: 1, unix.SYS_FCHMODAT: 2, unix.SYS_FCHMODAT2: 2, unix.SYS_OPENAT: 3, unix.SYS_MKNODAT: 2,
	})
	return all
}

// filter is the jail's, for seccomp(2).
func filter(l limits) ([]unix.SockFilter, error) {
	if arch == 0 {
		return nil, errors.New("there is no filter for this kind of machine")
	}
	prog := []bpf.Instruction{
		// Another instruction set has other numbers.
		bpf.LoadAbsolute{Off: offArch, Size: 4},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		bpf.RetConstant{Val: unix.SECCOMP_RET_KILL_PROCESS},
		bpf.LoadAbsolute{Off: offNumber, Size: 4},
		// The numbers of x32, which amd64 has beside its own. -1 is nobody's.
		bpf.JumpIf{Cond: bpf.JumpLessThan, Val: 1 << 30, SkipTrue: 1},
		fails(unix.ENOSYS),
	}
	raw, err := bpf.Assemble(append(prog, decide(ruled(l).ranges())...))
	if err != nil {
		return nil, fmt.Errorf("assemble the filter: %w", err)
	}
	out := make([]unix.SockFilter, len(raw))
	for i, r := range raw {
		out[i] = unix.SockFilter{Code: r.Op, Jt: r.Jt, Jf: r.Jf, K: r.K}
	}
	return out, nil
}

// rules are what is looked at for a call, by its number. Whatever comes to the end of it is
// allowed, as is a call without.
type rules map[uintptr][]bpf.Instruction

// ruled are the rules of a jail.
func ruled(l limits) rules {
	r := make(rules)
	for _, nr := range slices.Concat(refused, refusedHere()) {
		r.add(nr, refuse)
	}
	for _, nr := range missing {
		r.add(nr, fails(unix.ENOSYS))
	}
	// A child of its parent's would be the template's, in the case of a Python kernel.
	r.add(unix.SYS_CLONE, unless(0, bpf.JumpBitsNotSet, []uint32{cloneSpaces | unix.CLONE_PARENT}, refuse)...)
	r.add(unix.SYS_UNSHARE, unless(0, bpf.JumpBitsNotSet, []uint32{unshareSpaces}, refuse)...)
	// Characters typed into a terminal that somebody else reads, and the console's menus;
	// attributes of files, of which one says whose quota they count against.
	r.add(unix.SYS_IOCTL, unlessNot(1, []uint32{unix.TIOCSTI, tiocLinux, unix.FS_IOC_SETFLAGS, setFileAttributes}, refuse)...)
	// The usual one, that of 32 bits, asking, and a debugger's without random addresses.
	r.add(unix.SYS_PERSONALITY, unless(0, bpf.JumpEqual, []uint32{0, 8, 0x40000, math.MaxUint32}, refuse)...)
	r.add(unix.SYS_SOCKET, unless(0, bpf.JumpEqual, l.families(), fails(unix.EAFNOSUPPORT))...)
	r.add(unix.SYS_SOCKETPAIR, unless(0, bpf.JumpEqual, []uint32{unix.AF_UNIX}, fails(unix.EAFNOSUPPORT))...)
	if l.Local {
		r.add(unix.SYS_SOCKETPAIR, unless(1, bpf.JumpEqual, connected(), fails(unix.EAFNOSUPPORT))...)
	}
	if l.Peers {
		r.selfOnly()
	}
	if l.SetID {
		for nr, arg := range moded() {
			r.add(nr, unless(arg, bpf.JumpBitsNotSet, []uint32{setID}, refuse)...)
		}
		r.add(unix.SYS_OPENAT2, fails(unix.ENOSYS)) // whose mode is in memory
	}
	return r
}

// add has something more looked at for a call.
func (r rules) add(nr uintptr, body ...bpf.Instruction) { r[nr] = append(r[nr], body...) }

// fails is the end of a call that comes to nothing.
func fails(e unix.Errno) bpf.Instruction {
	return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(e)}
}

//nolint:gochecknoglobals // it is a constant
var (
	refuse = fails(unix.EPERM)
	allow  = bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
)

// span is what is looked at for the calls from one number to that of the next span.
type span struct {
	from uint32
	body []bpf.Instruction
}

// ranges are the rules for all numbers that there are.
func (r rules) ranges() []span {
	all := []span{{0, []bpf.Instruction{allow}}}
	next := func(from uint32, body []bpf.Instruction) {
		switch last := &all[len(all)-1]; {
		case last.from == from:
			last.body = body
		case !slices.Equal(last.body, body):
			all = append(all, span{from, body})
		}
	}
	for _, nr := range slices.Sorted(maps.Keys(r)) {
		next(uint32(nr), append(slices.Clip(r[nr]), allow))
		next(uint32(nr)+1, []bpf.Instruction{allow})
	}
	return all
}

// decide finds the span of a number by halves. When a filter is installed the kernel goes
// through it for each number that there is, so a list of them would take it several times as long.
func decide(all []span) []bpf.Instruction {
	if len(all) == 1 {
		return all[0].body
	}
	half := len(all) / 2
	low, high := decide(all[:half]), decide(all[half:])
	skip := []bpf.Instruction{bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: all[half].from, SkipTrue: uint8(len(low) & math.MaxUint8)}}
	if len(low) > math.MaxUint8 {
		skip = []bpf.Instruction{
			bpf.JumpIf{Cond: bpf.JumpGreaterOrEqual, Val: all[half].from, SkipFalse: 1},
			bpf.Jump{Skip: uint32(len(low))},
		}
	}
	return slices.Concat(skip, low, high)
}

// selfOnly lets what changes a process's share of the machine pass for the process
// itself, which is 0. Landlock, which keeps signals and traces in, doesn't look at it.
// The first two may also name all processes of a user.
func (r rules) selfOnly() {
	r.add(unix.SYS_SETPRIORITY, unless(0, bpf.JumpEqual, []uint32{unix.PRIO_PROCESS}, refuse)...)
	r.add(unix.SYS_IOPRIO_SET, unless(0, bpf.JumpEqual, []uint32{ioprioProcess}, refuse)...)
	for _, c := range []struct {
		call uintptr
		arg  uint32
	}{
		{unix.SYS_SETPRIORITY, 1},
		{unix.SYS_IOPRIO_SET, 1},
		{unix.SYS_PRLIMIT64, 0},
		{unix.SYS_SCHED_SETAFFINITY, 0},
		{unix.SYS_SCHED_SETSCHEDULER, 0},
		{unix.SYS_SCHED_SETPARAM, 0},
		{unix.SYS_SCHED_SETATTR, 0},
	} {
		r.add(c.call, unless(c.arg, bpf.JumpEqual, []uint32{0}, refuse)...)
	}
}

// ioprioProcess is IOPRIO_WHO_PROCESS.
const ioprioProcess = 1

// tiocLinux is TIOCLINUX, setFileAttributes FS_IOC_FSSETXATTR.
const (
	tiocLinux         = 0x541c
	setFileAttributes = 0x401c5820
)

// unless goes on if an argument is as cond says with one of the values.
func unless(arg uint32, cond bpf.JumpTest, values []uint32, otherwise bpf.Instruction) []bpf.Instruction {
	body := []bpf.Instruction{bpf.LoadAbsolute{Off: offArg + 8*arg, Size: 4}}
	for i, v := range values {
		// Past the other values and the refusal.
		body = append(body, bpf.JumpIf{Cond: cond, Val: v, SkipTrue: uint8(len(values) - i)})
	}
	return append(body, otherwise)
}

// unlessNot goes on if an argument is none of the values.
func unlessNot(arg uint32, values []uint32, otherwise bpf.Instruction) []bpf.Instruction {
	body := []bpf.Instruction{bpf.LoadAbsolute{Off: offArg + 8*arg, Size: 4}}
	for i, v := range values {
		skip := bpf.JumpIf{Cond: bpf.JumpEqual, Val: v, SkipTrue: uint8(len(values) - i - 1)}
		if i == len(values)-1 {
			skip.SkipFalse = 1
		}
		body = append(body, skip)
	}
	return append(body, otherwise)
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
