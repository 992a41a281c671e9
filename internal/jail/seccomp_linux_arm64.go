package jail

import "golang.org/x/sys/unix"

// arch is how the kernel calls the machine.
const arch = unix.AUDIT_ARCH_AARCH64

// modedHere is the same for moded.
func modedHere() map[uintptr]uint32 { return map[uintptr]uint32{} }

// refusedHere are calls that only this kind of machine has.
func refusedHere() []uintptr {
	return []uintptr{unix.SYS_KEXEC_FILE_LOAD, unix.SYS_NFSSERVCTL, unix.SYS_LOOKUP_DCOOKIE}
}
