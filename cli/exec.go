package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"hotcell/handlers/native/client"
	"hotcell/process/command"
)

// killGrace is how long a command that was sent our signal may take to end:
// what containers are given, too.
const killGrace = 10 * time.Second

// seconds is a time that is given in them, or with a unit.
type seconds time.Duration

// UnmarshalText reads "5", "1.5" and "300ms".
func (s *seconds) UnmarshalText(text []byte) error {
	if n, err := strconv.ParseFloat(string(text), 64); err == nil && n >= 0 && n < 1e9 {
		*s = seconds(n * float64(time.Second))
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return fmt.Errorf("want seconds, such as 5 or 1.5, or a duration, such as 300ms, not %q", text)
	}
	*s = seconds(d)
	return nil
}

type execCommand struct {
	Target  string   `arg:"" optional:"" name:"sandbox" help:"The sandbox, by name or id. Default: the one called default, or an own server's."`
	Command []string `arg:"" optional:"" name:"-- program argument" help:"What to run, behind --: a program and its arguments."`

	Sandbox string            `help:"The sandbox, by name or id; the same as the word before --." placeholder:"ID"`
	Cwd     string            `help:"The working directory. Default: the sandbox's; this one for an own server." placeholder:"DIR"`
	Timeout seconds           `help:"Kill the command after so many seconds, with exit status 124. 0 is never." default:"0" placeholder:"SECONDS"`
	Env     map[string]string `help:"A variable for its environment. May be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Stdin   bool              `short:"i" help:"Pass the standard input on. Without it the command's is empty."`

	remoteFlags
	engineFlags
}

// Help is added to what `exec --help` prints.
func (execCommand) Help() string {
	return `Examples:

  hotcell exec my-sandbox -- ls -la
  hotcell exec my-sandbox --cwd src --timeout 5 -- sleep 3
  hotcell exec my-sandbox -- sh -c 'echo $HOME | wc -c'
  tar c . | hotcell exec -i my-sandbox -- tar x

No shell reads the command: name one for pipes and variables. A named sandbox is one of the server
that --url names, or else of the one at the usual address. Without --url and without a sandbox the
command runs on a server that lives only as long as it does.

Output comes as it is written, byte by byte, and with -i so does input. Ctrl-C and SIGTERM are
passed on to the command, and it is killed if it is still there 10 seconds later, or at the second
Ctrl-C. What it has left running in the background ends with it.

The exit status is the command's, 128 more than the signal that ended it, 2 when the command line is
wrong, 124 after --timeout, 125 when hotcell itself could not do it, 126 when the program can't be
executed, and 127 when there is no such program.`
}

// Run runs one command and shows what it puts out.
func (c *execCommand) Run(a *app) error {
	argv, err := c.split(a.args)
	if err != nil {
		return err
	}
	if c.URL == "" && c.Sandbox != "" {
		c.URL = "http://" + defaultListen
		if _, err := c.key(); err != nil {
			return badUsage("sandbox %s is one of a running server, and none has been started here: name one with --url and its key with HOTCELL_API_KEY", c.Sandbox)
		}
	}
	if c.Cwd == "" && c.URL == "" {
		if c.Cwd, err = os.Getwd(); err != nil {
			return fmt.Errorf("find the working directory: %w", err)
		}
	}
	base, key, done, err := a.server(&c.remoteFlags, c.engineFlags)
	if err != nil {
		return err
	}
	defer done()
	// It is started even if the signal has come: then that follows.
	run, err := client.RunCommand(context.WithoutCancel(a.ctx), base, key, client.Command{
		Sandbox: c.Sandbox, Argv: argv, Cwd: c.Cwd, Env: c.Env, Timeout: time.Duration(c.Timeout), Stdin: c.Stdin,
	})
	if err != nil {
		a.status = refusedStatus(err)
		return err
	}
	defer run.Close()
	return attend(a, run, c.Stdin)
}

// split tells the sandbox from the command: between them stands --.
func (c *execCommand) split(args []string) (argv []string, err error) {
	const form = "hotcell exec [SANDBOX] [FLAGS] -- PROGRAM [ARGUMENT …]"
	at := slices.Index(args, "--")
	words := append([]string{c.Target}, c.Command...)
	switch {
	case at < 0 && c.Target != "":
		return nil, badUsage("the command stands behind --: %s", form)
	case at < 0 || at == len(args)-1:
		return nil, badUsage("nothing to run: %s", form)
	}
	argv = args[at+1:]
	before := words[:max(0, len(words)-len(argv))] // the grammar can't tell them
	switch {
	case len(before) > 1:
		return nil, badUsage("before -- stands one sandbox, not %q: %s", before, form)
	case len(before) == 1 && c.Sandbox != "" && c.Sandbox != before[0]:
		return nil, badUsage("there are two sandboxes, %s and %s", before[0], c.Sandbox)
	case len(before) == 1:
		c.Sandbox = before[0]
	}
	return argv, nil
}

// refusedStatus is the exit status for a command that was not started.
func refusedStatus(err error) int {
	if refused := (*client.Error)(nil); errors.As(err, &refused) {
		switch refused.Code {
		case "COMMAND_NOT_FOUND":
			return exitNotFound
		case "COMMAND_NOT_EXECUTABLE":
			return exitNotExecutable
		}
	}
	return exitFault
}

// attend shows a command's output until it is over. The first signal is passed
// on, the second kills the command.
func attend(a *app, run *client.Running, stdin bool) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	pass := func(signal string, grace time.Duration) {
		if err := run.Signal(ctx, signal, grace); err != nil && ctx.Err() == nil {
			cancel(fmt.Errorf("signal the command: %w", err))
			run.Close() // nobody else would end the reading
		}
	}
	stop := context.AfterFunc(a.ctx, func() { pass(signalOf(a.ctx), killGrace) })
	defer stop()
	// Ends with ctx.
	go func() {
		select {
		case <-a.force:
			pass("SIGKILL", 0)
		case <-ctx.Done():
		}
	}()
	if stdin {
		// Ends with the input, or with the process: reading a terminal can't be
		// called off.
		go func() {
			if err := feed(ctx, a.term.In, run); err != nil && ctx.Err() == nil {
				cancel(fmt.Errorf("pass the standard input on: %w", err))
				run.Close()
			}
		}()
	}
	for {
		e, err := run.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			return err
		}
		err = show(a, &e)
		if errors.Is(err, syscall.EPIPE) { // whoever read us has enough
			pass("SIGKILL", 0)
			a.status = exitPipe
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// feed passes an input on to its end, or until the command has enough.
func feed(ctx context.Context, in io.Reader, run *client.Running) error {
	buf := make([]byte, 64<<10)
	for more := true; more; {
		n, err := in.Read(buf)
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		if more, err = run.Input(ctx, buf[:n], end); err != nil {
			return err
		}
	}
	return nil
}

// signalOf is the name of the signal that has ended a context.
func signalOf(ctx context.Context) string {
	if s := (*SignalError)(nil); errors.As(context.Cause(ctx), &s) {
		switch s.Signal {
		case syscall.SIGTERM:
			return "SIGTERM"
		case syscall.SIGHUP:
			return "SIGHUP"
		}
	}
	return "SIGINT"
}

// show writes what an event holds, and takes the status from the last one.
func show(a *app, e *command.Event) (err error) {
	switch e.Type {
	case command.EventStdout:
		_, err = a.term.Out.Write(append([]byte(e.Text), e.Base64...))
	case command.EventStderr:
		_, err = a.term.Err.Write(append([]byte(e.Text), e.Base64...))
	case command.EventEnd:
		a.status = e.Code
		switch e.Status {
		case command.StatusTimeout:
			a.status = exitTimeout
		case command.StatusEnded:
			a.status = exitFault
		default:
			return nil
		}
		_, err = fmt.Fprintf(a.term.Err, "hotcell: %s\n", e.Reason)
	default:
	}
	return err
}
