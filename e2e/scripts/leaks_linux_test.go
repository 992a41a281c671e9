package scripts_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// inventory is what there is when nothing runs.
type inventory struct {
	Goroutines, Descriptors, Processes, Kept, Files int
}

func take(s *testserver.Server) inventory {
	n := inventory{Goroutines: runtime.NumGoroutine(), Descriptors: procs.Descriptors()}
	for _, p := range procs.Descendants(os.Getpid()) {
		n.Processes++
		n.Kept += procs.DescriptorsOf(p.Pid)
	}
	// The server's scratch directory isn't known here; all of a test's are side by side.
	for _, dir := range []string{filepath.Dir(s.DataDir), s.Sandboxes.WorkDir("default")} {
		_ = filepath.WalkDir(dir, func(string, os.DirEntry, error) error { n.Files++; return nil })
	}
	return n
}

func (n inventory) above(was inventory) error {
	if n.Goroutines > was.Goroutines || n.Descriptors > was.Descriptors || n.Processes > was.Processes || n.Kept > was.Kept || n.Files > was.Files {
		return fmt.Errorf("something is left: before %+v, now %+v: %s %+v", was, n, procs.Listing(os.Getpid()), procs.Descendants(os.Getpid()))
	}
	return nil
}

// TestNothingIsLeft runs programs of all kinds, good and bad, and wants
// everything to be where it was.
func TestNothingIsLeft(t *testing.T) {
	s := testserver.Start(t)
	bodies := []object{
		{"language": "python", "code": "print(1)"},
		{"language": "python", "code": "import subprocess; subprocess.Popen(['sleep', '600'])"},
		{"language": "python", "code": "import subprocess; subprocess.Popen(['setsid', 'sleep', '600'])"},
		{"language": "python", "code": "import os\nif os.fork() == 0:\n    import time; time.sleep(600)"},
		{"language": "python", "code": "import os; print(__file__); os.kill(os.getpid(), 9)"},
		{"language": "python", "code": "import time; print(__file__); time.sleep(600)", "timeout": 0.3},
		{"language": "python", "code": "import multiprocessing as mp, time\nif __name__ == '__main__':\n    p = mp.get_context('spawn').Process(target=time.sleep, args=(600,)); p.start(); raise SystemExit(0) if not p.terminate() else 0"},
		{"language": "python", "code": "print(1)", "envs": object{"PYTHONHASHSEED": "1"}},
		{"language": "javascript", "code": "console.log(__filename)"},
		{"language": "javascript", "code": "import fs from 'fs'; process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 9)"},
		{"language": "javascript", "code": "import fs from 'nothing-like-this'"},
		{"language": "javascript", "code": "console.log(import.meta.url); for (;;);", "timeout": 0.3},
		{"language": "javascript", "code": "require('child_process').spawn('sleep', ['600'], {detached: true, stdio: 'inherit'}).unref()"},
		{"language": "typescript", "code": "let x: = 1"},
		{"language": "go", "code": "fmt.Println(1)"},
		{"language": "go", "code": "for {}", "timeout": 0.3},
		{"language": "go", "code": "package main\nfunc main() { println(1) }"},
		{"language": "go", "code": "package main\nfunc main() { for {} }", "timeout": 2},
		{"language": "go", "code": "package main\nfunc main() { x }"},
	}
	round(t, s, bodies) // what is made once, and kept
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	before := settle(ctx, s, nil)
	for range 3 {
		round(t, s, bodies)
	}
	after := settle(ctx, s, &before)
	t.Logf("before %+v\nafter  %+v", before, after)
	if err := after.above(before); err != nil {
		t.Error(err)
	}
}

// round runs all programs, some at a time.
func round(t *testing.T, s *testserver.Server, bodies []object) {
	t.Helper()
	var wg sync.WaitGroup
	slots := make(chan struct{}, 4)
	for _, body := range bodies {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			a, err := post(s, "default", body)
			if err != nil || a.Status != http.StatusOK && a.Status != http.StatusRequestTimeout {
				t.Errorf("%s: %+v, %v", body["code"], a, err)
			}
		})
	}
	wg.Wait()
	http.DefaultClient.CloseIdleConnections()
}

// settle waits until what ends by itself has ended.
func settle(ctx context.Context, s *testserver.Server, was *inventory) (now inventory) {
	last, alike := inventory{}, 0
	_ = procs.Eventually(ctx, func() error { // the caller sees what it has come to
		s.Contexts.Warm(ctx)
		now = take(s)
		if was != nil {
			return now.above(*was)
		}
		if now != last {
			last, alike = now, 0
		}
		if alike++; alike < 20 {
			return fmt.Errorf("not settled")
		}
		return nil
	})
	return now
}
