package python_test

import (
	"testing"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

func jailed(t *testing.T, j *jail) *kernel {
	t.Helper()
	k := startOf(t, shared, runtimes.Spec{Jail: j})
	k.configure(wire.Request{Cwd: "/tmp"})
	return k
}

func TestJailed(t *testing.T) {
	t.Parallel()
	k := jailed(t, newJail(t, spaces))
	r := k.ok("import os\nprint(open('/proc/self/status').read(), os.listdir('/proc'), os.getuid(), os.getpid(), os.getcwd(), os.listdir('/root'), os.listdir('/proc/self/fd'))")
	t.Log(r.stdout.String())
}
