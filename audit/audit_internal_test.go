package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/internal/activity"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// disk is a file on a disk that can be full, or not answer.
type disk struct {
	buf  bytes.Buffer
	full bool
	wait chan struct{} // nil: it answers
}

func (d *disk) Write(p []byte) (int, error) {
	if d.wait != nil {
		<-d.wait
	}
	if d.full {
		n, _ := d.buf.Write(p[:len(p)/2])
		return n, syscall.ENOSPC
	}
	return d.buf.Write(p)
}

// lines are the entries that are whole, and how many lines are not.
func (d *disk) lines(t *testing.T) (whole []map[string]any, torn int) {
	t.Helper()
	for line := range bytes.Lines(d.buf.Bytes()) {
		var e map[string]any
		if json.Unmarshal(line, &e) != nil {
			torn++
			continue
		}
		whole = append(whole, e)
	}
	return whole, torn
}

func openOn(t *testing.T, d *disk) *Log {
	t.Helper()
	l, err := Open(Config{Path: "-", Stderr: d})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func did(i int) activity.Record {
	return activity.Record{Kind: activity.Execution, Action: "run", ID: fmt.Sprint(i), Code: "secret"}
}

func TestOrderAndEnd(t *testing.T) {
	d := &disk{}
	l := openOn(t, d)
	const n = 5000
	for i := range n {
		l.Record(did(i))
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	lines, torn := d.lines(t)
	if torn > 0 || len(lines) != n+2 {
		t.Fatalf("%d lines, %d torn", len(lines), torn)
	}
	for i, e := range lines {
		if e["seq"] != float64(i+1) {
			t.Fatalf("%v is entry %d", e, i+1)
		}
	}
	if strings.Contains(d.buf.String(), "secret") {
		t.Error("code is in the log")
	}
	l.Record(did(0)) // too late, and harmless
}

// TestFullQueue: a disk that doesn't answer holds up nobody; what is lost is
// announced in its place.
func TestFullQueue(t *testing.T) {
	d := &disk{wait: make(chan struct{})}
	l := openOn(t, d)
	for i := range 3 * maxQueue {
		l.Record(did(i))
	}
	taken, dropped, _ := l.Counts()
	if taken != 3*maxQueue+1 || dropped < maxQueue {
		t.Fatalf("%d taken, %d dropped", taken, dropped)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("no patience"))
	if err := l.Close(ctx); err == nil || !strings.Contains(err.Error(), "no patience") {
		t.Errorf("%v", err)
	}
	close(d.wait)
	<-l.done
	lines, _ := d.lines(t)
	if got := uint64(len(lines)); got != taken-dropped {
		t.Errorf("%d lines of %d entries without %d", got, taken, dropped)
	}
}

// unopened is a log that nothing is written of but by the test.
func unopened(d *disk) *Log {
	return &Log{
		cfg: Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)},
		out: staysOpen{d}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
}

// TestDropsAreAnnounced: what found no room is named where it is missing.
func TestDropsAreAnnounced(t *testing.T) {
	l := unopened(&disk{})
	for i := range maxQueue + 7 {
		l.Record(did(i))
	}
	if items, _ := l.take(); len(items) != maxQueue {
		t.Fatalf("%d in the queue", len(items))
	}
	l.Record(did(-1))
	items, _ := l.take()
	if len(items) != 2 || items[0].Action != "dropped" || items[0].count != 7 || items[1].ID != "-1" {
		t.Errorf("%+v", items)
	}
	if items[1].seq != maxQueue+7+2 {
		t.Errorf("number %d", items[1].seq)
	}
}

// TestLongCode: the memory of what waits is bounded too.
func TestLongCode(t *testing.T) {
	l := unopened(&disk{})
	l.cfg.Code = true
	long := did(0)
	long.Code = strings.Repeat("x", maxQueueCode/2)
	for range 3 {
		l.Record(long)
	}
	if _, dropped, _ := l.Counts(); dropped != 1 {
		t.Errorf("%d dropped", dropped)
	}
}

// TestFullDisk: entries are lost and counted, the log goes on when there is room,
// and says how many are missing.
func TestFullDisk(t *testing.T) {
	d := &disk{full: true}
	w := writer{Log: unopened(d)}
	for i := range 10 {
		w.add(item{Record: did(i)})
	}
	w.flush()
	w.add(item{Record: did(10)})
	w.flush()
	d.full = false
	w.add(item{Record: did(11)})
	w.flush()
	if _, _, failed := w.Counts(); failed != 11 {
		t.Errorf("%d failed", failed)
	}
	lines, torn := d.lines(t)
	if torn == 0 {
		t.Error("nothing was torn")
	}
	last := lines[len(lines)-2:]
	if last[0]["action"] != "write_failed" || last[0]["count"] != 11.0 || last[1]["id"] != "11" {
		t.Errorf("%v", last)
	}
}

func TestFileAndRotation(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "audit.log")
	if err := os.WriteFile(path, []byte("{}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	l, err := Open(Config{Path: path, Size: 1, Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	long := did(0)
	long.Detail = strings.Repeat("x", maxWords)
	for range 1000 { // 4 MB
		l.Record(long)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v %v", files, err)
	}
	for _, f := range files {
		st, err := os.Stat(f)
		if err != nil || st.Mode().Perm() != 0o600 || st.Size() > 1<<20 {
			t.Errorf("%s: %v, %d bytes, %v", f, st.Mode(), st.Size(), err)
		}
	}
}

func TestPathsThatAreRefused(t *testing.T) {
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "no", "where"), "/dev/null"} {
		if l, err := Open(Config{Path: path}); err == nil {
			t.Errorf("%s was opened", path)
			_ = l.Close(t.Context())
		}
	}
}
