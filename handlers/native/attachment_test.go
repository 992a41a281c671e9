package native_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/internal/wire"
)

// rawContext makes a context and returns its id.
func rawContext(c raw) string {
	c.tb.Helper()
	c.send(`{"id":"c","type":"create_context","language":"python"}`)
	var made struct{ ID string }
	if err := json.Unmarshal(c.receive("reply").Result, &made); err != nil {
		c.tb.Fatal(err)
	}
	return made.ID
}

// Neither the answer to a request nor the first event waits for an execution that
// takes its time, nor the answer for one that has to wait for its turn.
func TestAnswersDontWait(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	c.send(`{"id":1,"type":"execute","execution":"long","code":"import time\nwhile True: time.sleep(0.01)"}`)
	c.send(`{"id":2,"type":"execute","execution":"next","code":"print('never')"}`)
	running := false
	for answered := 0; answered < 2 || !running; {
		m := c.receive("")
		if m.Type == "reply" {
			answered++
		}
		for _, e := range m.Events {
			running = running || m.Execution == "long" && e.State == wire.StateRunning
		}
	}
	c.send(`{"id":3,"type":"interrupt","execution":"next"}`)
	c.send(`{"id":4,"type":"interrupt","execution":"long"}`)
	ended := map[string]wire.Status{}
	for len(ended) < 2 {
		m := c.receive("")
		for _, e := range m.Events {
			if e.State == wire.StateDone {
				ended[m.Execution] = e.Status
			}
		}
	}
	if ended["long"] != wire.StatusInterrupted || ended["next"] != wire.StatusCancelled {
		t.Errorf("they ended as %v", ended)
	}
}

// However many short executions follow each other, each is answered before its
// first event, and its events come in order, each once.
func TestShortOnes(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	id := rawContext(c)
	const count = 200 // fewer than may wait
	for i := range count {
		// Some are over at once, some in a moment, some send more than goes at once.
		code := []string{"1+1", "import time; time.sleep(0.002)", "'x' * 20_000", "print('a'); 2", "1/0"}[i%5]
		c.send(fmt.Sprintf(`{"id":%d,"type":"execute","context":%q,"execution":"e%d","code":%q}`, i, id, i, code))
	}
	answered, seen, done := map[string]bool{}, map[string]uint64{}, 0
	for done < count {
		m := c.receive("")
		if m.Type == "reply" {
			var x struct{ ID string }
			if err := json.Unmarshal(m.Result, &x); err != nil {
				t.Fatal(err)
			}
			answered[x.ID] = true
		}
		for _, e := range m.Events {
			if !answered[m.Execution] {
				t.Fatalf("an event of %s before the answer", m.Execution)
			}
			if seen[m.Execution]++; e.Seq != seen[m.Execution] {
				t.Fatalf("event %d of %s in the place of %d", e.Seq, m.Execution, seen[m.Execution])
			}
			if e.State == wire.StateDone {
				done++
			}
		}
	}
}

// Somebody who detaches at once is answered, and may attach again then.
func TestDetachAtOnce(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	id := rawContext(c)
	for i := range 60 {
		code := []string{"1+1", "import time; time.sleep(0.003)"}[i%2]
		c.send(fmt.Sprintf(`{"id":1,"type":"execute","context":%q,"execution":"x%d","code":%q}`, id, i, code))
		c.send(fmt.Sprintf(`{"id":2,"type":"detach","execution":"x%d"}`, i))
		for answers := 0; answers < 2; {
			switch m := c.receive(""); m.Type {
			case "reply":
				answers++
			case "error":
				if answers++; m.Error.Code != "NOT_ATTACHED" { // it was over already
					t.Fatalf("%+v", m.Error)
				}
			}
		}
		c.send(fmt.Sprintf(`{"id":3,"type":"attach","execution":"x%d"}`, i))
		c.receive("reply")
		for done := false; !done; {
			for _, e := range c.receive("events").Events {
				done = done || e.State == wire.StateDone
			}
		}
	}
}

// A long execution right behind one that ends at the moment at which the socket
// looks after what takes longer is not forgotten.
func TestLongBehindShort(t *testing.T) {
	t.Parallel()
	c := dialRaw(t, testserver.Start(t))
	id := rawContext(c)
	until := func(execution string, state wire.State) {
		for {
			m := c.receive("")
			for _, e := range m.Events {
				if m.Execution == execution && e.State == state {
					return
				}
			}
		}
	}
	for i := range 300 {
		short, long := fmt.Sprintf("s%d", i), fmt.Sprintf("l%d", i)
		c.send(fmt.Sprintf(`{"type":"execute","context":%q,"execution":%q,"code":"import time; time.sleep(%d / 20_000)"}`, id, short, i%20))
		until(short, wire.StateDone)
		c.send(fmt.Sprintf(`{"type":"execute","context":%q,"execution":%q,"code":"while True: pass"}`, id, long))
		until(long, wire.StateRunning)
		c.send(fmt.Sprintf(`{"type":"interrupt","execution":%q}`, long))
		until(long, wire.StateDone)
	}
}
