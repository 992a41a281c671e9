// Package load_test makes a server carry much: output in every amount and
// form, clients that don't take it, and thousands of contexts one after another.
package load_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
)

// pause is how long a client stops reading. 15s is what is promised; the
// default is past every buffer on the way already.
var pause = flag.Duration("pause", 3*time.Second, "how long a client stops reading in the middle of its output")

func TestMain(m *testing.M) { testserver.Main(m) }

// patience is only reached when something is broken.
const patience = 2 * time.Minute

// peak forgets the highest memory use so far, and returns a function that
// tells it from then on.
func peak(t *testing.T, p *program.Program) func() int64 {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.Pid), []byte("5"), 0); err != nil {
		t.Logf("the peak of the memory can't be reset: %v", err)
	}
	return func() int64 {
		_, peak := procs.Memory(p.Pid)
		return peak
	}
}

func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}
