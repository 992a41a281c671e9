package hostile_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

// moment is long enough for code without an end to have put out, or taken, all that the
// server would let it, or to be stopped by its limit.
const moment = 200 * time.Millisecond

// exhaustion are attempts to leave nothing to others, within the bounds that need no
// control groups: those of docs/architecture.md. None of it takes isolation.
func exhaustion() []attempt {
	py, js := cell("python"), cell("javascript")
	all := func(a attempt) attempt { a.none, a.here = true, goesOn; return a }
	return []attempt{
		all(attempt{name: "output without end", by: within("python", moment), code: "while True: print('x' * 1000)", stopped: "(x+\n)+.*TimeoutError: .*"}),
		all(attempt{name: "output without end, of Node's", by: within("javascript", moment), code: "for (;;) console.log('x'.repeat(1000))", stopped: "(x+\n)+.*TimeoutError: .*"}),
		all(attempt{name: "a line without end", by: within("python", moment), code: "import os\nwhile True: os.write(1, b'x' * 65536)", stopped: "x+.*TimeoutError: .*"}),
		all(attempt{name: "output without end, of a command", by: command, code: "timeout 0.1 yes x", stopped: "(x\n)+.*\\[124\\]"}),
		all(attempt{name: "output without end, of a terminal", by: terminal, code: "timeout 0.1 yes x; echo over", stopped: ".*over"}),
		all(attempt{name: "all descriptors", by: py, code: `
import os
fds = []
try:
    while True: fds.append(os.dup(0))
except OSError as e:
    print(e.strerror)`, stopped: "Too many open files"}),
		all(attempt{name: "all descriptors, of Node's", by: js, code: `
const fs = require("fs");
try { for (;;) fs.openSync("/dev/null"); } catch (e) { console.log(e.code); }`, stopped: "EMFILE"}),
		all(attempt{name: "recursion without end", by: py, code: "def f(): f()\nf()", stopped: "RecursionError: .*"}),
		all(attempt{name: "a crash", by: py, code: "import ctypes\nctypes.string_at(0)", stopped: "(Fatal Python error.*)?KernelDiedError: .*SIGSEGV.*"}),
		all(attempt{name: "a value too large to show", by: py, code: "from IPython.display import display\ndisplay({'text/plain': 'x' * (70 << 20)}, raw=True)", stopped: ".*at most 64 MiB fit in one message.*"}),
		all(attempt{name: "a value that is deep", by: py, code: "x = []\nfor i in range(100000): x = [x]\nprint(len(x)); x", stopped: "1\n.*"}),
		all(attempt{name: "a value whose text never ends", by: within("python", moment), code: "class C:\n    def __repr__(self):\n        while True: pass\nC()", stopped: "TimeoutError: .*"}),
		all(attempt{name: "a cell of 20 MB", by: py, code: "n = len('#20MB#')\nprint(n)", stopped: "20000000"}),
		all(attempt{name: "a cell larger than a request", by: refused(py), code: "'#70MB#'", stopped: ".*(413|broken pipe|connection reset).*"}),
		all(attempt{name: "a cell that is deep", by: py, code: strings.Repeat("(", 5000) + strings.Repeat(")", 5000), stopped: "(SyntaxError|MemoryError|RecursionError): .*"}),
		all(attempt{name: "directories in directories", by: command, code: `
python3 -c '
import os
for i in range(3000):
    os.mkdir("d"); os.chdir("d")
' && echo deep && chmod 0 d`, stopped: "deep"}),
		all(attempt{name: "many terminals", by: many("/process/pty", func(s *scene, box string, i int) map[string]any {
			return map[string]any{"id": fmt.Sprint(i), "lazyStart": false, "envs": s.withHome(box, nil)}
		}), code: "100", stopped: "64 made, then .* 429 .*"}),
		all(attempt{name: "many sessions", by: many("/process/session", func(_ *scene, _ string, i int) map[string]any { return map[string]any{"sessionId": fmt.Sprint(i)} }), code: "100", stopped: "[0-9]+ made(, then .* 429 .*)?"}),
		all(attempt{name: "many contexts", by: many("/process/interpreter/context", func(*scene, string, int) map[string]any { return map[string]any{"language": "python"} }), code: "100", stopped: "[0-9]+ made, then .* 429 .*"}),
		all(attempt{name: "a client that doesn't read", by: unread, code: "for i in range(200000): print('x' * 100)\nprint('all')", stopped: "all"}),
	}
}

// refused is a way in which the server's refusal is what is read.
func refused(by way) way {
	return func(s *scene, box, code string, env map[string]string) (string, error) {
		told, err := by(s, box, code, env)
		if err != nil {
			return err.Error(), nil //nolint:nilerr // it is what is read
		}
		return told, nil
	}
}

// many makes as many of something as the code says, four at once, and says how many
// there were and why not more. They go with their sandbox.
func many(path string, body func(s *scene, box string, i int) map[string]any) way {
	return func(s *scene, _, code string, _ map[string]string) (string, error) {
		var box struct{ ID string }
		if err := s.call("POST", "/api/sandbox", map[string]any{}, &box); err != nil {
			return "", err
		}
		var n, made int
		_, _ = fmt.Sscan(code, &n)
		var refusal error
		var mu sync.Mutex
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() { // ends with its requests; joined below
				for i := c; i < n; i += 4 {
					err := s.call("POST", "/toolbox/"+box.ID+path, body(s, box.ID, i), nil)
					mu.Lock()
					if err == nil {
						made++
					} else {
						refusal = err
					}
					mu.Unlock()
				}
			})
		}
		clients.Wait()
		told := fmt.Sprintf("%d made", made)
		if refusal != nil {
			told += ", then " + refusal.Error()
		}
		return told, s.call("DELETE", "/api/sandbox/"+box.ID, nil, nil)
	}
}

// unread has a client that asks for everything and takes nothing, while another
// waits for the end.
func unread(s *scene, box, code string, _ map[string]string) (string, error) {
	id, _, err := s.open(box, "python", nil)
	if err != nil {
		return "", err
	}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+"/v1/ws?token="+s.Key, nil)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	defer conn.Close()
	if err := conn.WriteJSON(map[string]any{"id": 1, "type": "execute", "context": id, "code": code}); err != nil {
		return "", err
	}
	if _, _, err := conn.ReadMessage(); err != nil { // it has begun, or waits
		return "", err
	}
	told, err := s.run(id, "print('all')", patience)
	return told, errors.Join(err, s.call("DELETE", "/v1/contexts/"+id, nil, nil))
}
