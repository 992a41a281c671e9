package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"hotcell/internal/child"
	"hotcell/process"
)

// script is what the shell runs. It reports the status of the last command, which
// first is 0 and means that the shell is there; waits for a line; and sources the
// next command, whose text and streams have the same names each time. All of it
// is open only while it is needed, so no command can close it or inherit it.
//
// Why it is as it is:
//   - It is parsed once, before anybody can define an alias. RUN is `builtin` or
//     `command`, which functions of the user's named read or echo don't hide. If
//     RUN itself is redefined, the line isn't read, and ${…:?} ends the shell.
//   - Sourced by a simple command, the text may exit, return and `set -e`;
//     its traces go where its stderr goes, and those of the loop elsewhere.
//     The inner loop is for a `break` that belongs to no loop of its own.
//   - `until` ends when `set -n` keeps everything from being run.
//   - A trap or TMOUT may interrupt read; when a pipe's name is gone, the shell
//     has lost its server, and ends rather than wait for it.
//   - The line is the status that the server was told last, and becomes $?
//     again, in a list that neither `set -e` nor a trap for ERR looks at.
const script = `SETUP
_hotcell() { return "$1"; }
until {
	_hotcell=$? && RUN test -p STATUS && RUN echo "$_hotcell" >|STATUS && _hotcell= &&
	until RUN read -r _hotcell <GO; do RUN test -p GO || RUN exit; done &&
	_hotcell=${_hotcell:?}
} >/dev/null 2>&1 || RUN exit; RUN false; do
	for _hotcell in "${_hotcell#=}"; do
		_hotcell "$_hotcell" && RUN true
		RUN . COMMAND <STDIN >|STDOUT 2>|STDERR
	done
done`

// Names in a shell's directory.
const (
	nameGo      = "go"
	nameStatus  = "status"
	nameCommand = "command"
	nameStdin   = "stdin"
	nameStdout  = "stdout"
	nameStderr  = "stderr"
)

// errOutOfStep is what a shell is ended for that says what it shouldn't.
var errOutOfStep = errors.New("its shell no longer answers as it should")

// shell is the process of a session, and the directory in which they meet.
//
// Goroutines: those of its status and last words, which close joins.
type shell struct {
	path   string
	dir    string
	inside process.Inside
	prefix string // builtin or command
	proc   *child.Process
	start  channel // what it is told
	status *status
	words  [2]*words // what the loop itself writes to stdout and stderr
}

// startShell returns when the shell waits for its first command.
func startShell(ctx context.Context, host process.Host, place process.Place) (*shell, error) {
	path, err := host.ShellPath()
	if err != nil {
		return nil, err
	}
	cwd, err := place.Resolve(place.Dir)
	if err != nil {
		return nil, err
	}
	env, err := host.Environ(place, nil)
	if err != nil {
		return nil, err
	}
	if _, wanted := place.Env["OLDPWD"]; !wanted { // the server's own
		env = slices.DeleteFunc(env, func(pair string) bool { return strings.HasPrefix(pair, "OLDPWD=") })
	}
	sh := &shell{path: path, prefix: "command", inside: place.Inside}
	if filepath.Base(path) == "bash" {
		sh.prefix = "builtin"
	}
	if err := sh.open(ctx, place.Scratch(host), child.Spec{Env: env, Dir: cwd, Jail: place.Jail}); err != nil {
		sh.close()
		return nil, err
	}
	return sh, nil
}

// open makes what the shell needs, and starts it with what spec has already.
func (sh *shell) open(ctx context.Context, scratch string, spec child.Spec) error {
	failed := func(err error) error { return &StartError{Shell: sh.path, Words: err.Error(), Err: err} }
	dir, err := os.MkdirTemp(scratch, "session-")
	if err != nil {
		return failed(err)
	}
	sh.dir = dir
	if sh.inside.UID != 0 { // others pass, since what is in it is somebody's
		if err := os.Chmod(dir, 0o711); err != nil {
			return failed(err)
		}
	}
	if sh.start, err = sh.openChannel(nameGo); err != nil {
		return failed(err)
	}
	answers, err := sh.openChannel(nameStatus)
	if err != nil {
		return failed(err)
	}
	sh.status = listen(answers)
	spec.Path, spec.Args = sh.path, []string{"-c", sh.script(), filepath.Base(sh.path)}
	for i, to := range []**os.File{&spec.Stdout, &spec.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			return failed(err)
		}
		defer w.Close()
		sh.words[i], *to = hear(r), w
	}
	if sh.proc, err = child.Start(ctx, spec); err != nil {
		return failed(err)
	}
	return sh.awaitReady(ctx)
}

// awaitReady wants the first status.
func (sh *shell) awaitReady(ctx context.Context) error {
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	failed := &StartError{Shell: sh.path}
	select {
	case r := <-sh.status.reports:
		if r.err == nil {
			return nil
		}
		failed.Words = r.err.Error()
	case <-sh.proc.Done():
		_, stderr := sh.lastWords()
		failed.Words = strings.TrimSpace(sh.proc.Exit().String() + ": " + string(stderr))
	case <-late.C:
		failed.Words = fmt.Sprintf("it took longer than %s", startTimeout)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return failed
}

func (sh *shell) script() string {
	setup := ""
	if sh.prefix == "builtin" {
		setup = "shopt -s expand_aliases"
	}
	return strings.NewReplacer(
		"SETUP", setup, "RUN", sh.prefix,
		"STATUS", sh.quoted(nameStatus), "GO", sh.quoted(nameGo), "COMMAND", sh.quoted(nameCommand),
		"STDIN", sh.quoted(nameStdin), "STDOUT", sh.quoted(nameStdout), "STDERR", sh.quoted(nameStderr),
	).Replace(script)
}

// openChannel makes a pipe with one of the shell's names.
func (sh *shell) openChannel(name string) (channel, error) {
	return openChannel(sh.file(name), sh.inside)
}

// writeCommand writes what the shell sources next.
func (sh *shell) writeCommand(text string) error {
	if err := os.WriteFile(sh.file(nameCommand), []byte(text), 0o600); err != nil {
		return err
	}
	return sh.inside.Hand(sh.file(nameCommand))
}

func (sh *shell) file(name string) string { return filepath.Join(sh.dir, name) }

func (sh *shell) quoted(name string) string {
	return "'" + strings.ReplaceAll(sh.file(name), "'", `'\''`) + "'"
}

// run lets the shell source the command that was prepared.
func (sh *shell) run(last int) error {
	for _, w := range sh.words {
		w.forget()
	}
	return sh.start.write("=" + strconv.Itoa(last) + "\n")
}

// lastWords is what the shell wrote outside of any command since run: traps that
// it ran when it ended, and why it could not start.
func (sh *shell) lastWords() (stdout, stderr []byte) {
	stdout, stderr = sh.words[0].take(), sh.words[1].take()
	// With `set -x` the line that sources the command is traced here.
	if _, rest, ok := strings.Cut(string(stderr), sh.file(nameCommand)); ok {
		_, rest, _ = strings.Cut(rest, "\n")
		stderr = []byte(rest)
	}
	return stdout, stderr
}

// exit lets a shell end that waits for a command: it runs its own traps.
func (sh *shell) exit() {
	select {
	case <-sh.proc.Done():
		return
	default:
	}
	sh.clear()
	err := sh.writeCommand(`\` + sh.prefix + " exit 0\n")
	for _, name := range []string{nameStdin, nameStdout, nameStderr} {
		err = errors.Join(err, os.Symlink(os.DevNull, sh.file(name)))
	}
	if err = errors.Join(err, sh.run(0)); err == nil {
		late := time.NewTimer(grace)
		defer late.Stop()
		select {
		case <-sh.proc.Done():
		case <-late.C:
		}
	}
}

// close ends the process without a word if it hasn't ended, and removes
// what there was.
func (sh *shell) close() {
	if sh.proc != nil {
		sh.proc.Stop(0)
	}
	sh.start.close()
	if sh.status != nil {
		sh.status.close()
	}
	for _, w := range sh.words {
		if w != nil {
			w.close()
		}
	}
	if sh.dir != "" {
		_ = os.RemoveAll(sh.dir)
	}
}
