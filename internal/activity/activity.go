// Package activity is what the parts of a server tell of what clients have them
// do: one [Record] for each thing that was done, from whoever did it, to whoever
// counts or keeps such records. It holds values only.
package activity

import (
	"context"
	"time"
)

// Dialects, in [Origin.Dialect].
const (
	Native  = "native"
	Daytona = "daytona"
	E2B     = "e2b"
)

// Origin says who asked for something, from where, and in which protocol. The zero
// value is the server itself.
type Origin struct {
	Key       string // the name of the key; never the key. Empty: none that is valid was sent
	Address   string // the client's, as its connection says
	Forwarded string // what a proxy, or whoever claims to be one, says that it is
	Dialect   string // one of the above
}

type originKey struct{}

// By notes in a context who asked for what is done under it, for those who end something
// that was asked for by somebody else.
func By(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// Of is what By has noted; the server itself, if nothing.
func Of(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// Kind is what a record is about.
type Kind string

// What is recorded, with the actions of each.
const (
	Execution      Kind = "execution"       // run: code in a context
	CodeRun        Kind = "code_run"        // run: code that is run once
	Command        Kind = "command"         // run: a one-shot command
	SessionCommand Kind = "session_command" // run: a command in a shell session
	Context        Kind = "context"         // create, end
	Session        Kind = "session"         // create, end
	Terminal       Kind = "terminal"        // create, connect, resize, end
	File           Kind = "file"            // upload, download, delete, move and so on
	Sandbox        Kind = "sandbox"         // create, start, stop, delete and so on
	Key            Kind = "key"             // create, revoke
	Login          Kind = "login"           // refuse
)

// Outcomes. Those of executions are the statuses of package wire.
const (
	OK         = "ok"          // done; of a process: exit code 0
	Failed     = "error"       // another exit code
	Signaled   = "signaled"    // a signal ended it
	TimedOut   = "timeout"     // its time was over
	Ended      = "ended"       // the service had to end it
	NotStarted = "not_started" // nothing of it ran
	Refused    = "refused"     // a request was answered with an error
)

// OfExit is the outcome of a process that came to an end of its own: 128+n stands
// for signal n.
func OfExit(code int) string {
	const signals = 128
	switch {
	case code == 0:
		return OK
	case code > signals:
		return Signaled
	default:
		return Failed
	}
}

// Record is one thing that was done, once it is over. What doesn't apply is zero.
type Record struct {
	Kind   Kind
	Action string
	Origin Origin

	Sandbox  string
	Context  string // of an execution: its context; of a session command: its session
	ID       string // of the execution, command, session or terminal
	Language string // its proper name

	Began   time.Time     // when it was asked for
	Waited  time.Duration // until it ran
	First   time.Duration // from then until the first event that it produced; 0: there was none
	Took    time.Duration // from then until its end
	Outcome string        // a word of a small set
	Exit    *int          // the exit code of what has one
	Reason  string        // why, if the service ended or refused it: a word, or a sentence
	Limit   string        // the limit that ended it, if one did: output_limit
	Detail  string        // which file, address or terminal: text of the client's

	Stdout, Stderr int64 // bytes of output
	In             int64 // bytes of what a client sent; -1: not known
	Out            int64 // bytes of a file that a client was sent
	Spilled        int64 // bytes of its events that went to disk

	// Code is the program or command itself. Whoever keeps a record keeps it only
	// when that was asked for.
	Code string
}
