package hostile_test

// signals are attempts on the life of others.
func signals() []attempt {
	py := cell("python")
	return []attempt{
		{name: "the server", by: py, code: python(`
for number in (0, 15, 9, 19):
    tried(os.kill, SERVER, number)
tried(os.killpg, SERVER, 9)`), stopped: "((ESRCH|EPERM)\n?){5}"},
		{name: "a neighbour's kernel", by: py, code: python(`
for number in (0, 2, 9, 19):
    tried(os.kill, NEIGHBOUR, number)`), stopped: "((ESRCH|EPERM)\n?){4}"},
		{name: "by a pidfd", by: py, code: python(`
import signal
for pid in (SERVER, NEIGHBOUR):
    tried(lambda: signal.pidfd_send_signal(os.pidfd_open(pid), 9))`), stopped: "((ESRCH|EPERM)\n?){2}"},
		{name: "all that there is", by: script("python"), code: python(`
tried(os.kill, -1, 9)
print("alive")`), stopped: "(DONE None|ESRCH)\nalive", process: "(DONE None|EPERM|ESRCH)\nalive|\\[137\\]"},
		{name: "its own first process", by: py, code: python(`
for number in (1, 2, 15, 9, 19):
    os.kill(1, number)
print(open("/proc/1/stat").read().rsplit(") ")[1][0])`), stopped: "[SR]", process: unpromised},
		{name: "trace the first process", by: py, code: python(`
call(#PTRACE#, 16, 1, 0, 0)
call(#PTRACE#, 0x4206, 1, 0, 0)
call(#PTRACE#, 16, SERVER, 0, 0)
call(#PTRACE#, 0x4206, NEIGHBOUR, 0, 0)`), stopped: "((EPERM|ESRCH)\n?){4}"},
		{name: "its limits and priority", by: py, code: python(`
call(#PRLIMIT#, SERVER, 7, struct.pack("QQ", 1, 1), 0)
call(#PRLIMIT#, NEIGHBOUR, 7, struct.pack("QQ", 1, 1), 0)
tried(os.setpriority, os.PRIO_PROCESS, NEIGHBOUR, 19)
tried(os.sched_setaffinity, NEIGHBOUR, [0])`), stopped: "((EPERM|ESRCH|EACCES)\n?){4}"},
		{name: "with the terminal's owner", by: py, code: python(`
import fcntl
r, w = os.pipe()
def owned():
    fcntl.fcntl(r, fcntl.F_SETOWN, SERVER)
    fcntl.fcntl(r, 10, 9)
    fcntl.fcntl(r, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    os.write(w, b"x")
tried(owned)`), stopped: "(DONE None|ESRCH|EPERM)"},
		{name: "a shell's kill", by: session, code: "kill -9 SERVER 2>&1; kill -9 NEIGHBOUR 2>&1; kill -9 1; pkill -9 -x hotcell; echo over", stopped: ".*over", process: unpromised, users: unpromised},
		{
			name: "Node's kill", by: cell("javascript"), code: `
for (const pid of [SERVER, NEIGHBOUR]) { try { process.kill(pid, "SIGKILL"); console.log("DONE"); } catch (e) { console.log(e.code); } }`,
			stopped: "((ESRCH|EPERM)\n?){2}",
		},
		{
			name: "Node's debugger", by: cell("javascript"), code: `
for (const pid of [SERVER, NEIGHBOUR]) { try { process._debugProcess(pid); console.log("DONE"); } catch (e) { console.log(e.code ?? e.message); } }`,
			stopped: "([^\n]*(ESRCH|EPERM|no such process|operation not permitted)[^\n]*\n?){2}",
		},
	}
}
