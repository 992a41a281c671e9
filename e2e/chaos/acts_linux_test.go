package chaos_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
	"hotcell/process/command"
)

// act does one of the things that clients do.
func (w *worker) act(ctx context.Context) {
	language := []string{"python", "python", "python", "python", "javascript", "typescript", "go", "go"}[w.rand.IntN(8)]
	d := w.pick()
	switch {
	case w.c.Only != "":
		language = w.c.Only
	case d.stdin:
		language = "python"
	}
	context := ""
	if w.rand.IntN(10) > 0 {
		id, ok := w.context(ctx, language)
		if !ok {
			return
		}
		context = id
	}
	switch n := w.rand.IntN(100); {
	case n < 8:
		w.command(ctx)
	case n < 18 && context != "" && !d.wish && !d.stdin:
		w.overHTTP(ctx, d, context, language)
	case n < 28:
		w.burst(ctx, context, language)
	case n < 31 && !w.c.Calm:
		w.deleted(ctx, language)
	default:
		w.run(ctx, d, context, language)
	}
}

func (w *worker) pick() *deed {
	all := deeds()
	sum := 0
	for _, d := range all {
		sum += d.weight
	}
	n := w.rand.IntN(sum)
	for _, d := range all {
		if n -= d.weight; n < 0 && (!w.c.Calm || d.name != "bulk") && (!d.stdin || w.c.Only == "") { // which Python alone has
			return &d
		}
	}
	return &all[0]
}

// start sends an execution and tells how that went. Nil: it was not accepted, as far
// as is known.
func (w *worker) start(ctx context.Context, d *deed, id, cx, language string, n int) *client.Run {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for try := 0; ; try++ {
		w.c.tell(line{Op: opAsk, ID: id, Context: cx, Language: language, Deed: d.name, N: n})
		r, err := w.conn.Execute(limited, client.Code{Sandbox: w.box, Context: cx, Language: language, Code: d.cell(language, id, n), Execution: id, Timeout: d.timeout, Stdin: d.stdin})
		if err == nil {
			w.c.tell(line{Op: opTaken, ID: id})
			return r
		}
		refused := (*client.Error)(nil)
		switch {
		case errors.As(err, &refused) && refused.Code == "DUPLICATE_ID" && try > 0:
			w.c.tell(line{Op: opTaken, ID: id})
			return w.attach(limited, id, 1)
		case errors.As(err, &refused):
			w.refused(id, cx, refused)
			return nil
		case limited.Err() != nil:
			w.c.tell(line{Op: opStuck, Deed: "execute", ID: id, Text: err.Error()})
			w.conn.Drop()
			return nil
		}
		w.c.tell(line{Op: opBroken, ID: id, Text: err.Error()})
		if w.rand.IntN(2) == 0 || !w.connect(limited) {
			return nil // and never learns
		}
	}
}

func (w *worker) refused(id, cx string, e *client.Error) {
	w.c.tell(line{Op: opRefused, ID: id, Code: e.Code, Text: e.Message})
	if suspicious(e.Code) {
		w.c.tell(line{Op: opWrong, Deed: "execute", ID: id, Code: e.Code, Text: e.Code + ": " + e.Message})
	}
	if e.Status == http.StatusGone || e.Status == http.StatusNotFound {
		w.forget(cx)
	}
}

func (w *worker) run(ctx context.Context, d *deed, cx, language string) {
	if r := w.start(ctx, d, w.next(), cx, language, 1+w.rand.IntN(40)); r != nil {
		w.follow(ctx, r, d)
	}
}

// burst sends several at once, which wait for each other. Each has a connection of its
// own, so that none waits for the other's events.
func (w *worker) burst(ctx context.Context, cx, language string) {
	d, mine := deedNamed("count"), w.conn
	type one struct {
		conn *client.Client
		r    *client.Run
	}
	var all []one
	for range 3 {
		w.conn = nil
		if !w.connect(ctx) {
			break
		}
		r := w.start(ctx, d, w.next(), cx, language, 1+w.rand.IntN(10))
		all = append(all, one{w.conn, r})
	}
	for _, o := range all {
		if w.conn = o.conn; o.r != nil {
			w.follow(ctx, o.r, d)
		}
		if w.conn != nil {
			w.conn.Close()
		}
	}
	w.conn = mine
}

// deleted deletes a context in which something runs.
func (w *worker) deleted(ctx context.Context, language string) {
	cx, ok := w.newContext(ctx, language)
	if !ok {
		return
	}
	d := deedNamed("count")
	r := w.start(ctx, d, w.next(), cx, language, 60)
	if r == nil {
		return
	}
	w.c.tell(line{Op: opDelete, Context: cx})
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// Over HTTP: the run's events would be in the way of an answer on the socket.
	resp, err := w.request(limited, http.MethodDelete, "/v1/contexts/"+cx, nil)
	if err != nil {
		w.failed(limited, "delete", cx, err)
	} else {
		resp.Body.Close()
		w.c.tell(line{Op: opForget, Context: cx})
	}
	w.follow(ctx, r, d)
}

// overHTTP asks once and waits, or follows the lines.
func (w *worker) overHTTP(ctx context.Context, d *deed, cx, language string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id, n, wait := w.next(), 1+w.rand.IntN(40), w.rand.IntN(2) == 0
	w.c.tell(line{Op: opAsk, ID: id, Context: cx, Language: language, Deed: d.name, N: n})
	body := map[string]any{"code": d.cell(language, id, n), "execution": id, "timeout_ms": d.timeout.Milliseconds(), "wait": wait}
	resp, err := w.request(ctx, http.MethodPost, "/v1/contexts/"+cx+"/executions", body)
	refused := (*client.Error)(nil)
	switch {
	case errors.As(err, &refused):
		w.refused(id, cx, refused)
		return
	case ctx.Err() != nil:
		w.c.tell(line{Op: opStuck, Deed: "http", ID: id, Text: err.Error()})
		return
	case err != nil:
		w.c.tell(line{Op: opBroken, ID: id, Text: err.Error()})
		return
	}
	defer resp.Body.Close()
	if wait {
		var a struct {
			Execution struct{ Status string }
			Stdout    string
		}
		if err := json.NewDecoder(resp.Body).Decode(&a); err != nil {
			w.c.tell(line{Op: opBroken, ID: id, Text: err.Error()})
			return
		}
		w.c.tell(line{Op: opTaken, ID: id, Code: a.Execution.Status, Text: a.Stdout})
		return
	}
	w.c.tell(line{Op: opTaken, ID: id})
	if resp, err = w.request(ctx, http.MethodGet, "/v1/executions/"+id+"/events", nil); err == nil {
		defer resp.Body.Close()
		w.lines(resp.Body, id, func(raw []byte) (e wire.Event, err error) {
			err = json.Unmarshal(raw, &e)
			return e, err
		})
	}
}

// lines tells of events that come as lines, until there are no more.
func (w *worker) lines(body io.Reader, id string, decode func([]byte) (wire.Event, error)) {
	r := bufio.NewReader(body)
	for {
		raw, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		if raw = bytes.TrimSpace(raw); len(raw) == 0 {
			continue
		}
		e, err := decode(raw)
		if err != nil || e.Seq == 0 {
			return // why the stream broke off, for people
		}
		w.c.tell(line{Op: opSeen, ID: id, Events: []wire.Event{e}})
	}
}

// command runs a shell command, whose id the server chooses: the mark in its text is
// by what it is found again.
func (w *worker) command(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	id := w.next()
	w.c.tell(line{Op: opAsk, ID: id, Deed: "command"})
	text := fmt.Sprintf("echo %s 0; sleep 0.%d; echo %s 1", id, w.rand.IntN(3), id)
	resp, err := w.request(ctx, http.MethodPost, "/v1/commands", map[string]any{"command": text, "sandbox": w.box})
	refused := (*client.Error)(nil)
	switch {
	case errors.As(err, &refused):
		w.refused(id, "", refused)
		return
	case err != nil:
		w.c.tell(line{Op: opBroken, ID: id, Text: err.Error()})
		return
	}
	defer resp.Body.Close()
	w.lines(resp.Body, id, func(raw []byte) (wire.Event, error) {
		e, err := decodeCommand(raw)
		if e.Seq == 1 {
			w.c.tell(line{Op: opTaken, ID: id})
		}
		return e, err
	})
}

// decodeCommand makes of a command's event one of an execution, as far as is compared.
func decodeCommand(raw []byte) (wire.Event, error) {
	var e command.Event
	err := json.Unmarshal(raw, &e)
	out := wire.Event{Seq: e.Seq, Type: wire.EventType(e.Type), Text: e.Text, Value: string(raw)}
	if e.Type == command.EventEnd && e.Outcome != nil {
		out.Type, out.State, out.Status = wire.EventState, wire.StateDone, wire.Status(e.Status)
		out.Text = cmp.Or(e.Reason, e.Signal)
	}
	return out, err
}

// request sends one over HTTP; an error is a refusal or a connection that broke.
func (w *worker) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	url, _ := w.c.server()
	return request(ctx, url, w.c.Key, method, path, body)
}

func request(ctx context.Context, url, key, method, path string, body any) (*http.Response, error) {
	var raw []byte
	if body != nil {
		raw, _ = json.Marshal(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, url+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode < http.StatusBadRequest {
		return resp, err
	}
	defer resp.Body.Close()
	var a struct{ Error *client.Error }
	raw, _ = io.ReadAll(resp.Body)
	if json.Unmarshal(raw, &a) != nil || a.Error == nil {
		return nil, fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	a.Error.Status = resp.StatusCode
	return nil, a.Error
}
