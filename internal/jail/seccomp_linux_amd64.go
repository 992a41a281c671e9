package jail

import "golang.org/x/sys/unix"

// arch is how the kernel calls the machine.
const arch = unix.AUDIT_ARCH_X86_64

// modedHere is the same for moded.
func modedHere() map[uintptr]uint32 {
	return map[uintptr]uint32{unix.SYS_CHMOD: 1, unix.SYS_OPEN: 2, unix.SYS_CREAT: 1, unix.SYS_MKNOD: 1}
}

// refusedHere are calls that only this kind of machine has.
func refusedHere() []uintptr {
	return []uintptr{
		unix.SYS_KEXEC_FILE_LOAD, unix.SYS_IOPL, unix.SYS_IOPERM, unix.SYS_USELIB, unix.SYS_USTAT, unix.SYS_SYSFS,
		unix.SYS__SYSCTL, unix.SYS_CREATE_MODULE, unix.SYS_GET_KERNEL_SYMS, unix.SYS_QUERY_MODULE, unix.SYS_NFSSERVCTL,
		unix.SYS_LOOKUP_DCOOKIE, unix.SYS_MODIFY_LDT,
	}
}
