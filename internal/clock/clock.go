// Package clock tells that the machine's clock was set. Timers don't hear of that, since
// they count the time that passes: what ends at a moment that the clock names has to be
// looked at again.
//
// Goroutines: one for each [Watcher], which Close joins.
package clock

import "sync"

// Watcher watches the clock.
type Watcher struct {
	stop func()
	wg   sync.WaitGroup
}

// Close ends the watch. A nil one has ended.
func (w *Watcher) Close() {
	if w == nil {
		return
	}
	w.stop()
	w.wg.Wait()
}
