package hostile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// forger is Python that speaks in the driver's name.
const forger = `
import array, json, os, socket, stat, struct
def protocol():
    for fd in sorted(map(int, os.listdir("/proc/self/fd"))):
        try:
            if stat.S_ISSOCK(os.fstat(fd).st_mode):
                return fd
        except OSError:
            pass
fd = protocol()
def send(*frames):
    for frame in frames:
        raw = frame if isinstance(frame, bytes) else json.dumps(frame).encode()
        raw = len(raw).to_bytes(4, "big") + raw
        while raw:
            raw = raw[os.write(fd, raw):]
`

// forged are attempts to say what only a driver says, in the kernel's own protocol.
// Whoever does so spoils its own context at most. None of it takes isolation.
func forged() []attempt {
	const (
		here = "still here"
		// It is killed at once, perhaps before it could go on.
		died = "(still here[^\n]*?\n?)?ProtocolError: the (python|javascript|go) kernel ended while this ran: killed, since it broke the protocol between its driver and the server: [^\n]+; no variables were lost"
	)
	says := func(name, code, told string) attempt {
		return attempt{name: name, by: cell("python"), code: forger + code, stopped: told, none: true, here: goesOn}
	}
	return []attempt{
		says("a done of another execution", `send({"type": "done", "id": "another", "status": "ok"}); print("still here")`, here),
		says("events of another execution", `
for kind in ("result", "display", "error", "clear_output", "input_request", "chart"):
    send({"type": kind, "id": "another", "name": "N", "value": "V", "traceback": "T", "data": {"text/plain": "forged"}, "prompt": "p"})
print("still here")`, here+"\nN: V"),
		says("a second hello", `send({"type": "hello", "protocol": 1, "language": "python", "version": "9"}); print("still here")`, here),
		says("refused and ready", `send({"type": "refused", "value": "no"}, {"type": "ready"}); print("still here")`, here),
		says("a type that there isn't", `send({"type": "../../x"}, {"type": None}, {}, []); print("still here")`, died),
		says("what isn't JSON", `send(b"\xff\xfe{"); print("still here")`, died),
		says("the wrong kinds", `send({"type": "display", "id": 7, "data": [1]}); print("still here")`, died),
		says("a frame of 4 GiB", `os.write(fd, b"\xff\xff\xff\xff"); print("still here")`, died),
		says("a frame that is deep", `send(b'{"type":"display","id":"x","data":{"application/json":' + b"[" * 1000000 + b"]" * 1000000 + b"}}"); print("still here")`, died),
		says("no frame at all", `send(b""); print("still here")`, died),
		says("half a frame", `os.write(fd, (1 << 20).to_bytes(4, "big") + b"{"); os._exit(3)`, "KernelDiedError: the python kernel ended while this ran: exit status 3; no variables were lost"),
		{
			name: "frames without end", by: within("python", moment), none: true, here: goesOn,
			stopped: "TimeoutError: [^\n]*", code: forger + `
while True:
    send({"type": "display", "id": "another", "data": {"text/plain": "x" * 1000}, "ack": True})`,
		},
		says("descriptors with it", `
s = socket.socket(fileno=os.dup(fd))
null = os.open("/dev/null", os.O_RDONLY)
for i in range(100):
    s.sendmsg([(2).to_bytes(4, "big")], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [null] * 250))])
    s.sendmsg([b"{}"])
print("still here")`, here+".*|OSError: .*Too many references.*"),
		says("no protocol any more", `os.close(fd); print("still here")`, here+"\nKernelDiedError: the python kernel ended while this ran: exit status 0; no variables were lost"),
		says("reading what the server says", `
import threading
threading.Thread(target=lambda: os.read(fd, 1 << 16), daemon=True).start()
print("still here")`, here),
		{
			name: "a child that speaks on", by: then(cell("python"), "flock -n alive echo gone"), none: true, here: goesOn,
			stopped: here + "\ngone", code: forger + `
import ctypes, fcntl
keep = os.dup(fd)
alive = open("alive", "w")
r, w = os.pipe()
if ctypes.CDLL(None).fork() == 0:  # past what the driver does at a fork
    os.setsid()
    fcntl.flock(alive, fcntl.LOCK_EX)
    os.write(w, b"x")
    while True:
        os.write(keep, (2).to_bytes(4, "big") + b"{}")
os.read(r, 1)
alive.close()
print("still here")`,
		},
		{name: "as Node", by: cell("javascript"), none: true, here: goesOn, stopped: here, code: `
const fs = require("fs");
const raw = Buffer.from(JSON.stringify({type: "done", id: "another", status: "ok"}));
const head = Buffer.alloc(4); head.writeUInt32BE(raw.length);
fs.writeSync(3, Buffer.concat([head, raw]));
console.log("still here");`},
		{name: "what isn't JSON, as Node", by: cell("javascript"), none: true, here: goesOn, stopped: died, code: `
require("fs").writeSync(3, Buffer.from([0, 0, 0, 2, 0xff, 0xfe]));
console.log("still here");`},
		{name: "as Go", by: cell("go"), none: true, here: goesOn, stopped: died, code: `
import ("fmt"; "syscall")
n, err := syscall.Write(200, []byte{0xff, 0xff, 0xff, 0xff})
fmt.Println("still here", n, err)`},
		{name: "as a program", by: script("python"), none: true, here: goesOn, stopped: here + " \\[7\\]", code: forger + `
send({"type": "display", "id": "x", "data": {"image/png": "!"}}, {"type": "chart", "chart": {"type": "../x"}}, {"type": "exit", "code": 0}, b"{")
print("still here")
os._exit(7)`},
		{
			name: "an exit of another process", by: command, none: true, here: goesOn, stopped: "\\[5\\]",
			code: "kill -CHLD 1 2>/dev/null; for i in $(seq 200); do (setsid sh -c 'exit 9' &); done; exit 5",
		},
	}
}

// goesOn checks that the sandbox runs on, and the server has no more open than usual.
func goesOn(t *testing.T, s *scene, _ string) {
	t.Helper()
	told, err := cell("python")(s, s.box, "print(6 * 7)", nil)
	if err != nil || strings.TrimSpace(told) != "42" {
		t.Errorf("afterwards a new context says %q, %v", told, err)
	}
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", s.Pid))
	if err != nil || len(open) > fewDescriptors {
		t.Errorf("the server has %d descriptors open, %v", len(open), err)
	}
}

// fewDescriptors is more than the server needs for all sandboxes of this test.
const fewDescriptors = 800
