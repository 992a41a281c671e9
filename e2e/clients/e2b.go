package clients

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"hotcell/internal/wire"
)

// E2B speaks E2B's protocol as its SDKs do, without them.
type E2B struct {
	URL string
}

// Name is e2b.
func (e *E2B) Name() string { return "e2b" }

// Open creates a context. The protocol has no environment for it.
func (e *E2B) Open(ctx context.Context, o Options) (Context, error) {
	if len(o.Env) > 0 {
		return nil, errors.New("a context has no environment in this protocol")
	}
	answer, err := e.call(ctx, http.MethodPost, "/contexts", map[string]any{"language": o.Language, "cwd": o.Cwd})
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	var made struct{ ID string }
	if err := json.NewDecoder(answer).Decode(&made); err != nil {
		return nil, fmt.Errorf("decode context: %w", err)
	}
	return &e2bContext{e: e, id: made.ID}, nil
}

// call sends a request and returns the answer's body, if it is a success.
func (e *E2B) call(ctx context.Context, method, path string, body any) (io.ReadCloser, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, method, e.URL+path, bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("E2b-Sandbox-Id", "debug_sandbox_id")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		words, _ := io.ReadAll(resp.Body)
		return nil, fmt.Errorf("%s %s: %w", method, path, &StatusError{resp.StatusCode, string(words)})
	}
	return resp.Body, nil
}

type e2bContext struct {
	e  *E2B
	id string
}

func (c *e2bContext) ID() string { return c.id }

func (c *e2bContext) Delete(ctx context.Context) error {
	answer, err := c.e.call(ctx, http.MethodDelete, "/contexts/"+c.id, nil)
	if err != nil {
		return err
	}
	return answer.Close()
}

func (c *e2bContext) Start(ctx context.Context, cell Cell) (*Run, error) {
	answer, err := c.e.call(ctx, http.MethodPost, "/execute", map[string]any{"code": cell.Code, "context_id": c.id, "env_vars": cell.Env})
	if err != nil {
		return nil, err
	}
	r := newRun("")
	// Ends with the stream, which ends with the run or with ctx.
	go func() {
		defer answer.Close()
		r.end(followLines(answer, r))
	}()
	return r, nil
}

func followLines(body io.Reader, r *Run) error {
	lines := bufio.NewReaderSize(body, 64<<10)
	over := false
	for {
		raw, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) && over && len(raw) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the stream (at its end: %t): %w", over, err)
		}
		if over {
			return fmt.Errorf("a line after the end: %.200q", raw)
		}
		var l struct {
			Type, Text, Name, Value, Traceback string
			Main                               bool `json:"is_main_result"`
		}
		if err := json.Unmarshal(raw, &l); err != nil {
			return fmt.Errorf("a line that is no JSON object, %.200q: %w", raw, err)
		}
		over = l.Type == "end_of_execution"
		r.change(func(o *Outcome) {
			o.takeLine(l.Type, l.Text, l.Main, &Failure{Name: l.Name, Value: l.Value, Traceback: l.Traceback})
		})
	}
}

// takeLine is what a client makes of a line.
func (o *Outcome) takeLine(kind, text string, main bool, f *Failure) {
	if o.Started.IsZero() {
		o.Started = time.Now()
	}
	switch kind {
	case "stdout", "stderr":
		o.Pieces = append(o.Pieces, Piece{kind, text})
	case "result":
		if main {
			o.Result = text
		} else {
			o.Pieces = append(o.Pieces, Piece{string(wire.EventDisplay), text})
		}
	case "clear_output":
		o.Pieces = append(o.Pieces, Piece{kind, ""})
	case "error":
		o.Error = f
	case "end_of_execution":
		o.Ended = time.Now()
		switch {
		case o.Error == nil:
			o.Status = "ok"
		case o.Error.Name == "KernelDiedError":
			o.Status = "died"
		case strings.HasPrefix(o.Error.Name, "Context"):
			o.Status = "cancelled"
		default:
			o.Status = "error"
		}
	}
}
