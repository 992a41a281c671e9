package stream_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hotcell/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record is a number with some weight.
type record struct {
	n      uint64
	weight int
}

type codec struct{ fail bool }

func (codec) Size(r record) int { return r.weight }

func (c codec) Append(dst []byte, r record) ([]byte, error) {
	if c.fail {
		return nil, errors.New("no")
	}
	dst = binary.BigEndian.AppendUint64(dst, r.n)
	return append(dst, make([]byte, r.weight)...), nil
}

func (codec) Decode(src []byte) (record, error) {
	return record{n: binary.BigEndian.Uint64(src), weight: len(src) - 8}, nil
}

func newLog(t *testing.T, memory int, disk int64) *stream.Log[record] {
	t.Helper()
	return logIn(t, journal(t, t.TempDir(), stream.JournalOptions{}), "log", stream.Options{Memory: memory, Disk: disk})
}

// journal opens one that is closed with the test.
func journal(t *testing.T, dir string, o stream.JournalOptions) *stream.Journal {
	t.Helper()
	j, err := stream.OpenJournal(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.Close)
	return j
}

// logIn makes a log of the group "g".
func logIn(t *testing.T, j *stream.Journal, id string, o stream.Options) *stream.Log[record] {
	t.Helper()
	return logOf(t, j, "g", id, o)
}

func logOf(t *testing.T, j *stream.Journal, group, id string, o stream.Options) *stream.Log[record] {
	t.Helper()
	tape, err := j.Create(stream.Meta{Kind: "test", ID: id, Group: group, Created: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return stream.New(codec{}, tape, o)
}

func add(t *testing.T, l *stream.Log[record], n, weight int) {
	t.Helper()
	for range n {
		if _, err := l.Append(func(seq uint64) record { return record{seq, weight} }); err != nil {
			t.Fatal(err)
		}
	}
}

// check reads from a number to the end and wants every number once.
func check(t *testing.T, l *stream.Log[record], from, to uint64) {
	t.Helper()
	r, want := l.Reader(from), max(from, 1)
	for {
		es, err := r.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Errorf("at %d: %v", want, err)
			return
		}
		for _, e := range es {
			if e.n != want {
				t.Errorf("got %d, want %d", e.n, want)
				return
			}
			want++
		}
	}
	if want != to+1 {
		t.Errorf("ended at %d, want %d", want-1, to)
	}
}

func TestReplayFromAnywhere(t *testing.T) {
	t.Parallel()
	l := newLog(t, 10_000, 0) // of 1 MB, so nearly all lies on disk
	add(t, l, 10_000, 100)
	l.Close()
	if memory := l.InMemory(); memory > 10_000 {
		t.Errorf("%d in memory", memory)
	}
	for _, from := range []uint64{0, 1, 2, 77, 4999, 5000, 9_900, 9_999, 10_000} {
		check(t, l, from, 10_000)
	}
	if _, err := l.Reader(10_001).Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("past the end: %v", err)
	}
	l.Settle(0)
	check(t, l, 1, 10_000)
	l.Discard()
	if _, err := l.Reader(1).Next(t.Context()); !errors.Is(err, stream.ErrDiscarded) {
		t.Errorf("discarded: %v", err)
	}
}

func TestReadersFollowAtTheirOwnPace(t *testing.T) {
	t.Parallel()
	l := newLog(t, 5_000, 0)
	const n = 20_000
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { check(t, l, 1, n) })
	}
	slow := l.Reader(1)
	add(t, l, n, 50) // nobody reads slow meanwhile
	l.Close()
	wg.Wait()
	seen := 0
	for {
		es, err := slow.Next(t.Context())
		if err != nil {
			break
		}
		seen += len(es)
	}
	if seen != n {
		t.Errorf("the slow reader saw %d", seen)
	}
	l.Discard()
}

func TestNextWaits(t *testing.T) {
	t.Parallel()
	l := newLog(t, 0, 0)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
	defer cancel()
	if _, err := l.Reader(1).Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	got := make(chan []record)
	go func() {
		es, _ := l.Reader(1).Next(context.Background())
		got <- es
	}()
	add(t, l, 1, 1)
	if es := <-got; len(es) != 1 || es[0].n != 1 {
		t.Errorf("%v", es)
	}
	l.Close()
	if _, err := l.Append(func(uint64) record { return record{} }); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("append after close: %v", err)
	}
}

func TestDiscardWaitsForItsReaders(t *testing.T) {
	t.Parallel()
	l := newLog(t, 1_000, 0)
	add(t, l, 100, 50)
	slow, gone := l.Reader(1), l.Reader(1)
	l.Close()
	l.Discard()
	gone.Close()
	gone.Close()
	seen := 0
	for {
		es, err := slow.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		seen += len(es)
	}
	if memory := l.InMemory(); seen != 100 || memory != 0 {
		t.Errorf("saw %d; %d bytes are kept", seen, memory)
	}
	if _, err := slow.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("the end, again: %v", err)
	}
	if _, err := l.Reader(1).Next(t.Context()); !errors.Is(err, stream.ErrDiscarded) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestFull(t *testing.T) {
	t.Parallel()
	l := newLog(t, 1_000, 5_000)
	var err error
	n := uint64(0)
	for err == nil {
		n, err = l.Append(func(seq uint64) record { return record{seq, 100} })
	}
	if !errors.Is(err, stream.ErrFull) {
		t.Errorf("%v", err)
	}
	l.Close()
	check(t, l, 1, n) // what was refused the next is still there itself
	l.Discard()
}

func TestWhatCannotBeEncodedIsInMemory(t *testing.T) {
	t.Parallel()
	tape, err := journal(t, t.TempDir(), stream.JournalOptions{}).Create(stream.Meta{Kind: "test", ID: "1", Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	l := stream.New(codec{fail: true}, tape, stream.Options{Memory: 100})
	for range 5 {
		if _, err := l.Append(func(seq uint64) record { return record{seq, 50} }); err == nil {
			t.Error("no error")
		}
	}
	l.Close()
	check(t, l, 1, 5)
}

func TestLogsShareAJournal(t *testing.T) {
	t.Parallel()
	for name, j := range map[string]*stream.Journal{
		"with names":    journal(t, t.TempDir(), stream.JournalOptions{}),
		"without names": stream.NewJournal(t.TempDir(), stream.JournalOptions{}),
	} {
		t.Cleanup(j.Close)
		var logs []*stream.Log[record]
		for i := range 20 {
			logs = append(logs, logIn(t, j, fmt.Sprint(i), stream.Options{Memory: 1_000}))
		}
		for range 50 { // interleaved
			for _, l := range logs {
				add(t, l, 10, 50)
			}
		}
		for i, l := range logs {
			l.Close()
			if i%2 == 0 {
				l.Discard()
			}
		}
		for i, l := range logs {
			if i%2 == 1 {
				check(t, l, 1, 500)
				l.Discard()
			}
		}
		again := logIn(t, j, "again", stream.Options{Memory: 1_000})
		add(t, again, 500, 50)
		again.Close()
		check(t, again, 1, 500)
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

func TestDiscardWhileSettling(t *testing.T) {
	t.Parallel()
	j := stream.NewJournal(t.TempDir(), stream.JournalOptions{})
	t.Cleanup(j.Close)
	for i := range 50 {
		l := logIn(t, j, fmt.Sprint(i), stream.Options{Memory: 1 << 20})
		add(t, l, 200, 50)
		l.Close()
		var wg sync.WaitGroup
		wg.Go(func() { l.Settle(10) })
		wg.Go(l.Discard)
		wg.Wait()
	}
}

func TestNothingIsLeftInTheDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := stream.NewJournal(dir, stream.JournalOptions{})
	t.Cleanup(j.Close)
	l := logIn(t, j, "1", stream.Options{Memory: 100})
	add(t, l, 100, 50)
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 0 {
		t.Errorf("%v %v", names, err)
	}
	l.Discard()
}

// TestRest: all or nothing, and never before the end.
func TestRest(t *testing.T) {
	t.Parallel()
	l := newLog(t, 10_000, 0)
	add(t, l, 5, 100)
	if got := l.Reader(1).Rest(1000); got != nil {
		t.Errorf("%d records of a log that goes on", len(got))
	}
	l.Close()
	for _, c := range []struct {
		name  string
		from  uint64
		limit int
		want  int
	}{{"all", 1, 500, 5}, {"too much", 1, 499, 0}, {"the end of it", 4, 200, 2}, {"nothing is left", 6, 1000, 0}, {"beyond", 9, 1000, 0}} {
		r := l.Reader(c.from)
		got := r.Rest(c.limit)
		if len(got) != c.want || (len(got) > 0 && got[0].n != c.from) {
			t.Errorf("%s: %v", c.name, got)
		}
		es, err := r.Next(t.Context())
		if c.want > 0 && !errors.Is(err, io.EOF) || c.want == 0 && c.from <= 5 && len(es) == 0 {
			t.Errorf("%s: then %v, %v", c.name, es, err)
		}
	}
	spilled := newLog(t, 1000, 0)
	add(t, spilled, 100, 100)
	spilled.Close()
	if got := spilled.Reader(1).Rest(1 << 20); got != nil {
		t.Errorf("%d records, some of them on disk", len(got))
	}
}

// TestAppendSoon: readers have the record with the next one, or after the delay.
func TestAppendSoon(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLog(t, 10_000, 0)
		soon := func(n uint64) {
			seq, err := l.AppendSoon(time.Second, func(seq uint64) record { return record{seq, 1} })
			if err != nil || seq != n || l.Len() >= n {
				t.Errorf("record %d has the number %d: %v, %d records", n, seq, err, l.Len())
			}
		}
		r := l.Reader(1)
		soon(1)
		if es, err := r.Ready(); err != nil || len(es) != 0 {
			t.Fatalf("before it was written: %v, %v", es, err)
		}
		began := time.Now()
		if es, err := r.Next(t.Context()); err != nil || len(es) != 1 || time.Since(began) != time.Second {
			t.Fatalf("%v, %v after %s", es, err, time.Since(began))
		}
		type got struct {
			n     int
			after time.Duration
		}
		next := make(chan got)
		follow := func() {
			began := time.Now()
			es, _ := r.Next(t.Context())
			next <- got{len(es), time.Since(began)}
		}
		go follow() // ends with the two records
		synctest.Wait()
		soon(2)
		soon(3)
		if g := <-next; g != (got{2, time.Second}) {
			t.Errorf("after the delay: %+v", g)
		}
		go follow() // likewise
		synctest.Wait()
		soon(4)
		add(t, l, 1, 1)
		if g := <-next; g != (got{2, 0}) {
			t.Errorf("with the next: %+v", g)
		}
		soon(6)
		l.Close()
		if es, err := r.Ready(); err != nil || len(es) != 1 || es[0].n != 6 {
			t.Errorf("held when the log ended: %v, %v", es, err)
		}
	})
}
