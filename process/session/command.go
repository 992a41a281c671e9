package session

import (
	"os"
	"strings"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/activity"
	"hotcell/stream"
)

// Request is a command to run.
type Request struct {
	Text string
	// Async keeps the command's input open for [Command.Send]; otherwise it is
	// at its end from the start.
	Async bool
	// NoEcho keeps what is sent to the command out of its log.
	NoEcho bool
	// Origin is who asks.
	Origin activity.Origin
}

// Command is one command of a session, from the queue to its end and beyond:
// what it left running may still print.
type Command struct {
	id     string
	number uint64
	text   string
	noEcho bool
	origin activity.Origin
	asked  time.Time
	began  time.Time // zero if it never ran; the session's goroutine's
	log    *stream.Log[Piece]
	out    *output
	in     *input // nil: it takes none

	kept int64 // what it costs to keep it, once it has ended; the history's

	done chan struct{}
	code int   // written before done is closed, like err
	err  error // why the command didn't come to an end of its own
}

// newCommand makes one that the store knows.
func newCommand(req Request, s *Session) (*Command, error) {
	c := &Command{
		id:     uuid.NewString(),
		text:   req.Text,
		noEcho: req.NoEcho,
		origin: req.Origin,
		asked:  time.Now(),
		done:   make(chan struct{}),
	}
	tape, err := c.create(s)
	if err != nil {
		return nil, err
	}
	c.log = stream.New(codec{}, tape, stream.Options{Memory: memory, Disk: s.limits.Log})
	c.out = &output{log: c.log}
	if req.Async {
		c.in = &input{limit: s.limits.Input}
	}
	return c, nil
}

// ID is unique across servers.
func (c *Command) ID() string { return c.id }

// Text is what was asked for.
func (c *Command) Text() string { return c.text }

// Done is closed when the command has ended and its log is complete.
func (c *Command) Done() <-chan struct{} { return c.done }

// Exit is the command's exit code, once it has ended: 128+n after signal n, and
// -1 if it never ran.
func (c *Command) Exit() (code int, ended bool) {
	select {
	case <-c.done:
		return c.code, true
	default:
		return 0, false
	}
}

// Err says why a command that has ended didn't do so by itself: it was cut off
// or never ran. It may be called once Done is closed.
func (c *Command) Err() error { return c.err }

// Pieces returns a reader of the log from its beginning. It has to be closed if
// it isn't read to the end; [End] comes before that.
func (c *Command) Pieces() *stream.Reader[Piece] { return c.log.Reader(0) }

// Recorded is how many pieces the log has, with all that was printed by now.
func (c *Command) Recorded() uint64 {
	c.out.sync()
	return c.log.Len()
}

// Stored is how many bytes the log occupies.
func (c *Command) Stored() int64 { return c.log.Stored() }

// size is what keeping the command costs.
func (c *Command) size() int64 { return c.Stored() + int64(len(c.text)) }

// Send gives the command a line of input, which is ended if it isn't. Unless
// that was declined, the line appears in the log as it would on a terminal.
func (c *Command) Send(line string) error {
	if _, ended := c.Exit(); ended {
		return ErrCompleted
	}
	if c.in == nil {
		return ErrNoInput
	}
	if !strings.HasSuffix(line, "\n") {
		line += "\n"
	}
	return c.in.send(line, func() {
		if !c.noEcho {
			c.out.echo(line)
		}
	})
}

// begin connects the command to what was made for it.
func (c *Command) begin(stdin, stdout, stderr *os.File) []*pipe {
	if c.in != nil {
		c.in.begin(stdin)
	}
	return c.out.begin(stdout, stderr)
}

// end is how a command ended.
type end struct {
	code           int
	err            error
	stdout, stderr []byte // the last words of a shell that ended with it
	notice         string // ours, for its log
}

// finish ends the command. before is called before anybody learns of it.
func (c *Command) finish(e end, before func()) {
	if c.in != nil {
		c.in.end()
	}
	c.out.finish(e.stdout, e.stderr, e.notice, summaryOf(e.code, e.err))
	c.code, c.err = e.code, e.err
	before()
	close(c.done)
}
