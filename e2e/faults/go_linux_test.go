package faults_test

func goFaults() []fault {
	timedOut := func(name, code string, s state) fault {
		return fault{name: name, code: code, timeout: soon, status: "timeout", errname: "TimeoutError", state: s}
	}
	raises := func(name, code, value string) fault {
		return fault{name: name, code: code, status: "error", errname: ".+", value: []string{value}}
	}
	dies := func(name, code, how string) fault {
		return fault{name: name, code: code, status: "died", errname: "KernelDiedError", value: []string{how, "kept"}, state: lost}
	}
	return []fault{
		timedOut("endless loop", "for {}", kept),
		timedOut("endless loop in a function", "func spin() { for i := 0; ; i++ {} }\nspin()", kept),
		timedOut("select", "select {}", either),
		timedOut("deadlock", "c := make(chan int)\n<-c", either),
		timedOut("lock", "import \"sync\"\nvar mu sync.Mutex\nmu.Lock()\nmu.Lock()", either),
		timedOut("sleep", "import \"time\"\ntime.Sleep(time.Minute)", kept),
		timedOut("ignores SIGINT", "import (\"os/signal\"; \"syscall\")\nsignal.Ignore(syscall.SIGINT)\nfor {}", either),
		timedOut("recovers", "for { func() { defer func() { recover() }(); for {} }() }", either),
		timedOut("child", "import \"os/exec\"\nexec.Command(\"sleep\", \"60\").Run()", either),
		timedOut("prints without end", "for { fmt.Println(\"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\") }", kept),
		timedOut("stops itself", "import \"syscall\"\nsyscall.Kill(os.Getpid(), syscall.SIGSTOP)\nfor {}", lost),
		{name: "interrupt of a loop", code: "fmt.Println(\"in\")\nfor {}", interrupt: true, status: "interrupted", errname: ".+", out: "in"},
		raises("panic", "panic(\"oh no\")", "oh no"),
		raises("nil map", "var m map[string]int\nm[\"a\"] = 1", "nil map"),
		raises("nil pointer", "var p *struct{ X int }\nfmt.Println(p.X)", "nil pointer"),
		raises("index", "xs := []int{1}\ni := 5\nfmt.Println(xs[i])", "out of range"),
		raises("division", "zero := 0\nfmt.Println(1 / zero)", "divi"),
		dies("panic in a goroutine", "go func() { panic(\"in a goroutine\") }()\nselect {}", ""),
		dies("os.Exit", "os.Exit(7)", "exit status 7"),
		{name: "runtime.Goexit", code: "import \"runtime\"\nruntime.Goexit()", status: "*", errname: ".*", state: either},
		{name: "stack overflow", code: "func deep(n int) int { return deep(n+1) + 1 }\ndeep(0)", timeout: 20e9, status: "*", errname: "KernelDiedError|.+", state: either},
		dies("SIGKILL to itself", "import \"syscall\"\nsyscall.Kill(os.Getpid(), syscall.SIGKILL)\nselect {}", "SIGKILL"),
		{name: "SIGKILL in mid-run", code: "fmt.Println(\"in\")\nfor {}", kill: true, status: "died", errname: "KernelDiedError", value: []string{"SIGKILL", "kept"}, state: lost, out: "in"},
		{name: "SIGKILL when idle", code: "fmt.Println(\"in\")", kill: true, idle: true, state: lost, out: "in"},
		{name: "closes its streams", code: "os.Stdin.Close()\nos.Stdout.Close()\nos.Stderr.Close()"},
		{name: "closes 0, 1 and 2", code: "import \"syscall\"\nfor fd := range 3 { syscall.Close(fd) }"},
		{name: "os.Stdout = nil", code: "os.Stdout, os.Stderr = nil, nil", status: "*", errname: ".*"},
		{name: "huge allocation", code: "n := 1 << 46\nhuge := make([]byte, n)\nfmt.Println(len(huge))", status: "*", errname: ".+", state: either},
		{name: "a goroutine spins", code: "go func() { for {} }()"},
		{name: "a goroutine prints afterwards", code: "import \"time\"\ngo func() { time.Sleep(20 * time.Millisecond); fmt.Println(\"late\") }()"},
		{name: "a child stays", code: "import \"os/exec\"\nstays := exec.Command(\"setsid\", \"sleep\", \"600\")\nstays.Start()", status: "*", errname: ".*"},
		{name: "reads standard input", code: "var line string\ncount, _ := fmt.Scanln(&line)\nfmt.Println(\"got\", count)", out: "got 0\n"},
	}
}
