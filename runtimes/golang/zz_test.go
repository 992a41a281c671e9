package golang_test

import (
	"os"
	"syscall"
	"testing"
	"time"
)

func TestZZ(t *testing.T) {
	c := start(t)
	raw, _ := os.ReadFile(os.Getenv("ZZ"))
	time.AfterFunc(2*time.Second, func() { c.kernel.Process.Signal(syscall.SIGQUIT) })
	o := c.run(string(raw))
	t.Logf("%s out=%s\nerr=%s", o.status, o.stdout, o.stderr)
	t.Logf("%+v", o.err)
}
