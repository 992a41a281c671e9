package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/gofiber/fiber/v2"
)

// outbound is the side of a download that faces the client: it gives each
// write its time, and ends when the sandbox does.
type outbound struct {
	conn  net.Conn
	stall time.Duration
	set   time.Time // when the deadline was set last
	visit *visit
	stop  func() bool
	log   *slog.Logger
}

func (d *Dialect) outbound(c *fiber.Ctx, v *visit) *outbound {
	o := &outbound{conn: c.Context().Conn(), stall: downloadPatience * d.Stall, visit: v, log: d.Log}
	o.stop = context.AfterFunc(v.ctx, func() { _ = o.conn.SetWriteDeadline(time.Unix(1, 0)) })
	return o
}

// pace is called before each write. The deadline is set anew when a noticeable
// part of it is over.
func (o *outbound) pace() error {
	if now := time.Now(); now.Sub(o.set) > o.stall/16 {
		o.set = now
		_ = o.conn.SetWriteDeadline(now.Add(o.stall))
	}
	if o.visit.ctx.Err() != nil { // after the deadline, which must not undo that of the end
		return context.Cause(o.visit.ctx)
	}
	return nil
}

// note logs why an answer that has begun breaks off. The client sees that it is
// not complete, and cannot be told more.
func (o *outbound) note(err error) error {
	if err != nil && !errors.Is(err, io.EOF) {
		o.log.Warn("a download broke off", slog.Any("error", err))
	}
	return err
}

// over ends it; the connection may be used again.
func (o *outbound) over() {
	o.stop()
	_ = o.conn.SetWriteDeadline(time.Time{})
	o.visit.leave()
}
