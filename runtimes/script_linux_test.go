package runtimes_test

import (
	"context"
	"errors"
	"net"
	"os"
	"testing"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// process is one that ends with the first signal.
type process struct{ done chan struct{} }

func (p process) Pid() int              { return 0 }
func (p process) Done() <-chan struct{} { return p.done }
func (p process) Exit() child.Exit      { return child.Exit{Code: 137} }
func (p process) Signal(os.Signal) error {
	close(p.done)
	return nil
}

// TestGivenUp: a start is given up when the driver has the script already. If the
// driver began it, there is a run, whose output counts; if it says nothing, there
// is none.
func TestGivenUp(t *testing.T) {
	t.Parallel()
	for name, begins := range map[string]bool{"it had begun": true, "no word": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			ends, err := runtimes.NewEnds()
			if err != nil {
				t.Fatal(err)
			}
			defer ends.CloseTheirs()
			driver, err := net.FileConn(ends.Theirs[0])
			if err != nil {
				t.Fatal(err)
			}
			defer driver.Close()
			givenUp := errors.New("given up")
			go func() { // ends with the frame, or with the connection
				var req wire.Request
				if wire.ReadFrame(driver, &req) != nil {
					return
				}
				cancel(givenUp)
				if begins {
					_ = wire.WriteFrame(driver, wire.Message{Type: wire.MsgReady})
				}
			}()
			take := func(context.Context) (*runtimes.Kernel, error) {
				return &runtimes.Kernel{Conn: ends.Conn, Stdout: ends.Stdout, Stderr: ends.Stderr, Process: process{make(chan struct{})}}, nil
			}
			run, err := runtimes.Become(ctx, take, wire.Script{}, "/")
			if begins && err != nil || !begins && !errors.Is(err, givenUp) {
				t.Errorf("%v", err)
			}
			if run != nil {
				run.Close()
			}
		})
	}
}
