package audit

import (
	"bytes"
	"log/slog"

	"hotcell/internal/activity"
)

// write takes what waits and writes it, until the queue is closed and empty.
func (l *Log) write() {
	defer close(l.done)
	w := writer{Log: l}
	for {
		items, closed := l.take()
		for _, i := range items {
			w.add(i)
		}
		w.flush()
		if closed && len(items) == 0 {
			return
		}
		if len(items) == 0 {
			<-l.wake
		}
	}
}

// take empties the queue.
func (l *Log) take() (items []item, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	items, l.queue, l.code = l.queue, nil, 0
	return items, l.closed
}

// writer is what write has of its own.
type writer struct {
	*Log
	buf   bytes.Buffer
	lines uint64 // in buf
	lost  uint64 // lines that could not be written, and were not announced yet
	torn  bool   // the file may end in the middle of a line
}

func (w *writer) add(i item) {
	if err := line(&w.buf, i); err != nil { // numbers and text: it can't
		w.cfg.Log.Error("an audit entry can't be encoded", slog.Any("error", err))
		return
	}
	if w.lines++; w.buf.Len() >= batch {
		w.flush()
	}
}

// flush writes what add has collected. That it can't be written, as on a full disk,
// costs these entries and nothing else: what they are about goes on.
func (w *writer) flush() {
	if w.lines == 0 {
		return
	}
	head := w.resume()
	n, err := w.out.Write(append(head, w.buf.Bytes()...))
	if err == nil {
		w.lost, w.torn = 0, false
		if len(head) > 0 {
			w.cfg.Log.Info("the audit log is written again")
		}
	} else {
		w.fail(err, n > 0)
	}
	w.buf.Reset()
	w.lines = 0
}

// resume is what goes before the first lines after a failure: the end of a line that
// was torn, and how many are missing.
func (w *writer) resume() []byte {
	if w.lost == 0 {
		return nil
	}
	var head bytes.Buffer
	if w.torn {
		head.WriteByte('\n')
	}
	_ = line(&head, item{ // it can be encoded as all others
		Record: activity.Record{Kind: kindAudit, Action: "write_failed", Began: w.cfg.Now()}, count: w.lost,
	})
	return head.Bytes()
}

func (w *writer) fail(err error, torn bool) {
	if w.lost == 0 {
		w.cfg.Log.Error("the audit log can't be written: its entries are lost, and counted; everything else goes on", slog.Any("error", err))
	}
	w.lost += w.lines
	w.torn = w.torn || torn
	w.mu.Lock()
	w.failed += w.lines
	w.mu.Unlock()
}
