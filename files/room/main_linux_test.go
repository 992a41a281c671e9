package room_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"hotcell/files/room"
	"hotcell/internal/child"
	"hotcell/process"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "be-child" {
		if os.Args[2] == "taken-over" {
			os.Exit(takenOver(os.Args[3]))
		}
		os.Exit(room.Main(os.Args[3:]))
	}
	goleak.VerifyTestMain(m)
}

// outside starts an agent without any boundary.
func outside(ctx context.Context, spec child.Spec) (*child.Process, error) {
	spec.Jail = nil
	// The race detector would sleep for a second at the end.
	spec.Env = append(spec.Env, "GORACE=atexit_sleep_ms=0")
	return child.Start(ctx, spec)
}

// place is an empty work directory and a set that has an agent for it.
func place(tb testing.TB, cfg room.Config) (*room.Set, process.Place) {
	tb.Helper()
	dir, err := filepath.EvalSymlinks(tb.TempDir())
	if err != nil {
		tb.Fatal(err)
	}
	if cfg.Start == nil {
		cfg.Start = outside
	}
	s := room.New(cfg)
	tb.Cleanup(s.Close)
	return s, process.Place{Sandbox: "s", Dir: dir}
}
