package faults_test

import "time"

const soon = 300 * time.Millisecond

func pythonFaults() []fault {
	timedOut := func(name, code string, s state) fault {
		return fault{name: name, code: code, timeout: soon, status: "timeout", errname: "TimeoutError", state: s}
	}
	raises := func(name, code, errname string) fault {
		return fault{name: name, code: code, status: "error", errname: errname}
	}
	dies := func(name, code, how string) fault {
		return fault{name: name, code: code, status: "died", errname: "KernelDiedError", value: []string{how, "kept"}, state: lost}
	}
	return []fault{
		timedOut("endless loop", "while True: pass", kept),
		timedOut("sleep", "import time\ntime.sleep(60)", kept),
		timedOut("sleep in a thread that is joined", "import threading, time\nt = threading.Thread(target=time.sleep, args=(60,), daemon=True)\nt.start()\nt.join()", kept),
		timedOut("await that never ends", "import asyncio\nawait asyncio.Event().wait()", kept),
		timedOut("asyncio.run that never ends", "import asyncio\nasyncio.run(asyncio.sleep(60))", kept),
		timedOut("swallows KeyboardInterrupt", "import time\nwhile True:\n    try:\n        time.sleep(0.01)\n    except BaseException: pass", lost),
		timedOut("ignores SIGINT", "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nwhile True: pass", either),
		timedOut("os.system", "import os\nos.system('sleep 60')", kept),
		timedOut("subprocess", "import subprocess\nsubprocess.run(['sleep', '60'])", kept),
		timedOut("a shell that ignores SIGINT", "import subprocess\nsubprocess.run(['sh', '-c', 'trap \"\" INT; sleep 60; sleep 60'])", either),
		timedOut("prints without end", "while True: print('x' * 100)", kept),
		timedOut("stops itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", lost),
		timedOut("hangs in C", "import ctypes\nctypes.PyDLL(None).pause()", either),
		timedOut("regular expression", "import re\nre.match(r'(a*)*b', 'a' * 40)", either),
		{name: "interrupt of a loop", code: "print('in', flush=True)\nwhile True: pass", interrupt: true, status: "interrupted", errname: "KeyboardInterrupt", out: "in"},
		dies("os._exit", "import os\nos._exit(7)", "exit status 7"),
		dies("abort", "import os\nos.abort()", "SIGABRT"),
		dies("segfault", "import ctypes\nctypes.string_at(0)", "SIGSEGV"),
		{name: "SIGKILL in mid-run", code: "print('in', flush=True)\nwhile True: pass", kill: true, status: "died", errname: "KernelDiedError", value: []string{"SIGKILL", "kept"}, state: lost, out: "in"},
		{name: "SIGKILL when idle", code: "print('in')", kill: true, idle: true, state: lost, out: "in"},
		dies("kills its group", "import os, signal\nos.killpg(0, signal.SIGKILL)", "SIGKILL"),
		dies("closes every descriptor", "import os\nos.closerange(0, 4096)\nimport time\ntime.sleep(30)", ""),
		{name: "writes into every descriptor", code: "import os\nfor fd in range(3, 64):\n    try: os.write(fd, b'\\x00\\x00\\x00\\x02{}garbage')\n    except OSError: pass", state: either, status: "*", errname: ".*"},
		raises("sys.exit(3)", "import sys\nsys.exit(3)", "SystemExit"),
		{name: "sys.exit()", code: "import sys\nsys.exit()"},
		raises("SystemExit", "raise SystemExit(1)", "SystemExit"),
		raises("KeyboardInterrupt", "raise KeyboardInterrupt", "KeyboardInterrupt"),
		raises("GeneratorExit", "raise GeneratorExit", "GeneratorExit"),
		raises("CancelledError", "import asyncio\nraise asyncio.CancelledError", "CancelledError"),
		{name: "closes 0, 1 and 2", code: "import os\nos.close(0); os.close(1); os.close(2)"},
		{name: "sys.stdout = None", code: "import sys\nsys.stdout = None\nsys.stderr = None"},
		{name: "breaks json", code: "import json\njson.dumps = json.loads = json.JSONEncoder.encode = json.JSONDecoder.decode = None"},
		{name: "breaks print", code: "import builtins\nbuiltins.print = None"},
		{name: "breaks __builtins__", code: "__builtins__ = None"},
		{name: "empties builtins", code: "import builtins\nvars(builtins).clear()", status: "*", errname: ".*", state: either},
		{name: "recursion", code: "import sys\nsys.setrecursionlimit(10**6)\ndef f(): return max([1], key=lambda _: f())\nf()", timeout: 10 * time.Second, status: "*", errname: "KernelDiedError|RecursionError|MemoryError", state: either},
		raises("'x' * 10**13", "'x' * 10**13", "MemoryError"),
		raises("__str__ raises", "class E(Exception):\n    def __str__(self): raise ValueError('no')\nraise E", "E"),
		raises("__repr__ raises", "class R:\n    def __repr__(self): raise ValueError('no repr')\nR()", "ValueError"),
		{name: "fork returns into the cell", code: "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('parent' if pid else 'child', flush=True)", out: "child\nparent\n"},
		{name: "fork, and the child raises", code: "import os\npid = os.fork()\nif not pid: raise ValueError('in the child')\n_ = os.waitpid(pid, 0)\nprint('parent')", out: "parent\n"},
		{name: "fork, and the child stays", code: "import os, time\nif not os.fork(): time.sleep(600)\nprint('parent')", out: "parent\n"},
		{name: "a daemon stays", code: "import subprocess\np = subprocess.Popen(['sleep', '600'], start_new_session=True)"},
		{name: "a thread prints afterwards", code: "import threading, time\ngo = threading.Event()\ndef late():\n    go.wait(0.05)\n    print('late')\nthreading.Thread(target=late).start()"},
		{name: "a busy thread stays", code: "import threading\ndef spin():\n    while True: pass\nthreading.Thread(target=spin).start()"},
		raises("input()", "input()", "EOFError"),
		raises("a line of standard input", "import sys\nline = sys.stdin.readline()\nassert line == ''\nraise EOFError", "EOFError"),
		{name: "breaks signals", code: "import signal\nfor s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)"},
		{name: "sends itself SIGINT", code: "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nimport time; time.sleep(0.1)", status: "*", errname: "KeyboardInterrupt"},
		dies("sends itself SIGTERM", "import os, signal\nsignal.signal(signal.SIGTERM, signal.SIG_DFL)\nos.kill(os.getpid(), signal.SIGTERM)\nimport time; time.sleep(5)", "SIGTERM"),
	}
}
