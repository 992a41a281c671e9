package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/internal/direct"
)

// patience is the longest wait for a message; whatever takes longer is a fault
// that the benchmark reports instead of hanging.
const patience = 2 * time.Minute

// socket is a WebSocket that reads every message into the same memory. What takes time is
// measured between the moments that it notes, between which there is nothing of the client's but
// the system calls: a client that encodes and decodes faster or slower makes no other numbers.
type socket struct {
	ws   *websocket.Conn
	buf  bytes.Buffer
	sent time.Time // when the last message was encoded, and about to be sent
	got  time.Time // when the last one was there, and not decoded yet
}

func dial(ctx context.Context, url, key string) (*socket, error) {
	url = "ws" + strings.TrimPrefix(url, "http")
	d := websocket.Dialer{
		NetDialContext: dialDirectly,
		// As large as what the kernel hands over at once; small ones would cost
		// a system call for every four kilobytes of a flood.
		ReadBufferSize: 64 << 10,
	}
	ws, resp, err := d.DialContext(ctx, url, http.Header{"Authorization": {"Bearer " + key}})
	if err != nil {
		if resp != nil {
			defer resp.Body.Close()
			return nil, fmt.Errorf("connect to %s: %w: %s", url, err, resp.Status)
		}
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	return &socket{ws: ws}, nil
}

// dialDirectly connects as hotcell's own client does.
func dialDirectly(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err //nolint:wrapcheck // dial does
	}
	return direct.Conn(conn), nil
}

func (s *socket) send(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode message: %w", err)
	}
	return s.write(raw)
}

func (s *socket) write(raw []byte) error {
	s.sent = time.Now()
	if err := s.ws.WriteMessage(websocket.TextMessage, raw); err != nil {
		return fmt.Errorf("send message: %w", err)
	}
	return nil
}

// took is how long the last message that was there took, since the last one was sent.
func (s *socket) took() time.Duration { return s.got.Sub(s.sent) }

// next returns the next message, valid until the next call.
func (s *socket) next() ([]byte, error) {
	_ = s.ws.SetReadDeadline(time.Now().Add(patience))
	_, r, err := s.ws.NextReader()
	if err != nil {
		return nil, err //nolint:wrapcheck // the caller asks which close code it was
	}
	s.buf.Reset()
	if _, err := s.buf.ReadFrom(r); err != nil {
		return nil, fmt.Errorf("read message: %w", err)
	}
	s.got = time.Now()
	return s.buf.Bytes(), nil
}

// untilClosed reads until the other side has closed in order.
func (s *socket) untilClosed() error {
	for {
		_, err := s.next()
		if err == nil {
			continue
		}
		var ce *websocket.CloseError
		if errors.As(err, &ce) && ce.Code == websocket.CloseNormalClosure {
			return nil
		}
		return fmt.Errorf("wait for the close frame: %w", err)
	}
}

func (s *socket) close() { _ = s.ws.Close() }
