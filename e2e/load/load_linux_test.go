// Package load_test makes a server carry much: output in every amount and
// form, clients that don't take it, and thousands of contexts one after another.
package load_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/testserver"
)

// pause is how long a client stops reading. 15s is what is promised; the
// default is past every buffer on the way already.
var pause = flag.Duration("pause", 3*time.Second, "how long a client stops reading in the middle of its output")

func TestMain(m *testing.M) { testserver.Main(m) }

// patience is only reached when something is broken.
const patience = 2 * time.Minute

// program is the real one, so that its memory can be measured
// apart from the tests' own.
type program struct {
	url, key string
	pid      int
}

// serve starts the program, which ends with the test.
func serve(t *testing.T) *program {
	t.Helper()
	path := filepath.Join(t.TempDir(), "hotcell")
	if out, err := exec.Command("go", "build", "-o", path, "hotcell").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	p := &program{key: "the-key-of-the-load-test"}
	cmd := exec.Command(path, "serve", "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--python", python(t), "--warm", "1")
	cmd.Env = append(os.Environ(), "HOTCELL_API_KEY="+p.key)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("the server's end: %v", err)
		}
	})
	p.pid = cmd.Process.Pid
	address := regexp.MustCompile(`http://\S+`)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if p.url = address.FindString(lines.Text()); p.url != "" && strings.Contains(lines.Text(), "serves at") {
			return p
		}
	}
	t.Fatal("the server has said no address")
	return nil
}

// peak forgets the highest memory use so far, and returns a function that
// tells it from then on.
func (p *program) peak(t *testing.T) func() int64 {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.pid), []byte("5"), 0); err != nil {
		t.Logf("the peak of the memory can't be reset: %v", err)
	}
	return func() int64 {
		_, peak := procs.Memory(p.pid)
		return peak
	}
}

func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// python is the interpreter of the contexts.
func python(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("HOTCELL_PYTHON"); path != "" {
		return path
	}
	path, err := filepath.Abs("../../.venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	return path
}
