// Package audit keeps a log of what clients had done: one line of JSON for each
// record of package activity, in the order in which they came. It never holds up
// who reports: records wait in a bounded queue, and what finds no room there, or
// can't be written, is counted and announced in the log itself.
//
// Ownership: a [Log] owns its file and one goroutine, which writes; Close joins it,
// after everything that was reported has been written.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"

	"hotcell/internal/activity"
)

const (
	// maxQueue is how many records may wait: a few seconds of more than any machine
	// does. With maxQueueCode it bounds their memory.
	maxQueue = 16 << 10
	// maxQueueCode is how many bytes of code they may have together.
	maxQueueCode = 64 << 20
	// batch is about how much is written at once.
	batch = 32 << 10
)

// Config says where the log goes and what it has.
type Config struct {
	// Path is the file, which is made if it isn't there; - is Stderr.
	Path   string
	Stderr io.Writer
	// Size is at how many MiB the file is set aside, under a name with the time, and
	// another begun; 0 is 100. Keep is how many of those are kept; 0 is all.
	Size, Keep int
	// Code adds the SHA-256 of what was run, and its text up to a bound.
	Code bool
	// Version is what the first entry says about the server.
	Version string
	Now     func() time.Time
	Log     *slog.Logger
}

// Log is an open audit log.
type Log struct {
	cfg  Config
	out  io.WriteCloser
	wake chan struct{} // of capacity 1
	done chan struct{} // closed when the goroutine has ended

	mu      sync.Mutex
	queue   []item
	code    int    // bytes of it in queue
	gap     uint64 // records that found no room, since the last that did
	seq     uint64
	taken   uint64
	dropped uint64
	failed  uint64
	closed  bool
}

// item is a record in the queue, or a number of records that are not.
type item struct {
	activity.Record
	seq   uint64
	count uint64 // of lost records, in an entry that says so
}

// Open opens the log, and writes that it did.
func Open(cfg Config) (*Log, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	l := &Log{cfg: cfg, wake: make(chan struct{}, 1), done: make(chan struct{})}
	if cfg.Path == "-" {
		l.out = staysOpen{cfg.Stderr}
	} else {
		if err := prepare(cfg.Path); err != nil {
			return nil, fmt.Errorf("open the audit log: %w", err)
		}
		l.out = &timberjack.Logger{Filename: cfg.Path, MaxSize: cfg.Size, MaxBackups: cfg.Keep, FileMode: fileMode}
	}
	l.Record(activity.Record{Kind: kindAudit, Action: "open", Detail: cfg.Version})
	// Ends when Close has closed the queue and everything in it is written.
	go l.write()
	return l, nil
}

// fileMode is for the server's user alone: entries name files and addresses.
const fileMode = 0o600

// prepare looks whether the file can be written, before anything depends on it.
func prepare(path string) error {
	if dir := filepath.Dir(path); !isDir(dir) {
		return fmt.Errorf("%s is no directory: make it first", dir)
	}
	if st, err := os.Stat(path); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("%s is not a regular file (- writes to standard error)", path)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(fileMode), f.Close())
}

func isDir(path string) bool {
	st, err := os.Stat(path)
	return err == nil && st.IsDir()
}

// staysOpen is somebody else's writer.
type staysOpen struct{ io.Writer }

func (staysOpen) Close() error { return nil }

// Record takes a record, and never waits.
func (l *Log) Record(r activity.Record) {
	if !l.cfg.Code {
		r.Code = ""
	}
	if r.Began.IsZero() {
		r.Began = l.cfg.Now()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return // nothing runs any more; see Close
	}
	l.taken++
	l.seq++ // of lost ones too, so that whoever reads sees the gap
	if len(l.queue) >= maxQueue || len(l.queue) > 0 && l.code+len(r.Code) > maxQueueCode {
		if l.gap++; l.gap == 1 {
			l.cfg.Log.Error("the audit log is not written fast enough, its queue is full: entries are lost, and counted")
		}
		l.dropped++
		return
	}
	if l.gap > 0 {
		l.queue = append(l.queue, item{
			Record: activity.Record{Kind: kindAudit, Action: "dropped", Began: l.cfg.Now()}, seq: l.seq, count: l.gap,
		})
		l.gap = 0
		l.seq++
	}
	l.queue = append(l.queue, item{Record: r, seq: l.seq})
	l.code += len(r.Code)
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Counts is how many records came, how many found no room in the queue, and how many
// could not be written.
func (l *Log) Counts() (taken, dropped, failed uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.taken, l.dropped, l.failed
}

// Close writes what waits, and closes the file. It is for the end, when nothing is
// done any more that would be recorded. It may be called on nil.
func (l *Log) Close(ctx context.Context) error {
	if l == nil {
		return nil
	}
	l.Record(activity.Record{Kind: kindAudit, Action: "close"})
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	select {
	case <-l.done:
	case <-ctx.Done():
		return fmt.Errorf("write the rest of the audit log: %w", context.Cause(ctx))
	}
	return l.out.Close()
}
