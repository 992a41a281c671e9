package hostile_test

// limits are attempts that take what only control groups, or a culprit's own limits,
// ration: processors, memory, processes. Where the server has no limits in force
// they are as large as a machine without them bears.
func limits() []attempt {
	py := cell("python")
	all := func(a attempt) attempt { a.none, a.here = true, goesOn; return a }
	return []attempt{
		all(attempt{name: "all processors", by: command, code: "for i in $(seq 4); do timeout 0.7 sh -c 'while :; do :; done' & done; wait; echo over", stopped: "over"}),
		all(attempt{name: "all processors, of a kernel", by: within("python", moment), code: "while True: pass", stopped: "TimeoutError: .*"}),
		all(attempt{name: "memory", by: py, code: `
import resource
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
l = []
while True: l.append(" " * (1 << 28))`, stopped: "MemoryError:.*|KernelDiedError: .*"}),
		all(attempt{name: "threads", by: py, code: `
import threading
over, threads = threading.Event(), []
try:
    for i in range(500):
        threads.append(threading.Thread(target=over.wait))
        threads[-1].start()
except RuntimeError:
    pass
over.set()
print("over")`, stopped: "over"}),
		all(attempt{name: "processes", by: command, code: "for i in $(seq 300); do sleep 5 & done; kill $(jobs -p) && echo over", stopped: "over|.*Resource temporarily unavailable.*"}),
	}
}
