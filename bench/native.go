package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// shortMessage is the size up to which messages are decoded. What a cell of
// the benchmark says about itself is shorter, what it floods with is longer;
// the end of a flood can be at the end of a long message, so that the last
// bytes of each are looked at.
const shortMessage = 4 << 10

// native speaks hotcell's own protocol over one WebSocket.
type native struct {
	s  *socket
	id int
}

func newNative(ctx context.Context, s *server) (*native, error) {
	sock, err := dial(ctx, s.url+"/v1/ws", s.key)
	if err != nil {
		return nil, err
	}
	return &native{s: sock}, nil
}

// message is what the server says.
type message struct {
	Type   string
	ID     int
	Result json.RawMessage
	Error  *struct{ Code, Message string }
	Events []event
}

type event struct {
	Type, State, Status, Name, Value string
	Data                             map[string]json.RawMessage
}

// call sends a request and decodes its result.
func (n *native) call(request map[string]any, result any) error {
	n.id++
	request["id"] = n.id
	if err := n.s.send(request); err != nil {
		return err
	}
	for {
		raw, err := n.s.next()
		if err != nil {
			return fmt.Errorf("wait for an answer: %w", err)
		}
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			return fmt.Errorf("decode an answer: %w", err)
		}
		if m.Error != nil {
			return fmt.Errorf("%s: %s: %s", request["type"], m.Error.Code, m.Error.Message)
		}
		if m.Type != "reply" || m.ID != n.id {
			continue
		}
		if result == nil {
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("decode a result: %w", err)
		}
		return nil
	}
}

// kernel is a context as the server shows it.
type kernel struct {
	ID  string
	Pid int
}

func (n *native) create(language string) (kernel, error) {
	var k kernel
	err := n.call(map[string]any{"type": "create_context", "language": language}, &k)
	return k, err
}

func (n *native) remove(id string) error {
	return n.call(map[string]any{"type": "delete_context", "context": id}, nil)
}

// told is what one run said.
type told struct {
	took    time.Duration // to the event that ends it
	picture time.Duration // to the first image/png; 0: none came
	result  string        // text/plain of the value
	hashes  int
}

// run runs code on the open socket.
func (n *native) run(id, code string) (told, error) {
	var t told
	n.id++
	err := n.s.send(map[string]any{"id": n.id, "type": "execute", "context": id, "code": code})
	if err != nil {
		return t, err
	}
	sent := n.s.sent
	for {
		raw, err := n.s.next()
		if err != nil {
			return t, fmt.Errorf("follow a run: %w", err)
		}
		if t.hashes += bytes.Count(raw, []byte{'#'}); t.hashes > 0 && len(raw) > shortMessage {
			if !bytes.Contains(raw[len(raw)-shortMessage:], []byte(`"state":"done"`)) {
				continue // a flood is counted, not decoded
			}
		}
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			return t, fmt.Errorf("decode a message: %w", err)
		}
		over, err := t.take(m, n.s.got.Sub(sent))
		if over || err != nil {
			return t, err
		}
	}
}

// take adds a message that was there after so long, and reports whether it was the last.
func (t *told) take(m message, after time.Duration) (over bool, err error) {
	if m.Error != nil {
		return true, fmt.Errorf("%s: %s", m.Error.Code, m.Error.Message)
	}
	for _, e := range m.Events {
		switch {
		case e.Type == "error":
			return true, fmt.Errorf("the code failed: %s: %s", e.Name, e.Value)
		case e.Type == "display" && e.Data["image/png"] != nil && t.picture == 0:
			t.picture = after
		case e.Type == "result":
			if t.result, err = strconv.Unquote(string(e.Data["text/plain"])); err != nil {
				return true, fmt.Errorf("read the value %s: %w", e.Data["text/plain"], err)
			}
		case e.Type == "state" && e.State == "done":
			t.took = after
			if e.Status != "ok" {
				return true, fmt.Errorf("the run ended as %s", e.Status)
			}
			return true, nil
		}
	}
	return false, nil
}

func (n *native) close() { n.s.close() }
