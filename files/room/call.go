package room

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"hotcell/files"
	"hotcell/internal/wire"
)

// ErrUnavailable is a sandbox whose files can't be reached: its agent could not
// be started, has ended or is silent.
var ErrUnavailable = errors.New("the sandbox's files can't be reached")

// call is one connection to an agent.
type call struct {
	ctx   context.Context //nolint:containedctx // a call is one request, taken apart
	agent *agent
	conn  net.Conn
	in    *bufio.Reader
	stop  func() bool
}

// call begins one, and sends what is asked for.
func (r Room) call(ctx context.Context, req *request) (*call, error) {
	a, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := a.dial()
	if err != nil {
		err = a.lost(err)
		a.release()
		return nil, err
	}
	c := &call{ctx: ctx, agent: a, conn: conn, in: bufio.NewReaderSize(conn, readSize)}
	c.stop = context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	if err := c.write(func() error { return wire.WriteFrame(conn, req) }); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// readSize holds what is small; data is read past it.
const readSize = 4 << 10

// close ends the call, whatever its state. It may be called again.
func (c *call) close() {
	if c.agent == nil {
		return
	}
	c.stop()
	_ = c.conn.Close()
	c.agent.release()
	c.agent = nil
}

// await gives the agent its time, and reports a call that is over.
func (c *call) await(set func(time.Time) error) error {
	_ = set(time.Now().Add(c.agent.set.cfg.Patience))
	if c.ctx.Err() != nil { // after the deadline, which must not undo that of the end
		return context.Cause(c.ctx)
	}
	return nil
}

// broken explains why nothing more comes or goes.
func (c *call) broken(err error) error {
	var late net.Error
	switch {
	case c.ctx.Err() != nil:
		return context.Cause(c.ctx)
	case errors.As(err, &late) && late.Timeout():
		c.agent.kill()
		return fmt.Errorf("%w: the process that sees to them has said nothing for %s and was ended", ErrUnavailable, c.agent.set.cfg.Patience)
	}
	return c.agent.lost(err)
}

// write sends something. An agent that cannot go on says why, and hangs up.
func (c *call) write(send func() error) error {
	if err := c.await(c.conn.SetWriteDeadline); err != nil {
		return err
	}
	err := send()
	switch {
	case err == nil, errors.Is(err, wire.ErrFrameTooLarge):
		return err
	case errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		if _, said := c.next(); said != nil {
			return said
		}
	}
	return c.broken(err)
}

// next is the agent's next word.
func (c *call) next() (message, error) {
	for {
		if err := c.await(c.conn.SetReadDeadline); err != nil {
			return message{}, err
		}
		var m message
		err := wire.ReadFrame(c.in, &m)
		switch {
		case err != nil:
			return m, c.broken(err)
		case m.Failure != nil:
			return m, m.Failure.err()
		case !m.Beat:
			return m, nil
		}
	}
}

// answer waits for the end of what was asked for.
func (c *call) answer() (answer, error) {
	m, err := c.next()
	if err != nil {
		return answer{}, err
	}
	if m.Answer == nil {
		return answer{}, c.agent.lost(errors.New("its answer makes no sense"))
	}
	m.Answer.unpack()
	return *m.Answer, nil
}

// Draft is [files.Draft], here or in the agent.
type Draft struct {
	Size int64 // so far

	near *files.Draft
	far  *call
	err  error // for good
}

// Create is [files.Tree.Create].
func (r Room) Create(ctx context.Context, path string) (*Draft, error) {
	if r.open == nil {
		near, err := r.tree.Create(path)
		if err != nil {
			return nil, err
		}
		return &Draft{near: near}, nil
	}
	far, err := r.call(ctx, &request{Do: doCreate, Path: raw(path)})
	if err != nil {
		return nil, err
	}
	if _, err := far.answer(); err != nil {
		far.close()
		return nil, err
	}
	return &Draft{far: far}, nil
}

// Write appends.
func (d *Draft) Write(p []byte) (n int, err error) {
	if d.near != nil {
		n, err = d.near.Write(p)
		d.Size += int64(n)
		return n, err
	}
	for len(p) > 0 && d.err == nil {
		piece := p[:min(len(p), pieceSize)]
		if d.err = d.send(piece); d.err == nil {
			n += len(piece)
			d.Size += int64(len(piece))
			p = p[len(piece):]
		}
	}
	return n, d.err
}

// send sends a piece. That the agent couldn't write it is seen with one of the
// next.
func (d *Draft) send(piece []byte) error {
	return d.far.write(func() error { return writePiece(d.far.conn, piece) })
}

// Commit puts the file in its place. The draft is over, whatever it returns.
func (d *Draft) Commit() error {
	if d.near != nil {
		return d.near.Commit()
	}
	defer d.far.close()
	if d.err != nil {
		return d.err
	}
	d.err = d.finish(message{Commit: true})
	return d.err
}

// Discard is [files.Draft.Discard]. It may be called after Commit.
func (d *Draft) Discard() {
	if d.near != nil {
		d.near.Discard()
		return
	}
	if d.far.agent != nil && d.err == nil { // who has failed has discarded it already
		d.err = d.finish(message{Discard: true})
	}
	d.far.close()
}

func (d *Draft) finish(m message) error {
	err := d.far.write(func() error { return wire.WriteFrame(d.far.conn, m) })
	if err == nil {
		_, err = d.far.answer()
	}
	return err
}
