//go:build linux

package jail

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// called is what the kernel says of a call, as the machine of x/net/bpf reads it.
func called(arch uint32, nr uint32, args [6]uint32) []byte {
	var b []byte
	b = binary.BigEndian.AppendUint32(b, nr)
	b = binary.BigEndian.AppendUint32(b, arch)
	b = append(b, make([]byte, 8)...) // where it comes from
	for _, arg := range args {
		b = binary.BigEndian.AppendUint32(b, arg)
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// verdict runs a jail's filter.
func verdict(t *testing.T, l limits) func(arch, nr uint32, args [6]uint32) uint32 {
	t.Helper()
	compiled, err := filter(l)
	if err != nil {
		t.Fatal(err)
	}
	raw := make([]bpf.RawInstruction, len(compiled))
	for i, f := range compiled {
		raw[i] = bpf.RawInstruction{Op: f.Code, Jt: f.Jt, Jf: f.Jf, K: f.K}
	}
	prog, whole := bpf.Disassemble(raw)
	if !whole {
		t.Fatal("the filter has instructions that nobody knows")
	}
	vm, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	return func(arch, nr uint32, args [6]uint32) uint32 {
		// A machine that filters packets returns how much of one is let through.
		got, err := vm.Run(called(arch, nr, args))
		if err != nil {
			t.Fatal(err)
		}
		return uint32(got)
	}
}

// allowed says without a filter what it has to say, for a call of this instruction set.
func allowed(l limits, nr uintptr, a [6]uint32) uint32 {
	fails := func(e unix.Errno) uint32 { return unix.SECCOMP_RET_ERRNO | uint32(e) }
	self := []uintptr{unix.SYS_PRLIMIT64, unix.SYS_SCHED_SETAFFINITY, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETATTR}
	mode, moded := moded()[nr]
	in := func(v uint32, among ...uint32) bool { return slices.Contains(among, v) }
	switch {
	case nr >= 1<<30, slices.Contains(missing, nr), l.SetID && nr == unix.SYS_OPENAT2:
		return fails(unix.ENOSYS)
	case nr == unix.SYS_SOCKET && !in(a[0], l.families()...),
		nr == unix.SYS_SOCKETPAIR && a[0] != unix.AF_UNIX,
		nr == unix.SYS_SOCKETPAIR && l.Local && !in(a[1]&^(unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK), unix.SOCK_STREAM, unix.SOCK_SEQPACKET):
		return fails(unix.EAFNOSUPPORT)
	case slices.Contains(refused, nr), slices.Contains(refusedHere(), nr),
		nr == unix.SYS_CLONE && a[0]&(cloneSpaces|unix.CLONE_PARENT) != 0,
		nr == unix.SYS_UNSHARE && a[0]&unshareSpaces != 0,
		nr == unix.SYS_IOCTL && in(a[1], unix.TIOCSTI, tiocLinux, unix.FS_IOC_SETFLAGS, setFileAttributes),
		nr == unix.SYS_PERSONALITY && !in(a[0], 0, 8, 0x40000, math.MaxUint32),
		l.Peers && slices.Contains(self, nr) && a[0] != 0,
		l.Peers && nr == unix.SYS_SETPRIORITY && (a[0] != unix.PRIO_PROCESS || a[1] != 0),
		l.Peers && nr == unix.SYS_IOPRIO_SET && (a[0] != ioprioProcess || a[1] != 0),
		l.SetID && moded && a[mode]&setID != 0:
		return fails(unix.EPERM)
	}
	return unix.SECCOMP_RET_ALLOW
}

// TestFilter asks each filter about every number that there is and some that aren't, with
// arguments among which are those that matter.
func TestFilter(t *testing.T) {
	t.Parallel()
	if arch == 0 {
		t.Skip("there is no filter for this kind of machine")
	}
	matter := []uint32{
		0, 1, 2, 3, 8, 10, 16, 17, 0x40000, math.MaxUint32, unix.CLONE_NEWUSER, unix.CLONE_NEWTIME, unix.CLONE_PARENT,
		unix.TIOCSTI, tiocLinux, unix.FS_IOC_SETFLAGS, setFileAttributes, unix.S_ISUID, unix.S_ISGID | 0o755, 0o644,
		unix.SOCK_STREAM | unix.SOCK_CLOEXEC, unix.SOCK_DGRAM | unix.SOCK_NONBLOCK, unix.SOCK_SEQPACKET | unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK,
	}
	numbers := []uint32{1<<30 - 1, 1 << 30, 1<<30 + unix.SYS_MOUNT, math.MaxUint32}
	for nr := range uint32(1024) {
		numbers = append(numbers, nr)
	}
	for set := range 16 {
		l := limits{Internet: set&1 != 0, Local: set&2 != 0, Peers: set&4 != 0, SetID: set&8 != 0}
		ask := verdict(t, l)
		for _, nr := range numbers {
			for range 200 {
				var args [6]uint32
				for i := range args {
					args[i] = matter[rand.IntN(len(matter))]
				}
				if got, want := ask(arch, nr, args), allowed(l, uintptr(nr), args); got != want {
					t.Fatalf("%+v: call %d with %v: %#x, want %#x", l, nr, args, got, want)
				}
				if got := ask(arch^1, nr, args); got != unix.SECCOMP_RET_KILL_PROCESS {
					t.Fatalf("%+v: call %d of another instruction set: %#x", l, nr, got)
				}
			}
		}
	}
}

// BenchmarkInstall puts the filter on threads that end with it.
func BenchmarkInstall(b *testing.B) {
	prog, err := filter(limits{Peers: true, SetID: true})
	if err != nil {
		b.Skip(err)
	}
	var sum time.Duration
	for b.Loop() {
		took := make(chan time.Duration)
		go func() {
			runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
			defer close(took)
			if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
				b.Error(err)
				return
			}
			began := time.Now()
			if err := install(prog); err != nil {
				b.Error(err)
				return
			}
			took <- time.Since(began)
		}()
		sum += <-took
	}
	b.ReportMetric(float64(sum.Nanoseconds())/float64(b.N), "ns/install")
}
