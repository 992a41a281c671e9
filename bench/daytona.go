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

	"github.com/valyala/fasthttp"
)

// daytona speaks what the Daytona SDKs speak: HTTP for contexts, and a WebSocket of its own
// for every run. Its HTTP client starts no goroutines, which would be measured too.
type daytona struct {
	http    *fasthttp.Client
	key     string
	toolbox string // of a sandbox of the benchmark's own
}

// chunk is a message of a run.
type chunk struct {
	Type  string `json:"type"`
	Text  string `json:"text"`
	Name  string `json:"name"`
	Value string `json:"value"`
	Data  map[string]json.RawMessage
}

func newDaytona(ctx context.Context, s *server) (*daytona, error) {
	d := &daytona{key: s.key, http: &fasthttp.Client{
		MaxConnsPerHost: fleetSize, // one for each of the contexts that are made at once
		Dial:            func(address string) (net.Conn, error) { return dialDirectly(ctx, "tcp", address) },
	}}
	var sandbox struct{ ID, ToolboxProxyURL string }
	if err := d.call(ctx, http.MethodPost, s.url+"/api/sandbox", map[string]any{}, &sandbox); err != nil {
		return nil, fmt.Errorf("make a sandbox: %w", err)
	}
	d.toolbox = strings.TrimSuffix(sandbox.ToolboxProxyURL, "/") + "/" + sandbox.ID
	return d, nil
}

// call asks the server, and decodes its answer into result unless that is nil.
func (d *daytona) call(ctx context.Context, method, url string, body, result any) error {
	_, err := d.timed(ctx, method, url, body, result)
	return err
}

// timed is call, and says how long it took from the encoded request until the answer was there.
func (d *daytona) timed(ctx context.Context, method, url string, body, result any) (time.Duration, error) {
	if ctx.Err() != nil {
		return 0, context.Cause(ctx)
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return 0, fmt.Errorf("encode request: %w", err)
	}
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.Header.SetMethod(method)
	req.SetRequestURI(url)
	req.Header.Set("Authorization", "Bearer "+d.key)
	req.Header.SetContentType("application/json")
	req.SetBodyRaw(raw)
	began := time.Now()
	if err := d.http.DoTimeout(req, resp, patience); err != nil {
		return 0, fmt.Errorf("ask the server: %w", err)
	}
	answer := resp.Body()
	took := time.Since(began)
	if status := resp.StatusCode(); status >= http.StatusBadRequest {
		return 0, fmt.Errorf("%s %s: status %d: %s", method, url, status, bytes.TrimSpace(answer))
	}
	if result == nil {
		return took, nil
	}
	if err := json.Unmarshal(answer, result); err != nil {
		return 0, fmt.Errorf("decode the answer: %w", err)
	}
	return took, nil
}

func (d *daytona) create(ctx context.Context, language string) (string, time.Duration, error) {
	var made struct{ ID string }
	took, err := d.timed(ctx, http.MethodPost, d.toolbox+"/process/interpreter/context", map[string]string{"language": language}, &made)
	return made.ID, took, err
}

func (d *daytona) remove(ctx context.Context, id string) error {
	return d.call(ctx, http.MethodDelete, d.toolbox+"/process/interpreter/context/"+id, nil, nil)
}

// ran is one run over a socket of its own.
type ran struct {
	control time.Duration // from the sending to the control message
	done    time.Duration // from the dialling to the control message
	closed  time.Duration // from the dialling to the close frame
	hashes  int           // how many # were written
}

// run runs code from the dialling to the close frame.
func (d *daytona) run(ctx context.Context, id, code string) (ran, error) {
	var r ran
	request, err := json.Marshal(map[string]string{"code": code, "contextId": id})
	if err != nil {
		return r, fmt.Errorf("encode message: %w", err)
	}
	began := time.Now()
	s, err := dial(ctx, d.toolbox+"/process/interpreter/execute", d.key)
	if err != nil {
		return r, err
	}
	defer s.close()
	if err := s.write(request); err != nil {
		return r, err
	}
	for {
		msg, err := s.next()
		if err != nil {
			return r, fmt.Errorf("follow a run: %w", err)
		}
		if r.hashes += bytes.Count(msg, []byte{'#'}); len(msg) > shortMessage {
			continue // a flood is counted, not decoded
		}
		var c chunk
		if err := json.Unmarshal(msg, &c); err != nil {
			return r, fmt.Errorf("decode a message: %w", err)
		}
		switch {
		case c.Type == "error":
			return r, fmt.Errorf("the code failed: %s: %s", c.Name, c.Value)
		case c.Type == "control" && c.Text == "completed":
			r.control, r.done = s.took(), s.got.Sub(began)
			err := s.untilClosed()
			r.closed = time.Since(began)
			return r, err
		case c.Type == "control":
			return r, errors.New("the run ended as " + c.Text)
		}
	}
}
