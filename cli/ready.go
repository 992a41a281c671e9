package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"hotcell/handlers"
)

const (
	// probeFresh is how long the answer about the disk counts: probes come about
	// once a second, and need no key.
	probeFresh = time.Second
	// probeLimit is what a disk is given to take a byte. A probe that waits longer is
	// given up by whoever sent it.
	probeLimit = 500 * time.Millisecond
)

// ready says what is there to take work. Nothing in it names a path: no key is asked
// for.
func (e *engine) ready() map[string]handlers.Check {
	checks := map[string]handlers.Check{
		"serving":        {OK: true},
		"data_directory": e.probe.writable(),
	}
	if e.probe.ending.Load() {
		checks["serving"] = handlers.Check{Reason: "the server is shutting down"}
	}
	checks["runtimes"], checks["kernels"] = e.runtimesReady()
	return checks
}

// runtimesReady is about the languages: at least one can be used, the first kernels
// of all that can are parked, and those of one at least could be started.
func (e *engine) runtimesReady() (usable, parked handlers.Check) {
	var missing, waiting []string
	for _, r := range e.table.All() {
		if info := r.Info(); info.Fault != "" {
			missing = append(missing, info.Name)
		}
	}
	ready := e.contexts.Ready()
	usable.OK = len(ready) > 0
	for _, name := range slices.Sorted(maps.Keys(ready)) {
		if err := ready[name]; err != nil {
			waiting = append(waiting, name)
		} else {
			parked.OK = true
		}
	}
	if len(missing) > 0 {
		usable.Reason = "not available: " + strings.Join(missing, ", ") + "; the log says why"
	}
	if e.contexts.Parking() {
		parked = handlers.Check{Reason: "the first kernels are being started: " + strings.Join(waiting, ", ")}
	} else if len(waiting) > 0 {
		parked.Reason = "kernels could not be started: " + strings.Join(waiting, ", ") + "; the log says why"
	}
	return usable, parked
}

// probe looks whether the data directory takes data.
//
// Goroutines: at most one, which ends when the disk has answered.
type probe struct {
	dir    string
	ending atomic.Bool // the server is

	mu      sync.Mutex
	last    handlers.Check
	until   time.Time     // when last is too old
	running chan struct{} // closed when the look under way is over; nil: none is
}

func (p *probe) writable() handlers.Check {
	p.mu.Lock()
	if p.running == nil && time.Now().Before(p.until) {
		defer p.mu.Unlock()
		return p.last
	}
	if p.running == nil {
		p.running = make(chan struct{})
		go p.look()
	}
	running := p.running
	p.mu.Unlock()
	limit := time.NewTimer(probeLimit)
	defer limit.Stop()
	select {
	case <-running:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.last
	case <-limit.C:
		return handlers.Check{Reason: fmt.Sprintf("the disk has not taken a byte within %s", probeLimit)}
	}
}

// look writes a file and removes it.
func (p *probe) look() {
	err := writeByte(p.dir)
	check := handlers.Check{OK: err == nil}
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		check.Reason = "it can't be written: " + err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last, p.until = check, time.Now().Add(probeFresh)
	close(p.running)
	p.running = nil
}

func writeByte(dir string) error {
	f, err := os.CreateTemp(dir, ".ready-*")
	if err != nil {
		return err
	}
	_, err = f.WriteString("\n")
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
