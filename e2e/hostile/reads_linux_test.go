package hostile_test

// reads are attempts to learn what is another's.
func reads() []attempt {
	py := cell("python")
	const refused = "((EACCES|ENOENT|EPERM|ESRCH)\n?)+"
	const noTerminal = "((bash|sh): [^\n]*(Permission denied|No such file or directory)\n)*over" // by its number: not everybody can list them
	return []attempt{
		{name: "the server's key", by: py, code: python(`tried(open, "DATA/api-key")`), stopped: refused},
		{name: "the server's data", by: command, code: "find DATA -type f -readable 2>/dev/null | grep -v ^$PWD | grep -v ^$TMPDIR | grep .", stopped: "\\[1\\]"},
		{name: "the server's environment", by: py, code: python(`
for name in ("environ", "maps", "mem", "auxv", "stack", "syscall", "fdinfo/0", "fd/0", "task/SERVER/environ"):
    tried(lambda: open("/proc/SERVER/" + name, "rb").read(1))`), stopped: refused},
		{name: "where the server is", by: py, code: python(`
for name in ("cwd", "exe", "root", "fd/1"):
    tried(os.readlink, "/proc/SERVER/" + name)`), stopped: refused},
		{name: "the server's memory", by: py, code: python(`
buffer = ctypes.create_string_buffer(64)
iov = struct.pack("QQ", ctypes.addressof(buffer), 64)
call(#PROCESS_VM_READV#, SERVER, iov, 1, struct.pack("QQ", 0x400000, 64), 1, 0)
call(#PROCESS_VM_READV#, NEIGHBOUR, iov, 1, struct.pack("QQ", 0x400000, 64), 1, 0)
call(#KCMP#, os.getpid(), SERVER, 0, 0, 0)`), stopped: "((ESRCH|EPERM)\n?){3}"},
		{name: "every process's environment", by: py, code: python(`
n = 0
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("environ", "mem", "maps", "fd", "cwd", "root"):
        path = f"/proc/{pid}/{name}"
        try:
            if name == "environ":
                text = open(path, "rb").read()
                print(text) if b"the-secret" in text else None
            elif name in ("cwd", "root"):
                if int(pid) in (SERVER, NEIGHBOUR):
                    print(path, os.readlink(path))
        except OSError:
            n += 1
print("refused" if n else "nothing is refused")`), stopped: "refused"},
		{name: "all command lines", by: command, code: "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -c [H]OTCELL_API_KEY=", stopped: "0 \\[1\\]"},
		{name: "another's files", by: py, code: python(`
for path in ("VICTIM/file", "VICTIM/../work/file", "/proc/self/cwd/../../VICTIMID/work/file", "/proc/1/cwd/VICTIM/file"):
    tried(open, path)
tried(os.listdir, "VICTIM")
tried(os.open, "VICTIM", os.O_PATH | os.O_DIRECTORY) if False else tried(os.listdir, "DATA/jails")`), stopped: refused},
		{name: "another's files by a link", by: cell("javascript"), code: `
import fs from "node:fs";
for (const f of [() => fs.linkSync("VICTIM/file", "stolen"), () => fs.copyFileSync("VICTIM/file", "stolen"), () => { fs.symlinkSync("VICTIM/file", "link"); return fs.readFileSync("link", "utf8"); },
  () => fs.renameSync("VICTIM/file", "stolen"), () => fs.readdirSync("VICTIM")]) {
  try { console.log("DONE", f()); } catch (e) { console.log(e.code); }
}`, stopped: "((EACCES|ENOENT|EPERM|EXDEV)\n?){5}"},
		{name: "write into another's", by: script("javascript"), code: `
const fs = require("fs");
for (const f of [() => fs.writeFileSync("VICTIM/new", ""), () => fs.appendFileSync("VICTIM/file", "x"), () => fs.mkdirSync("VICTIM/dir"), () => fs.truncateSync("VICTIM/file"), () => fs.unlinkSync("VICTIM/file")]) {
  try { console.log("DONE", f()); } catch (e) { console.log(e.code); }
}`, stopped: "((EACCES|ENOENT|EPERM|EROFS)\n?){5}"},
		{name: "change another's modes", by: py, code: python(`
tried(os.chmod, "VICTIM", 0o777)
tried(os.chown, "VICTIM/file", os.getuid(), -1)
tried(os.utime, "VICTIM/file")
tried(os.setxattr, "VICTIM/file", "user.x", b"x")`), stopped: refused, process: unpromised, users: refused},
		{name: "a file of the machine's", by: script("go"), code: `package main
import ("fmt"; "os"; "errors"; "io/fs")
func main() {
	for _, path := range []string{"HOSTFILE", "/etc/shadow", "/etc/gshadow", "/root/.bash_history", "/root/.ssh/id_rsa", "/var/log/dpkg.log", "/proc/kcore", "/proc/kallsyms"} {
		b, err := os.ReadFile(path)
		var e *fs.PathError
		if errors.As(err, &e) { fmt.Println(e.Err) } else if path == "/proc/kallsyms" && len(b) > 16 && string(b[:16]) == "0000000000000000" { fmt.Println("zeros") } else { fmt.Println("DONE", len(b)) }
	}
}`, stopped: "((permission denied|no such file or directory|operation not permitted|zeros)\n?){8}"},
		{name: "root's own files below /etc", by: command, code: "for f in PRIVATE; do head -c 1 $f >/dev/null 2>&1 && echo DONE $f; done; echo over", stopped: "over"},
		{name: "temporary files of others", by: command, code: "find /tmp /var/tmp /dev/shm /run \\( -type f -o -type s -o -type p \\) ! -path DATA/'*' ! -path PROGRAM ! -path INTERPRETER/'*' 2>/dev/null | grep .", stopped: "\\[1\\]"},
		{name: "sessions' and scripts' files", by: command, code: "find DATA/jails DATA/sessions DATA/commands DATA/scripts -mindepth 1 -not -path \"${TMPDIR%/rooms/*}*\" 2>/dev/null | grep -v -x -e \"$(dirname \"$TMPDIR\")\" | grep .", stopped: "\\[1\\]"},
		{name: "an abstract socket", by: py, code: python(`
tried(lambda: socket.socket(socket.AF_UNIX).connect("\0ABSTRACT"))
tried(lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"x", "\0ABSTRACT-too"))`), stopped: "EPERM\nEPERM", process: "(EPERM\nEPERM|EAFNOSUPPORT\nEAFNOSUPPORT)"},
		{name: "a socket that is a file", by: py, code: python(`tried(lambda: socket.socket(socket.AF_UNIX).connect("LISTENER"))`), stopped: "ENOENT", process: "EAFNOSUPPORT", users: unpromised},
		{name: "datagrams to a socket that is a file", by: py, code: python(`
for kind in (socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK):
    tried(lambda: socket.socketpair(socket.AF_UNIX, kind)[0].sendto(b"x", "LISTENER-too"))
for kind in (socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK):
    for end in socket.socketpair(socket.AF_UNIX, kind):
        end.close()`), stopped: "(ENOENT\n?){3}", process: "(EAFNOSUPPORT\n?){3}", users: unpromised},
		{name: "System V", by: py, code: python(`
for line in open("/proc/sysvipc/shm").readlines()[1:]:
    key, shmid = line.split()[:2]
    call(#SHMAT#, int(shmid), 0, 0)
print("over")`), stopped: "over", process: unpromised, users: "((EACCES)\n)*over"},
		{name: "the server without its key", by: py, code: python(`
import urllib.request
for path in ("/v1/status", "/v1/contexts", "/toolbox/VICTIMID/files/download?path=file", "/api/sandbox"):
    try:
        print("DONE", urllib.request.urlopen("URL" + path).read()[:80])
    except urllib.error.HTTPError as e:
        print(e.code)`), stopped: "401\n401\n401\n401", none: true},
		{name: "connections of others", by: command, code: "ss -xp 2>/dev/null | grep -c pid=SERVER", stopped: "0 \\[1\\]"},
		{name: "other users' processes by pidfd", by: py, code: python(`
for pid in (SERVER, NEIGHBOUR):
    try:
        fd = os.pidfd_open(pid)
    except OSError as e:
        print(errno.errorcode[e.errno])
    else:
        call(#PIDFD_GETFD#, fd, 3, 0)`), stopped: "((ESRCH|EPERM)\n?){2}"},
		{name: "a terminal of others", by: terminal, code: "for t in $(seq -f /dev/pts/%g 0 20); do [ $t = $(tty) ] || { echo x > $t; : < $t && echo DONE; }; done; echo over", stopped: noTerminal, process: unpromised, users: noTerminal},
	}
}
