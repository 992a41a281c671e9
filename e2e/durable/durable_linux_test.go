// Package durable_test kills servers, starts them again, and asks what became of
// everything.
package durable_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
	"hotcell/internal/wire"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// patience is only reached when something is broken.
const patience = 3 * time.Minute

func inTime(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func dial(t *testing.T, p *program.Program) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), p.URL, p.Key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ask sends a request and decodes the answer, whatever its status.
func ask(t *testing.T, p *program.Program, method, path string, body, answer any) (status int) {
	t.Helper()
	var raw []byte
	var err error
	if body != nil {
		if raw, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, p.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+p.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, ok := answer.(*string); ok {
		*text = string(raw)
	} else if answer != nil {
		if err := json.Unmarshal(raw, answer); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, raw)
		}
	}
	return resp.StatusCode
}

// fault is an answer that says what is wrong, in the words of either dialect.
type fault struct{ Code, Message string }

// UnmarshalJSON reads ours, in a member "error", and Daytona's.
func (f *fault) UnmarshalJSON(raw []byte) error {
	var ours struct{ Error json.RawMessage }
	type plain fault
	if err := json.Unmarshal(raw, &ours); err != nil {
		return err
	}
	if len(ours.Error) > 0 && ours.Error[0] == '{' {
		raw = ours.Error
	}
	return json.Unmarshal(raw, (*plain)(f))
}

// open makes a context.
func open(t *testing.T, c *client.Client) string {
	t.Helper()
	var made struct{ ID string }
	if err := c.Call(t.Context(), map[string]any{"type": "create_context", "language": "python"}, &made); err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// follow takes events of a run until enough says so, or to its end.
func follow(ctx context.Context, r *client.Run, enough func([]wire.Event) bool) (seen []wire.Event, err error) {
	for enough == nil || !enough(seen) {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return seen, nil
		}
		if err != nil {
			return seen, err
		}
		seen = append(seen, es...)
	}
	return seen, nil
}

// whole wants the numbers from 1 on without a gap, and done at the end.
func whole(t *testing.T, what string, all []wire.Event) {
	t.Helper()
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			t.Errorf("%s: event %d has the number %d", what, i+1, e.Seq)
			return
		}
	}
	if len(all) == 0 || all[len(all)-1].State != wire.StateDone {
		t.Errorf("%s: it does not end with done", what)
	}
}

// again reads an execution from an event on.
func again(t *testing.T, c *client.Client, id string, from uint64) []wire.Event {
	t.Helper()
	r, err := c.Attach(t.Context(), id, from)
	if err != nil {
		t.Fatalf("attach to %s: %v", id, err)
	}
	all, err := follow(inTime(t), r, nil)
	if err != nil {
		t.Fatalf("follow %s: %v", id, err)
	}
	return all
}

// same wants what was seen to be the beginning of what is there.
func same(t *testing.T, what string, seen, there []wire.Event) {
	t.Helper()
	if len(there) < len(seen) {
		t.Errorf("%s: %d events were seen, %d are there", what, len(seen), len(there))
		return
	}
	if diff := cmp.Diff(seen, there[:len(seen)]); diff != "" && len(seen) > 0 {
		t.Errorf("%s: what was seen is another now: %s", what, diff)
	}
}
