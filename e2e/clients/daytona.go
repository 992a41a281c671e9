package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/internal/wire"
)

// Daytona speaks the Daytona protocol as its SDKs do, without them.
type Daytona struct {
	URL, Key string
	Sandbox  string // an id
}

// Name is daytona.
func (d *Daytona) Name() string { return "daytona" }

// CreateSandbox makes a sandbox whose default context has the language, and
// returns its id.
func (d *Daytona) CreateSandbox(ctx context.Context, language string) (string, error) {
	var created struct{ ID string }
	body := map[string]any{"env": map[string]string{}, "labels": map[string]string{"code-toolbox-language": language}}
	if err := d.call(ctx, http.MethodPost, "/api/sandbox", body, &created); err != nil {
		return "", err
	}
	return created.ID, nil
}

// DeleteSandbox deletes one.
func (d *Daytona) DeleteSandbox(ctx context.Context, id string) error {
	return d.call(ctx, http.MethodDelete, "/api/sandbox/"+id, nil, nil)
}

// Open creates a context. The protocol has no environment for it but a new
// member that SDKs don't use.
func (d *Daytona) Open(ctx context.Context, o Options) (Context, error) {
	var created struct{ ID string }
	body := map[string]any{"cwd": o.Cwd, "language": o.Language, "envs": o.Env}
	if err := d.call(ctx, http.MethodPost, d.toolbox("/context"), body, &created); err != nil {
		return nil, err
	}
	return &daytonaContext{d: d, id: created.ID}, nil
}

// Attach is a context by its id, unchecked; empty is the default one.
func (d *Daytona) Attach(id string) Context { return &daytonaContext{d: d, id: id} }

func (d *Daytona) toolbox(path string) string {
	return "/toolbox/" + d.Sandbox + "/process/interpreter" + path
}

// StatusError is an answer that is not a success.
type StatusError struct {
	Status int
	Body   string
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Body) }

func (d *Daytona) call(ctx context.Context, method, path string, body, into any) error {
	var r io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		r = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, method, d.URL+path, r)
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header = d.header()
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("read answer to %s %s: %w", method, path, err)
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %w", method, path, &StatusError{resp.StatusCode, string(raw)})
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("decode answer to %s %s: %w", method, path, err)
	}
	return nil
}

func (d *Daytona) header() http.Header {
	return http.Header{
		"Authorization":         {"Bearer " + d.Key},
		"X-Daytona-Source":      {"sdk-python"},
		"X-Daytona-Sdk-Version": {"0.205.1"},
	}
}

// Dial opens the socket of one run; the first message is the caller's.
func (d *Daytona) Dial(ctx context.Context) (*websocket.Conn, error) {
	u := "ws" + strings.TrimPrefix(d.URL, "http") + d.toolbox("/execute")
	ws, resp, err := websocket.DefaultDialer.DialContext(ctx, u, d.header())
	if err != nil {
		if resp != nil {
			raw, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			return nil, fmt.Errorf("connect: %w", &StatusError{resp.StatusCode, string(raw)})
		}
		return nil, fmt.Errorf("connect: %w", err)
	}
	return ws, nil
}

type daytonaContext struct {
	d  *Daytona
	id string
}

func (c *daytonaContext) ID() string { return c.id }

func (c *daytonaContext) Delete(ctx context.Context) error {
	return c.d.call(ctx, http.MethodDelete, c.d.toolbox("/context/"+c.id), nil, nil)
}

func (c *daytonaContext) Start(ctx context.Context, cell Cell) (*Run, error) {
	body := map[string]any{"code": cell.Code, "timeout": cell.Timeout.Seconds()}
	if c.id != "" {
		body["contextId"] = c.id
	}
	if cell.Env != nil {
		body["envs"] = cell.Env
	}
	return c.d.Run(ctx, body)
}

// Run sends any first message, a []byte as it is and others as JSON, and
// follows what comes.
func (d *Daytona) Run(ctx context.Context, first any) (*Run, error) {
	ws, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	raw, ok := first.([]byte)
	if !ok {
		if raw, err = json.Marshal(first); err != nil {
			ws.Close()
			return nil, fmt.Errorf("encode request: %w", err)
		}
	}
	if err := ws.WriteMessage(websocket.TextMessage, raw); err != nil {
		ws.Close()
		return nil, fmt.Errorf("send request: %w", err)
	}
	r := newRun("")
	stop := context.AfterFunc(ctx, func() { ws.Close() })
	// Ends with the socket, which ends with the run or with ctx.
	go func() {
		defer ws.Close()
		defer stop()
		r.end(followSocket(ws, r))
	}()
	return r, nil
}

// chunk is a message of the protocol; types that SDKs ignore carry the native
// dialect's event.
type chunk struct {
	wire.Event
	Text string `json:"text"`
}

func followSocket(ws *websocket.Conn, r *Run) error {
	control := ""
	for {
		_, raw, err := ws.ReadMessage()
		var gone *websocket.CloseError
		if errors.As(err, &gone) {
			r.change(func(o *Outcome) { o.concludeSocket(gone.Code, control) })
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the run's socket: %w", err)
		}
		var c chunk
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("a message that is no JSON object, %.200q: %w", raw, err)
		}
		if control != "" {
			return fmt.Errorf("a message after the control message: %.200q", raw)
		}
		if c.Type == "control" {
			control = c.Text
		}
		c.Event.Text = c.Text
		r.change(func(o *Outcome) { o.take(c.Event) })
	}
}

// concludeSocket says what an SDK would make of the end.
func (o *Outcome) concludeSocket(code int, control string) {
	o.Close = code
	o.Ended = time.Now()
	switch {
	case code == 4008:
		o.Status = "timeout"
	case code != websocket.CloseNormalClosure:
		o.Status = fmt.Sprintf("closed %d", code)
	case control == "":
		o.Status = "no control message"
	case o.Error != nil && o.Error.Name == "KernelDiedError":
		o.Status = "died"
	case control == "interrupted":
		o.Status = "interrupted"
	case o.Error != nil && strings.HasPrefix(o.Error.Name, "Context"):
		o.Status = "cancelled"
	case o.Error != nil:
		o.Status = "error"
	default:
		o.Status = "ok"
	}
}
