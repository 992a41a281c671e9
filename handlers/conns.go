package handlers

import (
	"context"
	"fmt"
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// conns are the connections that carry HTTP. A shutdown waits for the requests
// on them, but not for clients that neither finish theirs nor read the answer.
type conns struct {
	mu    sync.Mutex
	open  map[net.Conn]struct{}
	empty chan struct{} // made by join, closed when the last one is gone
}

// note follows a connection. One that became a WebSocket is the sockets'.
func (c *conns) note(conn net.Conn, state fasthttp.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case fasthttp.StateNew:
		c.open[conn] = struct{}{}
	case fasthttp.StateHijacked, fasthttp.StateClosed:
		delete(c.open, conn)
		if c.empty != nil && len(c.open) == 0 {
			close(c.empty)
			c.empty = nil
		}
	default:
	}
}

// cut ends those that there are, at once.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		if own, ok := conn.(interface{ Abort() error }); ok {
			_ = own.Abort()
		} else {
			_ = conn.Close()
		}
	}
}

// join cuts those that are only waiting for their clients to leave, and returns
// when their goroutines are done with them. No new ones may come.
func (c *conns) join(ctx context.Context) error {
	c.cut()
	c.mu.Lock()
	empty := make(chan struct{})
	if c.empty = empty; len(c.open) == 0 {
		close(empty)
		c.empty = nil
	}
	c.mu.Unlock()
	select {
	case <-empty:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("end connections: %w", ctx.Err())
	}
}
