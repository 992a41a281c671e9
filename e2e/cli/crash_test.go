package cli_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// TestKilledServer: what the programs of a server leave that was killed is gone
// when the next one has started, also what lay among the user's files.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	const key = "the-key-of-this-test"
	home := t.TempDir()
	s := start(t, home, []string{"HOTCELL_API_KEY=" + key})
	work := filepath.Join(home, ".local/share/hotcell/sandboxes/default/work")
	began := filepath.Join(work, "began")
	if err := unix.Mkfifo(began, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		body := `{"language": "python", "code": "open('began', 'w').write(__file__); import time; time.sleep(600)"}`
		req, err := http.NewRequest(http.MethodPost, s.URL+"/toolbox/default/process/code-run", strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+key)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	path, err := os.ReadFile(began) // ends when the program has written
	if err != nil || filepath.Dir(string(path)) != work {
		t.Fatalf("%s, %v", path, err)
	}
	s.stop(syscall.SIGKILL)
	<-ended
	if _, err := os.Stat(string(path)); err != nil {
		t.Errorf("the test is for a file that is left: %v", err)
	}
	start(t, home, nil)
	left, _ := filepath.Glob(filepath.Join(work, ".*"))
	more, _ := filepath.Glob(filepath.Join(home, ".local/share/hotcell/hotcell-scratch/scripts/*"))
	if len(left)+len(more) > 0 {
		t.Errorf("left: %v %v", left, more)
	}
}

// TestKilledServersProcesses: what outlives a server that was killed ends when the
// next one starts.
func TestKilledServersProcesses(t *testing.T) {
	t.Parallel()
	const key = "the-key-of-this-test"
	home := t.TempDir()
	s := start(t, home, []string{"HOTCELL_API_KEY=" + key})
	work := filepath.Join(home, ".local/share/hotcell/sandboxes/default/work")
	began := filepath.Join(work, "began")
	if err := unix.Mkfifo(began, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		body := `{"command": "setsid -f sh -c 'grep -c /hotcell- /proc/self/cgroup >began; exec sleep 600 >/dev/null 2>&1' & sleep 600"}`
		req, err := http.NewRequest(http.MethodPost, s.URL+"/toolbox/default/process/execute", strings.NewReader(body))
		if err != nil {
			return
		}
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
		}
	}()
	inside, err := os.ReadFile(began)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(inside)) == "0" {
		s.stop(syscall.SIGKILL)
		t.Skip("no groups can be made here")
	}
	s.stop(syscall.SIGKILL)
	<-ended
	dirs, _ := filepath.Glob("/sys/fs/cgroup/*/hotcell-*-" + strconv.Itoa(s.Pid) + "-*")
	if len(dirs) == 0 {
		t.Error("the test is for groups that are left")
	}
	start(t, home, nil)
	for _, dir := range dirs {
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%s is left", dir)
		}
	}
}
