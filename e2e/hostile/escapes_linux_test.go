package hostile_test

// escapes are attempts to get to where there is no boundary.
func escapes() []attempt {
	py := cell("python")
	return []attempt{
		{name: "mount", by: py, code: python(`
call(#MOUNT#, b"none", b"/tmp", b"tmpfs", 0, None)
call(#MOUNT#, b"/", b"/tmp", None, 4096, None)
call(#UMOUNT#, b"/proc", 2)`), stopped: "EPERM\nEPERM\nEPERM"},
		{name: "mount in the new way", by: py, code: python(`
call(#FSOPEN#, b"tmpfs", 0)
call(#OPEN_TREE#, -100, b"/", 1)
call(#MOVE_MOUNT#, -100, b"/", -100, b"/tmp", 0)`), stopped: "EPERM\nEPERM\nEPERM"},
		{name: "another root", by: py, code: python(`
call(#PIVOT_ROOT#, b".", b".")
tried(os.chroot, "/")`), stopped: "EPERM\nEPERM"},
		{name: "unshare", by: command, code: "for n in U m p i u n C T; do unshare -$n true 2>&1; done", stopped: "(unshare: unshare failed: Operation not permitted\n?){8} \\[1\\]"},
		{name: "clone with namespaces", by: py, code: python(`
for flag in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
    call(#CLONE#, flag | 17, 0, 0, 0, 0)`), stopped: "(EPERM\n?){7}"},
		{name: "clone as the template's child", by: py, code: python(`call(#CLONE#, 0x8000 | 17, 0, 0, 0, 0)`), stopped: "EPERM"},
		{name: "clone3", by: py, code: python(`
call(#CLONE3#, struct.pack("11Q", 0x10000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0), 88)`), stopped: "ENOSYS"},
		{name: "setns to the first process", by: py, code: python(`
for name in os.listdir("/proc/self/ns"):
    try:
        call(#SETNS#, os.open("/proc/1/ns/" + name, os.O_RDONLY), 0)
    except OSError as e:
        print(errno.errorcode[e.errno])`), stopped: "((EACCES|EPERM)\n?){10}"},
		{name: "setns to itself", by: py, code: python(`call(#SETNS#, os.open("/proc/self/ns/mnt", os.O_RDONLY), 0)`), stopped: "EPERM"},
		{name: "the first process's root", by: command, code: "cat /proc/1/root/HOSTFILE; ls /proc/1/cwd/", stopped: ".*Permission denied\n.*Permission denied.*"},
		{name: "out by its own root", by: command, code: "cat /proc/self/root/HOSTFILE /proc/self/cwd/../../../../../../../../../HOSTFILE", stopped: "(cat: [^\n]*(No such file|Permission denied)[^\n]*\n?){2} \\[1\\]"},
		{name: "overwrite the first process's program", by: py, code: python(`
for path in ("/proc/1/exe", "/proc/SERVER/exe", "PROGRAM"):
    tried(os.open, path, os.O_WRONLY)`), stopped: "((EACCES|ENOENT|EROFS|ETXTBSY)\n?){3}"},
		{name: "overwrite its own program", by: command, code: "exec 3>/proc/self/exe", stopped: ".*(Permission denied|Text file busy|Read-only file system).*"},
		{
			name: "core_pattern and its like", by: command, code: "for f in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/vm/overcommit_memory /proc/sysrq-trigger /proc/sys/fs/binfmt_misc/register /sys/kernel/uevent_helper; do echo x > $f; done",
			stopped: "([^\n]*(Permission denied|nonexistent|Directory nonexistent|No such file|Read-only)[^\n]*\n?){6} \\[[12]\\]",
		},
		{name: "sysfs", by: command, code: "ls -d /sys/* 2>&1 | grep -c . ; find /sys -writable -type f 2>/dev/null | head -1", stopped: "[01]"},
		{name: "cgroupfs", by: command, code: "find /sys/fs/cgroup -type f -writable 2>/dev/null | head -1; mkdir /sys/fs/cgroup/hostile; echo 1 > /sys/fs/cgroup/memory/release_agent", stopped: "mkdir: [^\n]*\n[^\n]*(nonexistent|Permission denied|No such file|Read-only)[^\n]* \\[[12]\\]"},
		{name: "devices", by: py, code: python(`
tried(os.mknod, "disk", 0o60666, os.makedev(254, 0))
tried(os.mknod, "memory", 0o20666, os.makedev(1, 1))
for path in ("/dev/mem", "/dev/kmem", "/dev/port", "/dev/kvm", "/dev/vda", "/dev/sda", "/dev/fuse", "/dev/loop-control", "/dev/net/tun", "/dev/vsock", "/dev/kmsg"):
    tried(os.open, path, os.O_RDONLY)`), stopped: "((EPERM|EACCES|ENOENT)\n?){13}"},
		{name: "become root", by: py, code: python(`
tried(os.setgroups, [0]) if os.getuid() else call(#CHROOT#, b"/")
tried(os.setresuid, 0, 0, 0) if os.getuid() else call(#CHROOT#, b"/")
call(#CAPSET#, struct.pack("Ii", 0x20080522, 0), struct.pack("6I", 1 << 21, 1 << 21, 0, 0, 0, 0))`), stopped: "EPERM\nEPERM\nEPERM"},
		{name: "programs of root's", by: command, code: "su -c true </dev/null; sudo -n true; mount -t tmpfs none /tmp; newgrp root -c true </dev/null; passwd -S root; chsh -s /bin/sh root </dev/null", stopped: ".*(\\[[0-9]+\\])"},
		{name: "a program that is root's", by: command, code: "cp /bin/sh own; chmod 4755 own; stat -c '%u %a' own 2>&1", stopped: "([1-9][0-9]* 4755|chmod: [^\n]*Operation not permitted\n0 755)"},
		{name: "file capabilities", by: py, code: python(`
open("able", "w").close()
tried(os.setxattr, "able", "security.capability", struct.pack("<5I", 0x2000001, 1 << 21, 0, 0, 0))`), stopped: "EPERM"},
		{name: "another's quota", by: py, code: python(`
import fcntl
open("file", "w").close()
for request, size in ((0x401c5820, 28), (0x40086602, 8)):
    tried(fcntl.ioctl, os.open("file", os.O_RDWR), request, bytes(size))
call(#FILE_SETATTR#, -100, b"file", bytes(24), 24, 0)`), stopped: "EPERM\nEPERM\nENOSYS"},
		{name: "files by their handles", by: py, code: python(`
handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
call(#NAME_TO_HANDLE_AT#, -100, b"/etc/passwd", handle, ctypes.create_string_buffer(8), 0)
call(#OPEN_BY_HANDLE_AT#, os.open("/usr", os.O_RDONLY), struct.pack("IiQQ", 8, 1, 2, 0), 0)`), stopped: "EPERM\nEPERM"},
		{name: "io_uring", by: py, code: python(`call(#IO_URING_SETUP#, 4, ctypes.create_string_buffer(120))`), stopped: "ENOSYS"},
		{name: "userfaultfd", by: py, code: python("call(#USERFAULTFD#, 0)\ncall(#USERFAULTFD#, 1)\ntried(os.open, '/dev/userfaultfd', os.O_RDWR)"), stopped: "EPERM\nEPERM\n(EACCES|ENOENT)"},
		{name: "bpf", by: py, code: python("call(#BPF#, 0, ctypes.create_string_buffer(128), 128)\ncall(#PERF_EVENT_OPEN#, ctypes.create_string_buffer(128), 0, -1, -1, 0)"), stopped: "EPERM\nEPERM"},
		{name: "keys", by: py, code: python(`
call(#KEYCTL#, 0, -3, 1)
call(#ADD_KEY#, b"user", b"x", b"y", 1, -4)`), stopped: "EPERM\nEPERM"},
		{name: "the kernel's modules, log, clock, swap", by: py, code: python(`
call(#INIT_MODULE#, b"", 0, b"")
call(#KEXEC_LOAD#, 0, 0, 0, 0)
call(#SYSLOG#, 3, ctypes.create_string_buffer(64), 64)
call(#CLOCK_SETTIME#, 0, struct.pack("2q", 0, 0))
call(#SWAPON#, b"swap", 0)
call(#SETHOSTNAME#, b"x", 1)
call(#REBOOT#, 0xfee1dead, 672274793, 0, None)`), stopped: "(EPERM\n?){7}"},
		{name: "calls of x32", by: py, amd64: true, code: python(`call(0x40000000 + 39)`), stopped: "ENOSYS"},
		{name: "calls of 32 bits", by: script("python"), amd64: true, code: python(`
import mmap
code = mmap.mmap(-1, 4096, prot=7)
code.write(b"\xb8\x14\x00\x00\x00\xcd\x80\xc3")  # mov eax, 20 (getpid); int 0x80; ret
f = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print("DONE", f())`), stopped: "\\[159\\]"},
		{name: "personalities", by: py, code: python(`
call(#PERSONALITY#, 0x0400000)
call(#PERSONALITY#, 0x0100000)`), stopped: "EPERM\nEPERM"},
		{name: "sockets of other families", by: py, code: python(`
for family in (17, 38, 40, 16 + 14, 44, 21, 29, 9, 31):
    tried(socket.socket, family, socket.SOCK_RAW if family == 17 else socket.SOCK_DGRAM, 0)`), stopped: "(EAFNOSUPPORT\n?){9}"},
		{name: "raw sockets", by: py, code: python(`
tried(socket.socket, socket.AF_INET, socket.SOCK_RAW, 1)
tried(socket.socket, socket.AF_INET6, socket.SOCK_RAW, 58)`), stopped: "EPERM\nEPERM"},
		{
			name: "type into a terminal", by: terminal, code: "python3 -c 'import fcntl; fcntl.ioctl(0, 0x5412, b\"x\")' 2>&1 | tail -1; python3 -c 'import fcntl; fcntl.ioctl(0, 0x541c, b\"\\x03\")' 2>&1 | tail -1",
			stopped: "PermissionError: \\[Errno 1\\] Operation not permitted\nPermissionError: \\[Errno 1\\] Operation not permitted",
		},
		{name: "Docker's socket", by: py, code: python(`
for path in ("/var/run/docker.sock", "/run/docker.sock", "/run/containerd/containerd.sock", "/run/dbus/system_bus_socket", "/run/systemd/private", "/tmp/.X11-unix/X0"):
    tried(lambda: socket.socket(socket.AF_UNIX).connect(path))`), stopped: "((ENOENT|EACCES)\n?){6}", process: "((EAFNOSUPPORT|EACCES|ENOENT)\n?){6}"},
		{name: "bind where the host listens", by: py, code: python(`
for path in ("/run/hotcell-hostile", "/var/run/hotcell-hostile", "DATA/hotcell-hostile", "/hotcell-hostile"):
    def bind():
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(path)
    tried(bind)`), stopped: "((EACCES|ENOENT|EROFS|EPERM|DONE None)\n?){4}", process: "((EACCES|EAFNOSUPPORT)\n?){4}"},
		{name: "write to the system", by: command, code: "for d in / /etc /usr /bin /lib /opt /sbin /var /boot /home /root $(dirname PROGRAM); do touch $d/hotcell-hostile 2>/dev/null && [ ! -w /tmp -o $d != /root ] && echo DONE $d; done; true", stopped: "(DONE /(root|home)\n?)*", process: ""},
		{
			name: "Go's own calls", by: cell("go"), code: `
import ("fmt"; "syscall")
fmt.Println(syscall.Mount("none", "/tmp", "tmpfs", 0, ""), syscall.Chroot("/"), syscall.Unshare(syscall.CLONE_NEWNS))`,
			stopped: "operation not permitted operation not permitted operation not permitted",
		},
		{name: "Go's attributes of a process", by: script("go"), code: `package main
import ("fmt"; "os/exec"; "syscall")
func main() {
	for _, a := range []*syscall.SysProcAttr{{Chroot: "/"}, {Cloneflags: syscall.CLONE_NEWUSER}, {Unshareflags: syscall.CLONE_NEWNS}, {Credential: &syscall.Credential{Gid: 1}}} {
		c := exec.Command("/bin/true")
		c.SysProcAttr = a
		fmt.Println(c.Run())
	}
}`, stopped: "(fork/exec /bin/true: operation not permitted\n?){4}"},
		{
			name: "Node's privileges", by: cell("javascript"), code: `
for (const f of [() => process.setuid(0), () => process.setgroups([0]), () => process.initgroups("root", 0)]) {
  try { f(); console.log(process.getuid() === 0 ? "EPERM" : "DONE"); } catch (e) { console.log(e.code); }
}
try { process.binding("spawn_sync"); process.dlopen({exports: {}}, "/proc/self/mem"); } catch (e) { console.log("stopped"); }`,
			stopped: "EPERM\nEPERM\nEPERM\nstopped",
		},
	}
}
