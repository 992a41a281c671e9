package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotcell/handlers"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// remoteFlags say which server a command talks to.
type remoteFlags struct {
	URL     string `name:"url" help:"A running server, such as http://127.0.0.1:3986." placeholder:"URL"`
	APIKey  string `name:"api-key" help:"The server's key. Better given as HOTCELL_API_KEY. Default, for a server on this machine: the one in the data directory." placeholder:"KEY"`
	DataDir string `help:"Where that server keeps its key. Default: as for serve." placeholder:"DIR" type:"path"`
}

type runCommand struct {
	File string `arg:"" optional:"" help:"The program. - reads it from the standard input." type:"path"`

	Code    string            `short:"c" help:"Run this code instead of a file." placeholder:"CODE"`
	Lang    string            `help:"Its language: python, javascript, typescript or go. Default: what the file's name says; python for -c." placeholder:"LANGUAGE"`
	Timeout time.Duration     `help:"End it after so long, with exit status 124. 0 is never." default:"0"`
	Env     map[string]string `help:"A variable for its environment. May be repeated." placeholder:"NAME=VALUE" mapsep:"none"`
	Cwd     string            `help:"Its working directory. Default: this one for an own server, the sandbox's for a running one." placeholder:"DIR"`
	Context string            `help:"A context of the running server to run in, which keeps its variables. Default: a new one that ends with the run." placeholder:"ID"`

	remoteFlags
	engineFlags
}

// Help is added to what `run --help` prints.
func (runCommand) Help() string {
	return `The exit status is 0 when the code ended well, 1 when it ended with an error, 2 when the command
line is wrong, 124 after --timeout, 125 when hotcell itself could not do it, and 130 when it was
interrupted. Ctrl-C interrupts the code; a second Ctrl-C doesn't wait for it.`
}

// Run runs one piece of code and shows what it produces.
func (c *runCommand) Run(a *app) error {
	code, lang, err := c.source(a)
	if err != nil {
		return err
	}
	base, key, done, err := a.server(&c.remoteFlags, c.engineFlags)
	if err != nil {
		return err
	}
	defer done()
	conn, err := client.Dial(a.ctx, base, key)
	if err != nil {
		return err
	}
	defer conn.Close()
	id, err := c.context(a.ctx, conn, lang)
	if err != nil {
		return err
	}
	if c.Context == "" {
		defer deleteContext(a, conn, id)
	}
	// It is started even if the signal has come: then the interrupt follows.
	run, err := conn.Execute(context.WithoutCancel(a.ctx), client.Code{
		Context: id, Code: code, Env: c.Env, Timeout: c.Timeout, Stdin: true,
	})
	if err != nil {
		return err
	}
	return follow(a, run)
}

// source is the code, and its language.
func (c *runCommand) source(a *app) (code, lang string, err error) {
	switch {
	case c.File == "" && c.Code == "":
		return "", "", badUsage("nothing to run: name a FILE, or give -c CODE")
	case c.File != "" && c.Code != "":
		return "", "", badUsage("FILE and -c exclude each other")
	case c.Timeout < 0:
		return "", "", badUsage("--timeout must not be negative, it is %s", c.Timeout)
	case c.Context != "" && c.URL == "":
		return "", "", badUsage("--context names one of a running server: name that with --url")
	case c.Code != "":
		return c.Code, orDefault(c.Lang, "python"), nil
	}
	lang = orDefault(c.Lang, languageOf(c.File))
	if lang == "" && c.Context == "" {
		return "", "", badUsage("no language is known for %s: name one with --lang", filepath.Base(c.File))
	}
	var raw []byte
	if c.File == "-" {
		raw, err = io.ReadAll(a.term.In)
	} else {
		raw, err = os.ReadFile(c.File)
	}
	if err != nil {
		return "", "", badUsage("%v", err)
	}
	return string(raw), lang, nil
}

func orDefault(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// languageOf guesses by the name.
func languageOf(file string) string {
	switch strings.ToLower(filepath.Ext(file)) {
	case ".py":
		return "python"
	case ".js", ".mjs", ".cjs":
		return "javascript"
	case ".ts", ".mts", ".cts":
		return "typescript"
	case ".go":
		return "go"
	default:
		return ""
	}
}

// server is the one to use: a running one, or one of our own that lives until
// done is called.
func (a *app) server(c *remoteFlags, flags engineFlags) (base, key string, done func(), err error) {
	if c.URL != "" {
		key, err = c.key()
		return c.URL, key, func() {}, err
	}
	dir, err := os.MkdirTemp("", "hotcell-run-*")
	if err != nil {
		return "", "", nil, fmt.Errorf("make a temporary directory: %w", err)
	}
	key = newKey()
	e, err := openEngine(a.ctx, engineConfig{
		Flags: flags, MaxContexts: 1, Key: key, Dir: dir, Version: a.version, Log: a.quiet(),
		// One kernel imports what it needs, and nothing else.
		Preload: []string{},
	})
	if err != nil {
		_ = os.RemoveAll(dir)
		return "", "", nil, err
	}
	ln, err := listen(a.ctx, "127.0.0.1:0")
	if err == nil {
		e.serve(&listeners{main: ln})
		base = "http://" + ln.Addr().String()
	}
	done = func() {
		limit, cancel := a.patience(shutdownLimit)
		defer cancel()
		err := errors.Join(e.close(limit), os.RemoveAll(dir))
		if err != nil && limit.Err() == nil { // else somebody didn't want to wait
			fmt.Fprintf(a.term.Err, "hotcell: end the server of this run: %v\n", err)
		}
	}
	if err != nil {
		done()
	}
	return base, key, done, err
}

// key is the one that was given, or else the one that a server of the same
// user on this machine has made.
func (c *remoteFlags) key() (string, error) {
	if c.APIKey != "" {
		return c.APIKey, nil
	}
	// A key of ours is nothing to send to somebody else's machine.
	u, err := url.Parse(c.URL)
	if err != nil || handlers.CheckListen(u.Hostname(), "") != nil {
		return "", badUsage("no key for %s: give one with HOTCELL_API_KEY or --api-key", c.URL)
	}
	path := c.DataDir
	if path == "" {
		if path, err = defaultDataDir(); err != nil {
			return "", err
		}
	}
	raw, err := os.ReadFile(filepath.Join(path, keyFile))
	if err != nil {
		return "", badUsage("no key for %s: give one with HOTCELL_API_KEY or --api-key (%v)", c.URL, err)
	}
	return strings.TrimSpace(string(raw)), nil
}

// context is the one to run in.
func (c *runCommand) context(ctx context.Context, conn *client.Client, lang string) (string, error) {
	if c.Context != "" {
		return c.Context, nil
	}
	cwd := c.Cwd
	if cwd == "" && c.URL == "" {
		var err error
		if cwd, err = os.Getwd(); err != nil {
			return "", fmt.Errorf("find the working directory: %w", err)
		}
	}
	var made struct{ ID string }
	err := conn.Call(ctx, map[string]any{"type": "create_context", "language": lang, "cwd": cwd}, &made)
	return made.ID, err
}

func deleteContext(a *app, conn *client.Client, id string) {
	ctx, cancel := a.patience(shutdownLimit)
	defer cancel()
	err := conn.Call(ctx, map[string]any{"type": "delete_context", "context": id}, nil)
	if err != nil && !errors.Is(err, client.ErrClosed) && ctx.Err() == nil {
		fmt.Fprintf(a.term.Err, "hotcell: end the context: %v\n", err)
	}
}

// verdict is the exit status for how an execution ended.
func verdict(status wire.Status, interrupted bool) int {
	switch status {
	case wire.StatusOK:
		return exitOK
	case wire.StatusTimeout:
		return exitTimeout
	case wire.StatusInterrupted, wire.StatusCancelled:
		return ExitInterrupted
	default:
		if interrupted { // it had to be killed
			return ExitInterrupted
		}
		return exitCode
	}
}
