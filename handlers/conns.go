package handlers

import (
	"net"
	"sync"

	"github.com/valyala/fasthttp"
)

// conns are the connections that carry HTTP. A shutdown waits for the requests
// on them, but not for clients that neither finish theirs nor read the answer.
type conns struct {
	mu   sync.Mutex
	open map[net.Conn]struct{}
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
	default:
	}
}

// cut ends those that there are.
func (c *conns) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		_ = conn.Close()
	}
}
