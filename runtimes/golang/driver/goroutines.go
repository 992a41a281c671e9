package driver

import (
	"bytes"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// goroutines knows the goroutines that run user code, so that those which an
// interrupt could not end (they wait inside compiled code) end as soon as they
// come back.
type goroutines struct {
	dead atomic.Int32 // how many are to end

	mu      sync.Mutex
	running map[int64]bool // goroutine number to whether it is to end
	idle    chan struct{}  // closed when none is left, for whoever waits
}

func newGoroutines() *goroutines { return &goroutines{running: map[int64]bool{}} }

func (g *goroutines) start() {
	n := number()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running[n] = false
}

func (g *goroutines) end() {
	n := number()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running[n] {
		g.dead.Add(-1)
	}
	delete(g.running, n)
	if len(g.running) == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// none is closed once no goroutine of user code is left.
func (g *goroutines) none() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.running) == 0 {
		c := make(chan struct{})
		close(c)
		return c
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	return g.idle
}

// condemn has all that still run end when they come back to user code.
func (g *goroutines) condemn() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for n, dead := range g.running {
		if !dead {
			g.running[n] = true
			g.dead.Add(1)
		}
	}
}

// alive ends the calling goroutine if it was condemned.
func (g *goroutines) alive() {
	if g.dead.Load() == 0 {
		return
	}
	n := number()
	g.mu.Lock()
	dead := g.running[n]
	g.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
}

// number is the calling goroutine's, which only its stack trace tells.
func number() int64 {
	var buf [64]byte
	text := bytes.TrimPrefix(buf[:runtime.Stack(buf[:], false)], []byte("goroutine "))
	if i := bytes.IndexByte(text, ' '); i > 0 {
		text = text[:i]
	}
	n, _ := strconv.ParseInt(string(text), 10, 64)
	return n
}
