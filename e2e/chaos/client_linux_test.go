package chaos_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"hotcell/handlers/native/client"
)

// clientVar makes this binary a client instead of a test.
const clientVar = "HOTCELL_CHAOS_CLIENT"

// order is what a client is told by the test, a line each. The first has all of it.
type order struct {
	Name    string              `json:"name,omitempty"`
	Key     string              `json:"key,omitempty"`
	URL     string              `json:"url,omitempty"` // of the server, or the one after it
	Seed    uint64              `json:"seed,omitempty"`
	Workers []map[string]string `json:"workers,omitempty"` // the contexts of each, by language
	Boxes   []string            `json:"boxes,omitempty"`   // sandboxes
	Calm    bool                `json:"calm,omitempty"`    // nothing that takes much of the disk or of descriptors
	Only    string              `json:"only,omitempty"`    // the one language that there is; empty: all are
	Stop    bool                `json:"stop,omitempty"`    // nothing new; what was begun is seen to its end
}

// crowdClient is a process that has a server do things, and tells each on its output.
type crowdClient struct {
	order

	telling sync.Mutex
	out     *json.Encoder

	mu      sync.Mutex
	url     string
	changed chan struct{} // closed when the url is another
	stop    chan struct{}
}

// clientMain is the process. It ends when it was told to stop, or when the test has.
func clientMain() int {
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	c := &crowdClient{out: json.NewEncoder(os.Stdout), changed: make(chan struct{}), stop: make(chan struct{})}
	if in.Decode(&c.order) != nil {
		return 2
	}
	c.url = c.URL
	ctx, cancel := context.WithCancel(context.Background())
	go func() { // ends with the process
		defer cancel()
		for {
			var o order
			if in.Decode(&o) != nil {
				return
			}
			c.obey(o)
		}
	}()
	var wg sync.WaitGroup
	for i, contexts := range c.Workers {
		w := &worker{
			c: c, index: i, name: fmt.Sprintf("%s.%d", c.Name, i), contexts: contexts,
			rand: rand.New(rand.NewPCG(c.Seed, uint64(i))), box: c.Boxes[i%len(c.Boxes)],
		}
		wg.Go(func() { w.live(ctx) })
	}
	wg.Wait()
	return 0
}

func (c *crowdClient) obey(o order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if o.URL != "" && o.URL != c.url {
		c.url = o.URL
		close(c.changed)
		c.changed = make(chan struct{})
	}
	if o.Stop {
		close(c.stop)
	}
}

func (c *crowdClient) server() (url string, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.url, c.changed
}

func (c *crowdClient) stopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

// tell writes a line to the test, whole.
func (c *crowdClient) tell(m line) {
	m.At = time.Now()
	c.telling.Lock()
	err := c.out.Encode(m)
	c.telling.Unlock()
	if err != nil {
		os.Exit(3) // there is no test any more
	}
}

// patience is only reached when something is broken.
const patience = 90 * time.Second

// again is how long a client waits when a server that is there doesn't let it in.
const again = 100 * time.Millisecond

// worker does one thing after another.
type worker struct {
	c        *crowdClient
	index    int
	name     string
	box      string            // its sandbox
	contexts map[string]string // by language
	rand     *rand.Rand
	number   int
	conn     *client.Client
	at       string // the url of conn
}

func (w *worker) live(ctx context.Context) {
	for !w.c.stopping() && ctx.Err() == nil {
		if w.connect(ctx) {
			w.act(ctx)
		}
	}
	if w.conn != nil {
		w.conn.Close()
	}
}

// connect sees to a connection that lives, as far as is known.
func (w *worker) connect(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		url, changed := w.c.server()
		if w.conn != nil {
			select {
			case <-w.conn.Done():
				w.conn.Close()
				w.conn = nil
			default:
				if w.at == url {
					return true
				}
				w.conn.Close()
			}
		}
		conn, err := client.Dial(ctx, url, w.c.Key)
		if err == nil {
			w.conn, w.at = conn, url
			return true
		}
		w.conn = nil
		if refused := (*client.Error)(nil); errors.As(err, &refused) {
			w.c.tell(line{Op: opNo, Deed: "dial", Code: refused.Code, Text: refused.Message})
		}
		select {
		case <-changed:
		case <-time.After(again): // for one that is out of descriptors, or starts
		case <-ctx.Done():
			w.c.tell(line{Op: opStuck, Deed: "dial", Text: err.Error()})
			return false
		}
	}
}

// context returns the worker's own context of a language, making it if need be.
func (w *worker) context(ctx context.Context, language string) (string, bool) {
	if id := w.contexts[language]; id != "" {
		return id, true
	}
	id, ok := w.newContext(ctx, language)
	if ok {
		w.contexts[language] = id
		w.c.tell(line{Op: opKeep, Context: id, Language: language, N: w.index})
	}
	return id, ok
}

func (w *worker) newContext(ctx context.Context, language string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var made struct{ ID string }
	err := w.conn.Call(ctx, map[string]any{"type": "create_context", "language": language, "sandbox": w.box}, &made)
	if err != nil {
		w.failed(ctx, "create", "", err)
		return "", false
	}
	w.c.tell(line{Op: opContext, Context: made.ID, Language: language})
	return made.ID, true
}

// failed tells of a request that is no execution.
func (w *worker) failed(ctx context.Context, deed, id string, err error) {
	refused := (*client.Error)(nil)
	switch {
	case errors.As(err, &refused):
		w.c.tell(line{Op: opNo, Deed: deed, ID: id, Code: refused.Code, Text: refused.Message})
		if suspicious(refused.Code) {
			w.c.tell(line{Op: opWrong, Deed: deed, ID: id, Code: refused.Code, Text: refused.Code + ": " + refused.Message})
		}
	case ctx.Err() != nil:
		w.c.tell(line{Op: opStuck, Deed: deed, ID: id, Text: err.Error()})
		w.conn.Drop()
	}
}

// suspicious are refusals that say that the server doesn't know what happened.
func suspicious(code string) bool { return code == "INTERNAL_SERVER_ERROR" }

// forget gives a context up that is gone.
func (w *worker) forget(id string) {
	for language, mine := range w.contexts {
		if mine == id {
			delete(w.contexts, language)
		}
	}
	if id != "" {
		w.c.tell(line{Op: opForget, Context: id})
	}
}

// next chooses an id.
func (w *worker) next() string {
	w.number++
	return fmt.Sprintf("%s.%d", w.name, w.number)
}

// follow sees an execution to its end, over as many connections as it takes.
func (w *worker) follow(ctx context.Context, r *client.Run, d *deed) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	wished, last := false, uint64(0)
	for {
		es, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return
		}
		if err == nil {
			w.c.tell(line{Op: opSeen, ID: r.ID, Events: es})
			last = es[len(es)-1].Seq
			wished = w.answer(ctx, r, d, last, wished)
			if w.rand.IntN(40) == 0 {
				w.conn.Drop() // as a network that breaks
			}
			continue
		}
		if ctx.Err() != nil {
			w.c.tell(line{Op: opStuck, Deed: "follow " + d.name, ID: r.ID, Text: err.Error()})
			return
		}
		if refused := (*client.Error)(nil); errors.As(err, &refused) {
			w.c.tell(line{Op: opWrong, Deed: "follow", ID: r.ID, Text: refused.Code + ": " + refused.Message})
			return
		}
		if r = w.attach(ctx, r.ID, last+1); r == nil {
			return
		}
	}
}

// answer does what a client does to an execution that runs.
func (w *worker) answer(ctx context.Context, r *client.Run, d *deed, last uint64, wished bool) bool {
	switch {
	case wished || last < 2:
		return wished
	case d.wish:
		w.c.tell(line{Op: opWish, ID: r.ID})
		_ = r.Interrupt(ctx) // it may have ended
	case d.stdin:
		if err := r.Reply(ctx, r.ID, false); err != nil {
			return false // it hasn't asked yet
		}
	default:
		return false
	}
	return true
}

// attach goes on with an execution that was accepted.
func (w *worker) attach(ctx context.Context, id string, from uint64) *client.Run {
	for w.connect(ctx) {
		r, err := w.conn.Attach(ctx, id, from)
		if err == nil {
			return r
		}
		refused := (*client.Error)(nil)
		if errors.As(err, &refused) && refused.Code != "ALREADY_ATTACHED" && refused.Status < 500 && refused.Status != 429 {
			w.c.tell(line{Op: opWrong, Deed: "attach", ID: id, Text: refused.Code + ": " + refused.Message})
			return nil
		}
		if ctx.Err() != nil {
			w.c.tell(line{Op: opStuck, Deed: "attach", ID: id, Text: err.Error()})
			return nil
		}
		w.conn.Drop()
	}
	return nil
}
