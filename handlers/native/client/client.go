// Package client speaks the native protocol from the other side: one WebSocket
// to a server, any number of requests and executions on it. The command line
// and the tests use it.
//
// Goroutines: one reads the socket; [Client.Close] joins it. It delivers events
// to each [Run] in turn and waits for the one that doesn't take them, so
// whoever follows several runs reads all of them.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/internal/direct"
	"hotcell/internal/wire"
)

// dialLimit bounds the connecting; a server on the way is there in
// milliseconds, one across the world in seconds.
const dialLimit = 15 * time.Second

// Error is a server's refusal.
type Error struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	ID      string `json:"id"`
	Status  int    `json:"status"`
}

func (e *Error) Error() string { return e.Message }

// ErrClosed is what calls on a closed client return.
var ErrClosed = errors.New("the connection to the server is closed")

// Client is one connection.
type Client struct {
	ws     *websocket.Conn
	ctx    context.Context // ends when the connection does, with the reason
	cancel context.CancelCauseFunc
	ended  chan struct{} // closed when the reader has ended

	writing sync.Mutex // a socket takes one writer at a time

	mu      sync.Mutex
	last    uint64 // id of the last request
	waiting map[string]chan message
	runs    map[string]*Run
}

// message is anything that a server says.
type message struct {
	Type      string          `json:"type"`
	ID        json.RawMessage `json:"id"`
	Result    json.RawMessage `json:"result"`
	Error     *Error          `json:"error"`
	Execution string          `json:"execution"`
	Events    []wire.Event    `json:"events"`
}

// Dial connects to a server by its base URL.
func Dial(ctx context.Context, base, key string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a server's URL, such as http://127.0.0.1:3986", base)
	}
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	u.Path += "/v1/ws"
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	header := http.Header{}
	if key != "" {
		header.Set("Authorization", "Bearer "+key)
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, NetDialContext: dial}
	ws, resp, err := dialer.DialContext(ctx, u.String(), header)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", base, refusal(resp, err))
	}
	c := &Client{ws: ws, ended: make(chan struct{}), waiting: map[string]chan message{}, runs: map[string]*Run{}}
	c.ctx, c.cancel = context.WithCancelCause(context.Background())
	// Ends with the socket; Close joins it.
	go c.read()
	return c, nil
}

// dial connects. What is exchanged is small and often, so system calls count.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return direct.Conn(conn), nil
}

// refusal is what the server said instead of switching to WebSocket.
func refusal(resp *http.Response, err error) error {
	if resp == nil {
		return err
	}
	defer resp.Body.Close()
	var body struct{ Error *Error }
	if json.NewDecoder(resp.Body).Decode(&body) == nil && body.Error != nil {
		return body.Error
	}
	return fmt.Errorf("the server answered %s", resp.Status)
}

// Close ends the connection. Runs that are followed end with [ErrClosed]; on
// the server they go on.
func (c *Client) Close() {
	c.cancel(ErrClosed)
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = c.ws.Close()
	<-c.ended
}

// Done is closed when the connection has ended.
func (c *Client) Done() <-chan struct{} { return c.ctx.Done() }

// Drop ends the connection without a word, as a broken network does.
func (c *Client) Drop() {
	c.cancel(ErrClosed)
	_ = c.ws.NetConn().Close()
	<-c.ended
}

func (c *Client) read() {
	defer close(c.ended)
	for {
		_, raw, err := c.ws.ReadMessage()
		if err != nil {
			c.cancel(fmt.Errorf("%w: %w", ErrClosed, err))
			return
		}
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			c.cancel(fmt.Errorf("%w: the server sent what is not of the protocol: %w", ErrClosed, err))
			return
		}
		c.deliver(m)
		if c.ctx.Err() != nil {
			return // a run may not have taken this one: what comes after it would leave a gap
		}
	}
}

func (c *Client) deliver(m message) {
	c.mu.Lock()
	reply := c.waiting[string(m.ID)]
	run := c.runs[m.Execution]
	c.mu.Unlock()
	switch m.Type {
	case "events", "detached":
		if run != nil {
			run.take(m)
		}
	default:
		if reply != nil {
			reply <- m // of capacity 1, and used once
		}
	}
}

// Call sends a request, to which it adds an id, and decodes the result.
func (c *Client) Call(ctx context.Context, request map[string]any, result any) error {
	return c.call(ctx, request, result, nil)
}

// call runs accepted, if the request was, before the next message is looked at.
func (c *Client) call(ctx context.Context, request map[string]any, result any, prepare func()) error {
	reply := make(chan message, 1)
	c.mu.Lock()
	c.last++
	id := strconv.FormatUint(c.last, 10)
	c.waiting[id] = reply
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	if prepare != nil {
		prepare()
	}
	body := map[string]any{"id": json.RawMessage(id)}
	maps.Copy(body, request)
	if err := c.Send(body); err != nil {
		return err
	}
	select {
	case m := <-reply:
		if m.Error != nil {
			return m.Error
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("decode the answer to %v: %w", request["type"], err)
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.ctx.Done():
		return c.fault()
	}
}

// fault is why the connection has ended.
func (c *Client) fault() error { return context.Cause(c.ctx) }

// Send sends a message as it is.
func (c *Client) Send(v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.ws.WriteMessage(websocket.TextMessage, raw); err != nil {
		return fmt.Errorf("send request: %w", err)
	}
	return nil
}
