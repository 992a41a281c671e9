package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hotcell/process/command"
)

// Command is a program to run.
type Command struct {
	Sandbox string // empty: default
	Argv    []string
	Cwd     string
	Env     map[string]string
	Timeout time.Duration
	Stdin   bool // it will be written to
}

// Running is a command that a client follows, and that ends when it leaves.
type Running struct {
	ID string

	base, key string
	http      *http.Client
	cancel    context.CancelFunc
	body      io.ReadCloser
	lines     *bufio.Reader
	over      bool // the last event was read
}

// lineBuffer holds a whole event as a rule.
const lineBuffer = 256 << 10

// ErrBroken is a connection that ended before the command did.
var ErrBroken = errors.New("the connection to the server broke off before the command had ended")

// RunCommand starts a command on a server, which is named by its base URL.
func RunCommand(ctx context.Context, base, key string, c Command) (*Running, error) {
	base = strings.TrimRight(base, "/")
	if u, err := url.Parse(base); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not a server's URL, such as http://127.0.0.1:3986", base)
	}
	transport := &http.Transport{
		Proxy:       http.ProxyFromEnvironment,
		DialContext: (&net.Dialer{Timeout: dialLimit}).DialContext,
	}
	r := &Running{base: base, key: key, http: &http.Client{Transport: transport}}
	ctx, r.cancel = context.WithCancel(ctx)
	resp, err := r.post(ctx, "/v1/commands", map[string]any{ //nolint:bodyclose // Close does
		"argv": c.Argv, "sandbox": c.Sandbox, "cwd": c.Cwd, "env": c.Env, "attached": true, "stdin": c.Stdin,
		"timeout_ms": float64(c.Timeout) / float64(time.Millisecond),
	})
	if err != nil {
		r.cancel()
		transport.CloseIdleConnections()
		return nil, err
	}
	r.body, r.lines = resp.Body, bufio.NewReaderSize(resp.Body, lineBuffer)
	r.ID = resp.Header.Get("Location")
	r.ID = r.ID[strings.LastIndexByte(r.ID, '/')+1:]
	return r, nil
}

// post sends a request and returns the answer to one that was accepted.
func (r *Running) post(ctx context.Context, path string, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	if r.key != "" {
		req.Header.Set("Authorization", "Bearer "+r.key)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", err)
	}
	if resp.StatusCode >= http.StatusMultipleChoices {
		return nil, refusal(resp, nil) // which closes the body
	}
	return resp, nil
}

// Next returns the next event; io.EOF after the last. It is for one goroutine.
func (r *Running) Next() (e command.Event, err error) {
	for !r.over {
		line, err := r.lines.ReadBytes('\n')
		if err != nil {
			return e, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if len(line) == 1 {
			continue // nothing happened
		}
		var m struct {
			command.Event
			Error *Error `json:"error"`
		}
		if err := json.Unmarshal(line, &m); err != nil {
			return e, fmt.Errorf("the server sent what is not of the protocol: %w", err)
		}
		if m.Error != nil {
			return e, fmt.Errorf("follow command: %w", m.Error)
		}
		r.over = m.Type == command.EventEnd
		return m.Event, nil
	}
	return e, io.EOF
}

// Signal sends a signal to the command, and SIGKILL if it hasn't ended after
// grace; 0 is never. A command that has ended takes any signal.
func (r *Running) Signal(ctx context.Context, name string, grace time.Duration) error {
	body := map[string]any{"signal": name}
	if grace > 0 {
		body["grace_ms"] = float64(grace) / float64(time.Millisecond)
	}
	resp, err := r.post(ctx, "/v1/commands/"+r.ID+"/signal", body)
	if refused := (*Error)(nil); errors.As(err, &refused) && refused.Status == http.StatusConflict {
		return nil
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Input writes to the command's standard input; eof ends that. It is false, and
// no error, when the command doesn't read any more.
func (r *Running) Input(ctx context.Context, p []byte, eof bool) (more bool, err error) {
	resp, err := r.post(ctx, "/v1/commands/"+r.ID+"/input", map[string]any{"base64": p, "eof": eof})
	if refused := (*Error)(nil); errors.As(err, &refused) && (refused.Status == http.StatusConflict || refused.Status == http.StatusGone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return !eof, resp.Body.Close()
}

// Close leaves the command, which ends if it hasn't yet.
func (r *Running) Close() {
	r.cancel()
	_ = r.body.Close()
	r.http.CloseIdleConnections()
}
