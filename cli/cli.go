// Package cli is the command line: its grammar, the configuration that stands
// behind it (flags, HOTCELL_… variables, a file), and the commands. It wires
// the other packages together and holds nothing that they could use.
//
// Goroutines: none outlive [Main].
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
)

// Exit statuses of the program. Those of `run` and `exec` follow timeout(1), so
// that scripts that know one know the other.
const (
	exitOK          = 0
	exitCode        = 1   // the code that was run ended with an error
	exitUsage       = 2   // unknown flag, bad value, unreadable file
	exitTimeout     = 124 // --timeout passed
	exitFault       = 125 // hotcell itself could not do it
	ExitInterrupted = 130 // 128 + SIGINT
	exitPipe        = 141 // 128 + SIGPIPE: nobody reads what we print

	// As shells say it.
	exitNotExecutable = 126
	exitNotFound      = 127
)

// Terminal is what a command reads from and writes to.
type Terminal struct {
	In  *os.File
	Out io.Writer
	Err io.Writer
}

// grammar is everything that can be said on the command line. Kong derives
// the environment variables and the keys of the configuration file from it.
type grammar struct {
	Config    string `help:"Configuration file: one JSON object whose keys are the names of flags, such as {\"listen\": \"127.0.0.1:4000\"}. A flag wins over the environment, the environment over the file. Default: hotcell/config.json in the user's configuration directory, if there is one." placeholder:"FILE" type:"path"`
	LogFormat string `help:"How to log: text for people, json for programs, auto for text on a terminal and json elsewhere." enum:"auto,text,json" default:"auto"`
	LogLevel  string `help:"The least that is logged: debug, info, warn or error." enum:"debug,info,warn,error" default:"info"`

	Serve   serveCommand   `cmd:"" help:"Serve live interpreters over HTTP and WebSocket."`
	Run     runCommand     `cmd:"" help:"Run code, on a running server or on one that lives only as long as the run."`
	Exec    execCommand    `cmd:"" help:"Run a program in a sandbox, with its output and its exit status."`
	Shell   shellCommand   `cmd:"" help:"Open a shell in a terminal, on a running server or on one that lives only as long as the shell."`
	Keys    keysCommand    `cmd:"" help:"Make, list and revoke keys, of a running server or of a data directory that none uses."`
	Status  statusCommand  `cmd:"" help:"Ask a running server how it is."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// app is what every command gets.
type app struct {
	ctx     context.Context // cancelled by the first signal
	force   <-chan struct{} // closed by the second
	args    []string        // the command line
	term    Terminal
	log     *slog.Logger
	version string
	status  int // what the program exits with if the command returns no error
}

// Signals is how main tells the commands about SIGINT and SIGTERM.
type Signals struct {
	Context context.Context // cancelled by the first; its cause is a [SignalError]
	Force   <-chan struct{} // closed by the second
}

// SignalError is the cause of a context that a signal has ended.
type SignalError struct{ Signal os.Signal }

func (e *SignalError) Error() string { return "signal: " + e.Signal.String() }

// Main runs one command line and returns the exit status. version is what the
// build said, if anything.
func Main(sig Signals, version string, args []string, term Terminal) int {
	var g grammar
	exit := -1
	parser, err := kong.New(&g,
		kong.Name("hotcell"),
		kong.Description("Keeps Python, JavaScript, TypeScript and Go interpreters alive behind one small server."),
		kong.Writers(term.Out, term.Err),
		// Kong exits after --help; what follows must not run then.
		kong.Exit(func(code int) { exit = code; panic(exited{}) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.DefaultEnvars("HOTCELL"),
		kong.Vars{"listen": defaultListen, "e2blisten": usualE2B},
		limitVars(),
	)
	if err != nil {
		fmt.Fprintf(term.Err, "hotcell: %v\n", err)
		return exitFault
	}
	command, err := parse(parser, args, &exit)
	if exit >= 0 {
		return exit
	}
	if err != nil {
		return usage(term, err)
	}
	dropSecrets()
	a := &app{ctx: sig.Context, force: sig.Force, args: args, term: term, log: newLogger(g.LogFormat, g.LogLevel, term.Err), version: versionOr(version)}
	return a.finish(command.Run(a))
}

// dropSecrets takes what was meant for us, the key above all, out of the
// environment that kernels will inherit.
func dropSecrets() {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "HOTCELL_") {
			_ = os.Unsetenv(name)
		}
	}
}

// exited unwinds kong when it wants the process to end.
type exited struct{}

func parse(parser *kong.Kong, args []string, exit *int) (command *kong.Context, err error) {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(exited); !ok || *exit < 0 {
				panic(r)
			}
		}
	}()
	return parser.Parse(args)
}

// usage reports a fault in the command line.
func usage(term Terminal, err error) int {
	command := ""
	if pe := (*kong.ParseError)(nil); errors.As(err, &pe) && pe.Context != nil {
		if node := pe.Context.Selected(); node != nil {
			command = strings.TrimPrefix(node.FullPath(), "hotcell")
		}
	}
	fmt.Fprintf(term.Err, "hotcell: %v\nTry 'hotcell%s --help'.\n", err, command)
	return exitUsage
}

// finish turns what a command returned into the exit status.
func (a *app) finish(err error) int {
	if err == nil {
		return a.status
	}
	if ue := (*usageError)(nil); errors.As(err, &ue) {
		return usage(a.term, err)
	}
	fmt.Fprintf(a.term.Err, "hotcell: %s\n", strings.TrimSpace(err.Error()))
	if a.status != exitOK {
		return a.status
	}
	return exitFault
}

// usageError is a fault in how the program was called.
type usageError struct{ msg string }

func (e *usageError) Error() string { return e.msg }

func badUsage(format string, args ...any) error {
	return &usageError{msg: fmt.Sprintf(format, args...)}
}

// quiet is the log of a server that lives for one run: its faults are worth a
// line, its ordinary life is not.
func (a *app) quiet() *slog.Logger {
	return slog.New(levelAtLeast{a.log.Handler(), slog.LevelWarn})
}
