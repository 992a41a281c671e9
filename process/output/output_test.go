package output_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"hotcell/process/output"
)

// start runs a shell with one pipe for both of its streams.
func start(t *testing.T, script string) (*exec.Cmd, *output.Reader, *output.Kept) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", script)
	cmd.Stdout, cmd.Stderr = write, write
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		t.Fatal(err)
	}
	into := output.New(t.TempDir(), 0)
	r := output.Follow(read, into)
	t.Cleanup(r.Close)
	return cmd, r, into
}

func TestReader(t *testing.T) {
	t.Parallel()
	cmd, r, into := start(t, `i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done`)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if r.Finish() {
		t.Error("the pipe is held")
	}
	lines := strings.Split(strings.TrimSpace(into.String()), "\n")
	if len(lines) != 4000 || lines[2] != "out 1" || lines[3999] != "err 1999" {
		t.Errorf("%d lines, %q … %q", len(lines), lines[2], lines[len(lines)-1])
	}
}

// TestReaderDoesNotWait for a process that keeps the pipe, and misses nothing
// that was written before its program ended.
func TestReaderDoesNotWait(t *testing.T) {
	t.Parallel()
	cmd, r, into := start(t, `sleep 600 & echo $!; head -c 50000 /dev/zero | tr '\0' x`)
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if !r.Finish() {
		t.Error("nobody holds the pipe")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s", took)
	}
	pid, rest, _ := strings.Cut(into.String(), "\n")
	if len(rest) != 50000 {
		t.Errorf("%d bytes", len(rest))
	}
	if err := exec.Command("kill", pid).Run(); err != nil {
		t.Fatal(err)
	}
}
