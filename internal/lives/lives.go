// Package lives tells a server about the one before it in the same data directory:
// how that ended, and what it had. What a server notes here outlives it, however it
// ends; the machine has to live on.
//
// The package has no goroutines.
package lives

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"hotcell/internal/child"
)

// recordName is the file about the server itself.
const recordName = "server.json"

// record is about one server.
type record struct {
	Kin     child.Kin `json:"kin"`
	Started time.Time `json:"started"`
	Stopped time.Time `json:"stopped,omitzero"` // in good order
}

// Life is this server's.
type Life struct {
	dir    string
	record record
	before *End
}

// End is how the server before this one ended.
type End struct {
	Stopped time.Time `json:"stopped,omitzero"` // in good order; zero: it died
	Seen    time.Time `json:"seen,omitzero"`    // the last sign of life of one that died
	Again   time.Time `json:"again"`            // when the next server started
}

// Died reports whether it had no time to end anything.
func (e End) Died() bool { return e.Stopped.IsZero() }

// At is when it ended, as well as is known.
func (e End) At() time.Time {
	switch {
	case !e.Died():
		return e.Stopped
	case !e.Seen.IsZero():
		return e.Seen
	default:
		return e.Again
	}
}

// Reason is the end in one word, for programs.
func (e End) Reason() string {
	if e.Died() {
		return "server_died"
	}
	return "shutdown"
}

// Words are the end for people: "the server died between … and …".
func (e End) Words() string {
	switch {
	case !e.Died():
		return fmt.Sprintf("the server was shut down at %s and started again at %s", stamp(e.Stopped), stamp(e.Again))
	case e.Seen.IsZero():
		return fmt.Sprintf("the server died, and was started again at %s", stamp(e.Again))
	default:
		return fmt.Sprintf("the server died, at %s or later, and was started again at %s", stamp(e.Seen), stamp(e.Again))
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// Begin reads what the server before this one has left in dir, ends its processes,
// and notes that this one lives. Nobody else may use dir until Finish.
func Begin(dir string, now time.Time, log *slog.Logger) (*Life, error) {
	l := &Life{dir: dir, record: record{Kin: child.OwnKin(), Started: now}}
	path := filepath.Join(dir, recordName)
	raw, err := os.ReadFile(path)
	var old record
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("read what the server before has left: %w", err)
	case json.Unmarshal(raw, &old) != nil:
		log.Error("the record of the server before cannot be read and was set aside: processes of that may be left",
			slog.String("file", path), slog.Any("error", os.Rename(path, path+badName)))
		l.before = &End{Again: now}
	default:
		l.before = &End{Stopped: old.Stopped, Again: now}
		l.Seen(old.Started)
		if n := child.EndKin(old.Kin); n > 0 {
			log.Warn("processes that the server before has left were killed", slog.Int("processes", n))
		}
	}
	return l, l.save()
}

// Before is how the server before this one ended; nil: there was none.
func (l *Life) Before() *End { return l.before }

// Seen says that the server before still lived at a time.
func (l *Life) Seen(at time.Time) {
	if l.before != nil && at.After(l.before.Seen) && at.Before(l.before.Again) {
		l.before.Seen = at
	}
}

// Finish notes that this server has ended in good order.
func (l *Life) Finish(now time.Time) error {
	l.record.Stopped = now
	return l.save()
}

func (l *Life) save() error {
	raw, err := json.Marshal(l.record)
	if err == nil {
		err = replace(filepath.Join(l.dir, recordName), raw)
	}
	if err != nil {
		return fmt.Errorf("note that the server lives: %w", err)
	}
	return nil
}

// replace makes a file appear complete or not at all.
func replace(path string, raw []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}
