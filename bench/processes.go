package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const (
	// tries are of each kind of short process in a round.
	tries = 10
	// longTries are of those that write much.
	longTries = 2
	// shortSeq and longSeq are the last lines of what seq writes.
	shortSeq = "20000"
	longSeq  = "2000000"
)

// commands runs shell commands and one-shot code, as the Daytona SDKs do.
func commands(ctx context.Context, l *lab, _ int) error {
	return errors.Join(
		each(ctx, tries, func() error { return l.command(ctx, "exec", "true", "") }),
		each(ctx, tries, func() error { return l.bareShell(ctx, "exec.sh", "true") }),
		each(ctx, longTries, func() error { return l.command(ctx, "exec.seq", "seq 1 "+longSeq, longSeq) }),
		each(ctx, longTries, func() error { return l.bareShell(ctx, "exec.seq.sh", "seq 1 "+longSeq) }),
		each(ctx, tries, func() error { return l.script(ctx, "script", "print(1)", "1") }),
		each(ctx, longTries, func() error {
			took, err := l.floor.fork(ctx, l.jupyter, "-c", "print(1)")
			l.addUnless(err, "script.python", took)
			return err
		}),
		each(ctx, tries, func() error { return l.script(ctx, "script.pandas", "import pandas\nprint(1)", "1") }),
		each(ctx, longTries, func() error {
			took, err := l.floor.fork(ctx, l.jupyter, "-c", "import pandas\nprint(1)")
			l.addUnless(err, "script.pandas.python", took)
			return err
		}),
	)
}

// addUnless records a duration that there is.
func (l *lab) addUnless(err error, name string, took time.Duration) {
	if err == nil {
		l.add(name, took)
	}
}

// executed is the answer to a command, to code, and to a session's command.
type executed struct {
	ExitCode int
	Result   string
	Output   string
}

// command is a shell command, from the request to the whole answer.
func (l *lab) command(ctx context.Context, name, command, last string) error {
	d := l.warm.daytona
	var got executed
	took, err := d.timed(ctx, http.MethodPost, d.toolbox+"/process/execute", map[string]any{"command": command}, &got)
	l.addUnless(err, name, took)
	return errors.Join(err, ended(command, got.ExitCode, got.Result, last))
}

// script is one-shot Python.
func (l *lab) script(ctx context.Context, name, code, last string) error {
	// Another kernel is parked meanwhile, as between two requests of a person.
	if err := pause(ctx, refill); err != nil {
		return err
	}
	d := l.warm.daytona
	var got executed
	took, err := d.timed(ctx, http.MethodPost, d.toolbox+"/process/code-run", map[string]any{"code": code, "language": "python"}, &got)
	l.addUnless(err, name, took)
	return errors.Join(err, ended(code, got.ExitCode, got.Result, last))
}

// ended checks that something ran, to its end.
func ended(what string, code int, output, last string) error {
	if code != 0 || !strings.HasSuffix(strings.TrimSpace(output), last) {
		return fmt.Errorf("%q ended with %d and %d bytes of output, the last of which are not %q", what, code, len(output), last)
	}
	return nil
}

// bareShell is the same without a server: a shell that is started and ended,
// and whose output nobody reads.
func (l *lab) bareShell(ctx context.Context, name, command string) error {
	took, err := l.floor.fork(ctx, "/bin/sh", "-c", command)
	l.addUnless(err, name, took)
	return err
}

// sessions makes a shell session, uses it, and deletes it.
func sessions(ctx context.Context, l *lab, round int) error {
	d := l.warm.daytona
	return each(ctx, longTries, func() error {
		path := d.toolbox + "/process/session"
		id := fmt.Sprintf("bench-%d-%d", round, time.Now().UnixNano())
		began := time.Now()
		if err := d.call(ctx, http.MethodPost, path, map[string]any{"sessionId": id}, nil); err != nil {
			return err
		}
		l.add("session.create", time.Since(began))
		run := func(name, command, last string) error {
			var got executed
			took, err := d.timed(ctx, http.MethodPost, path+"/"+id+"/exec", map[string]any{"command": command}, &got)
			l.addUnless(err, name, took)
			return errors.Join(err, ended(command, got.ExitCode, got.Output, last))
		}
		err := errors.Join(
			each(ctx, tries, func() error { return run("session.exec", "true", "") }),
			each(ctx, longTries, func() error { return run("session.seq", "seq 1 "+shortSeq, shortSeq) }),
			each(ctx, longTries, func() error { return l.bareShell(ctx, "session.seq.sh", "seq 1 "+shortSeq) }),
		)
		began = time.Now()
		gone := d.call(ctx, http.MethodDelete, path+"/"+id, nil, nil)
		l.addUnless(gone, "session.delete", time.Since(began))
		return errors.Join(err, gone)
	})
}
