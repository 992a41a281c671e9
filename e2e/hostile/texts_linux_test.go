package hostile_test

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// tools are what attempts in Python begin with: each call says how it ended.
const tools = `
import ctypes, errno, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(nr, *args):
    result = libc.syscall(ctypes.c_long(nr), *[ctypes.c_long(a) if isinstance(a, int) else a for a in args])
    print("DONE" if result >= 0 else errno.errorcode[ctypes.get_errno()], flush=True)
    return result
def tried(f, *args):
    try:
        result = f(*args)
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)
    else:
        print("DONE", result, flush=True)
`

// python is code with them, and the numbers of system calls in the place of their
// names.
func python(code string) string {
	for name, number := range calls() {
		code = strings.ReplaceAll(code, "#"+name+"#", strconv.Itoa(number))
	}
	return tools + strings.TrimSpace(code) + "\n"
}

func calls() map[string]int {
	return map[string]int{
		"MOUNT":             unix.SYS_MOUNT,
		"PIVOT_ROOT":        unix.SYS_PIVOT_ROOT,
		"UMOUNT":            unix.SYS_UMOUNT2,
		"SETNS":             unix.SYS_SETNS,
		"UNSHARE":           unix.SYS_UNSHARE,
		"CLONE3":            unix.SYS_CLONE3,
		"CLONE":             unix.SYS_CLONE,
		"OPEN_TREE":         unix.SYS_OPEN_TREE,
		"FSOPEN":            unix.SYS_FSOPEN,
		"MOVE_MOUNT":        unix.SYS_MOVE_MOUNT,
		"FILE_SETATTR":      unix.SYS_FILE_SETATTR,
		"NAME_TO_HANDLE_AT": unix.SYS_NAME_TO_HANDLE_AT,
		"OPEN_BY_HANDLE_AT": unix.SYS_OPEN_BY_HANDLE_AT,
		"IO_URING_SETUP":    unix.SYS_IO_URING_SETUP,
		"USERFAULTFD":       unix.SYS_USERFAULTFD,
		"BPF":               unix.SYS_BPF,
		"PERF_EVENT_OPEN":   unix.SYS_PERF_EVENT_OPEN,
		"KEYCTL":            unix.SYS_KEYCTL,
		"ADD_KEY":           unix.SYS_ADD_KEY,
		"PTRACE":            unix.SYS_PTRACE,
		"PROCESS_VM_READV":  unix.SYS_PROCESS_VM_READV,
		"PIDFD_OPEN":        unix.SYS_PIDFD_OPEN,
		"PIDFD_GETFD":       unix.SYS_PIDFD_GETFD,
		"PIDFD_SEND_SIGNAL": unix.SYS_PIDFD_SEND_SIGNAL,
		"SYSLOG":            unix.SYS_SYSLOG,
		"INIT_MODULE":       unix.SYS_INIT_MODULE,
		"KEXEC_LOAD":        unix.SYS_KEXEC_LOAD,
		"SWAPON":            unix.SYS_SWAPON,
		"PERSONALITY":       unix.SYS_PERSONALITY,
		"SHMGET":            unix.SYS_SHMGET,
		"SHMAT":             unix.SYS_SHMAT,
		"MSGGET":            unix.SYS_MSGGET,
		"PRLIMIT":           unix.SYS_PRLIMIT64,
		"KCMP":              unix.SYS_KCMP,
		"MKNODAT":           unix.SYS_MKNODAT,
		"CLOCK_SETTIME":     unix.SYS_CLOCK_SETTIME,
		"SETHOSTNAME":       unix.SYS_SETHOSTNAME,
		"REBOOT":            unix.SYS_REBOOT,
		"CHROOT":            unix.SYS_CHROOT,
		"CAPSET":            unix.SYS_CAPSET,
	}
}
