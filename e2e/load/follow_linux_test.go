package load_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/clients"
	"hotcell/e2e/program"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

// reader is how a client takes a run's output.
type reader struct {
	want    *expectation
	pauseAt int64 // bytes after which it stops reading; 0: never
	pause   time.Duration
	meant   func() // during the pause
	paused  bool
}

func (r *reader) take(text string) {
	r.want.take(text)
	if r.pauseAt > 0 && !r.paused && r.want.bytes >= r.pauseAt {
		r.paused = true
		over := time.NewTimer(r.pause)
		defer over.Stop()
		if r.meant != nil {
			r.meant()
		}
		<-over.C
	}
}

// follower runs code over one dialect, takes its output, and returns what was
// wrong with it.
type follower interface {
	name() string
	run(ctx context.Context, t *testing.T, language, code string, r *reader) error
}

type overNative struct{ p *program.Program }

func (overNative) name() string { return "native" }

func (o overNative) run(ctx context.Context, t *testing.T, language, code string, r *reader) error {
	t.Helper()
	c, err := client.Dial(ctx, o.p.URL, o.p.Key)
	if err != nil {
		return err
	}
	defer c.Close()
	var created struct{ ID string }
	if err := c.Call(ctx, map[string]any{"type": "create_context", "language": language}, &created); err != nil {
		return err
	}
	defer func() {
		if err := c.Call(ctx, map[string]any{"type": "delete_context", "context": created.ID}, nil); err != nil {
			t.Errorf("delete context: %v", err)
		}
	}()
	x, err := c.Execute(ctx, client.Code{Context: created.ID, Code: code})
	if err != nil {
		return err
	}
	return followEvents(ctx, x, r)
}

// followEvents also sees that events are numbered without gaps and that no
// piece is larger than what is promised.
func followEvents(ctx context.Context, x *client.Run, r *reader) error {
	var last uint64
	for {
		evs, err := x.Next(ctx)
		if errors.Is(err, io.EOF) {
			return r.want.end()
		}
		if err != nil {
			return err
		}
		for _, ev := range evs {
			if ev.Seq != last+1 {
				return fmt.Errorf("event %d came after %d", ev.Seq, last)
			}
			last = ev.Seq
			switch {
			case len(ev.Text) > 32<<10:
				return fmt.Errorf("a piece of %d bytes", len(ev.Text))
			case ev.Type == wire.EventStdout:
				r.take(ev.Text)
			case ev.Type == wire.EventState && ev.State == wire.StateDone && ev.Status != wire.StatusOK, ev.Type == wire.EventError, ev.Type == wire.EventStderr:
				return fmt.Errorf("%s %s %s %s %.500s", ev.Type, ev.Status, ev.Name, ev.Value, ev.Text)
			}
		}
	}
}

type overDaytona struct{ p *program.Program }

func (overDaytona) name() string { return "daytona" }

func (o overDaytona) run(ctx context.Context, t *testing.T, language, code string, r *reader) error {
	t.Helper()
	d := &clients.Daytona{URL: o.p.URL, Key: o.p.Key, Sandbox: "default"}
	cx, err := d.Open(ctx, clients.Options{Language: language})
	if err != nil {
		return err
	}
	defer func() {
		if err := cx.Delete(ctx); err != nil {
			t.Errorf("delete context: %v", err)
		}
	}()
	ws, err := d.Dial(ctx)
	if err != nil {
		return err
	}
	defer ws.Close()
	first, err := json.Marshal(map[string]any{"code": code, "contextId": cx.ID(), "timeout": 0})
	if err != nil {
		return err
	}
	if err := ws.WriteMessage(websocket.TextMessage, first); err != nil {
		return err
	}
	for {
		_, raw, err := ws.ReadMessage()
		if websocket.IsCloseError(err, websocket.CloseNormalClosure) {
			return r.want.end()
		}
		if err != nil {
			return err
		}
		var c struct{ Type, Text, Name, Value string }
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("%.200q: %w", raw, err)
		}
		switch c.Type {
		case "stdout":
			r.take(c.Text)
		case "stderr", "error":
			return fmt.Errorf("%s: %.500s %s %s", c.Type, c.Text, c.Name, c.Value)
		}
	}
}
