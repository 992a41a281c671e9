package hostile_test

import "strings"

// What each process finds open. A session's stderr is a named pipe of its own; a
// terminal has nothing but itself.
const (
	own3    = "0 /dev/null\n1 pipe:\\S+\n2 pipe:\\S+"
	drivers = "(\n[0-9]+ (/dev/null|pipe:\\S+|socket:\\S+|anon_inode:\\[event(poll|fd)\\]))*"
	below   = ".* 0 -> (/dev/null|socket:\\S+)\n.* 1 -> (pipe|socket):\\S+\n.* 2 -> (pipe|socket):\\S+\n.* 3 -> /proc/[0-9]+/fd"
)

// descriptors are attempts to find some that were inherited by accident: a kernel's
// are its driver's, and everything else has the first three.
func descriptors() []attempt {
	const pyList = `
import os
for fd in sorted(os.listdir("/proc/self/fd"), key=int):
    try:
        print(fd, os.readlink("/proc/self/fd/" + fd))
    except OSError:
        pass  # that of the list`
	const jsList = `
const fs = require("fs");
for (const fd of fs.readdirSync("/proc/self/fd").map(Number).sort((a, b) => a - b)) {
  try { console.log(fd, fs.readlinkSync("/proc/self/fd/" + fd)); } catch {}
}`
	const goList = `import ("fmt"; "os")
func list() {
	names, _ := os.ReadDir("/proc/self/fd")
	for _, n := range names { if to, err := os.Readlink("/proc/self/fd/" + n.Name()); err == nil { fmt.Println(n.Name(), to) } }
}
`
	const shList = "for f in /proc/self/fd/*; do readlink $f >/dev/null && echo ${f##*/} $(readlink $f); done; true"
	return []attempt{
		{name: "in a Python kernel", by: cell("python"), code: pyList, stopped: own3 + drivers},
		{name: "in a Node kernel", by: cell("javascript"), code: jsList, stopped: own3 + drivers},
		{name: "in a Go kernel", by: cell("go"), code: goList + "list()", stopped: own3 + drivers},
		{name: "in a Python program", by: script("python"), code: pyList, stopped: own3 + "(\n202 socket:\\S+)?"},
		{name: "in a Node program", by: script("javascript"), code: jsList, stopped: own3 + drivers},
		{name: "in a Go program", by: script("go"), code: "package main\n" + goList + "func main() { list() }", stopped: own3 + drivers},
		{name: "in a command", by: command, code: shList, stopped: own3},
		{name: "in a session", by: session, code: shList, stopped: "0 /dev/null\n1 pipe:\\S+\n2 \\S+/run/session-[0-9]+/stderr"},
		{name: "in a terminal", by: terminal, code: shList, stopped: "0 /dev/pts/[0-9]+\n1 pipe:\\S+\n2 /dev/pts/[0-9]+"},
		{
			name: "below a Python kernel", by: cell("python"), stopped: below,
			code: "import subprocess; print(subprocess.run(['/bin/ls', '-l', '/proc/self/fd'], close_fds=False, capture_output=True, text=True).stdout)",
		},
		{
			name: "below a Node kernel", by: cell("javascript"), stopped: below,
			code: "console.log(require('child_process').execSync('exec ls -l /proc/self/fd').toString())",
		},
		{
			name: "below a Go kernel", by: cell("go"), stopped: below,
			code: "import (\"fmt\"; \"os/exec\")\nout, _ := exec.Command(\"ls\", \"-l\", \"/proc/self/fd\").Output()\nfmt.Println(string(out))",
		},
		{
			name: "below a fork of a Python kernel", by: cell("python"), stopped: own3 + drivers,
			code: "import os, sys\npid = os.fork()\nif pid == 0:\n" + indented(pyList) + "\n    sys.stdout.flush(); os._exit(0)\nos.waitpid(pid, 0)",
		},
	}
}

func indented(code string) string { return strings.ReplaceAll(code, "\n", "\n    ") }
