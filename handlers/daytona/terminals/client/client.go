// Package client uses the terminals of a server from the other side, in the way
// of the Daytona SDKs. The command line uses it.
//
// Goroutines: none. A [Conn] is read by one goroutine and written by any.
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fasthttp/websocket"
)

const (
	// dialLimit bounds what a server answers in milliseconds, and one across the
	// world in seconds.
	dialLimit   = 15 * time.Second
	exitControl = "X-Daytona-Pty-Exit-Control"
	envsPrefix  = "X-Daytona-Pty-Envs~"
)

// Error is a server's refusal.
type Error struct {
	Status  int
	Message string
}

func (e *Error) Error() string { return e.Message }

// ClosedError is a connection that the server ended before the terminal did.
type ClosedError struct {
	Code  int // of WebSocket
	Words string
}

func (e *ClosedError) Error() string { return e.Words }

// Server says where terminals are.
type Server struct {
	URL, Key string
	Sandbox  string
}

// Options of a new terminal.
type Options struct {
	ID, Cwd    string
	Env        map[string]string
	Cols, Rows int
}

// Create makes a terminal and connects to it.
func (s Server) Create(ctx context.Context, o Options) (*Conn, error) {
	query := url.Values{"id": {o.ID}, "cols": {strconv.Itoa(o.Cols)}, "rows": {strconv.Itoa(o.Rows)}}
	if o.Cwd != "" {
		query.Set("cwd", o.Cwd)
	}
	offers := []string{exitControl}
	if len(o.Env) > 0 {
		raw, err := json.Marshal(o.Env)
		if err != nil {
			return nil, fmt.Errorf("encode the variables: %w", err)
		}
		offers = append(offers, envsPrefix+base64.RawURLEncoding.EncodeToString(raw))
	}
	return s.dial(ctx, "/create-connect?"+query.Encode(), offers)
}

// Connect connects to a terminal that is there, and is given its screen.
func (s Server) Connect(ctx context.Context, id string) (*Conn, error) {
	return s.dial(ctx, "/"+url.PathEscape(id)+"/connect", []string{exitControl})
}

func (s Server) address(path string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimRight(s.URL, "/"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a server's URL, such as http://127.0.0.1:3986", s.URL)
	}
	return u.Parse(u.Path + "/toolbox/" + url.PathEscape(s.Sandbox) + "/process/pty" + path)
}

func (s Server) dial(ctx context.Context, path string, offers []string) (*Conn, error) {
	u, err := s.address(path)
	if err != nil {
		return nil, err
	}
	u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, Subprotocols: offers}
	ws, resp, err := dialer.DialContext(ctx, u.String(), s.header())
	if err != nil {
		if resp == nil {
			return nil, fmt.Errorf("connect to %s: %w", s.URL, err)
		}
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return &Conn{ws: ws}, nil
}

func (s Server) header() http.Header {
	h := http.Header{}
	if s.Key != "" {
		h.Set("Authorization", "Bearer "+s.Key)
	}
	return h
}

// refusal is what the server said instead.
func refusal(resp *http.Response) error {
	var body struct{ Message string }
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil || json.Unmarshal(raw, &body) != nil || body.Message == "" {
		body.Message = "the server answered " + resp.Status
	}
	return &Error{Status: resp.StatusCode, Message: body.Message}
}

// Resize gives a terminal another size.
func (s Server) Resize(ctx context.Context, id string, cols, rows int) error {
	body := fmt.Sprintf(`{"cols":%d,"rows":%d}`, cols, rows)
	return s.call(ctx, http.MethodPost, "/"+url.PathEscape(id)+"/resize", []byte(body))
}

// Kill ends a terminal.
func (s Server) Kill(ctx context.Context, id string) error {
	return s.call(ctx, http.MethodDelete, "/"+url.PathEscape(id), nil)
}

func (s Server) call(ctx context.Context, method, path string, body []byte) error {
	u, err := s.address(path)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, dialLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	req.Header = s.header()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the server: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return refusal(resp)
	}
	_, err = io.Copy(io.Discard, resp.Body) // so that the connection can be used again
	return err
}

// Exit is how a terminal ended.
type Exit struct {
	Code   int    `json:"exitCode"`
	Reason string `json:"exitReason"`
}

// Conn watches a terminal and types into it.
type Conn struct {
	ws *websocket.Conn

	// Of the goroutine that reads.
	exit  *Exit
	fault string

	writing sync.Mutex // a socket takes one writer at a time
}

// Next returns the terminal's next bytes, and io.EOF when it has ended.
func (c *Conn) Next() ([]byte, error) {
	for {
		kind, msg, err := c.ws.ReadMessage()
		if err != nil {
			return nil, c.end(err)
		}
		if kind == websocket.BinaryMessage {
			return msg, nil
		}
		var m struct {
			Status, Error string
			Exit
		}
		if err := json.Unmarshal(msg, &m); err != nil {
			return nil, fmt.Errorf("the server sent what is not of the protocol: %w", err)
		}
		switch m.Status {
		case "exited":
			c.exit = &m.Exit
		case "error":
			c.fault = m.Error
		}
	}
}

// end says what the end of the connection means.
func (c *Conn) end(err error) error {
	var closed *websocket.CloseError
	switch {
	case c.exit != nil:
		return io.EOF
	case errors.As(err, &closed):
		if c.fault == "" {
			c.fault = "the server closed the connection: " + closed.Text
		}
		return &ClosedError{Code: closed.Code, Words: c.fault}
	default:
		return fmt.Errorf("the connection was lost: %w", err)
	}
}

// Exit is how the terminal ended, once Next has said so.
func (c *Conn) Exit() Exit { return *c.exit }

// Write types.
func (c *Conn) Write(p []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if err := c.ws.WriteMessage(websocket.BinaryMessage, p); err != nil {
		return 0, fmt.Errorf("type: %w", err)
	}
	return len(p), nil
}

// Close ends the connection, not the terminal. It may be called by anybody.
func (c *Conn) Close() {
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	_ = c.ws.Close()
}
