package cli_test

import (
	"bufio"
	"context"
	"fmt"
	"testing"
	"time"

	"hotcell/e2e/procs"
)

// TestExecIsKilled checks that a command ends when its command line is gone.
func TestExecIsKilled(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	s := start(t, home, []string{"HOTCELL_API_KEY=the-key-of-this-test"})
	cmd := command(t, home, "exec", "--url", s.URL, "--api-key", "the-key-of-this-test", "--", "sh", "-c",
		"echo $$ $(readlink /proc/self/ns/pid); exec sleep 60")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var (
		inside    int
		namespace string
	)
	_, err = fmt.Sscan(line, &inside, &namespace)
	pid, ok := procs.Outside(namespace, inside)
	if err != nil || !ok {
		t.Fatalf("%q: %v", line, err)
	}
	left := procs.Of(pid)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := procs.Gone(ctx, left); err != nil || len(left) == 0 {
		t.Errorf("%d were there: %v", len(left), err)
	}
}
