// Command hotcell keeps Python, JavaScript, TypeScript and Go interpreters
// alive behind one small server. This file is its start: signals in, exit
// status out, and the other programs that are in the same binary.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"hotcell/cli"
)

// version is set by the linker (-X main.version=…), the only place it can be.
var version string

func main() {
	if len(os.Args) > 1 && os.Args[1] == "be-child" {
		os.Exit(beChild(os.Args[2:]))
	}
	os.Exit(run())
}

// run is main with defers.
func run() int {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	force := make(chan struct{})
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // nohup wants it ignored
		signal.Notify(signals, syscall.SIGHUP)
	}
	defer signal.Stop(signals)
	// A pipe that nobody reads is an error of the write. It must not end the
	// process, which has others to take along; nor be ignored, which the
	// children would inherit.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	// Lives as long as the process. The first signal asks for an orderly end,
	// the second for a quick one, the third doesn't ask.
	go func() {
		s := <-signals
		cancel(&cli.SignalError{Signal: s})
		<-signals
		close(force)
		<-signals
		os.Exit(cli.ExitInterrupted)
	}()
	return cli.Main(cli.Signals{Context: ctx, Force: force}, version, os.Args[1:],
		cli.Terminal{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
}
