package stream_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"hotcell/stream"
)

// refusing is a tape that takes nothing while it is told not to.
type refusing struct {
	stream.Tape

	fault atomic.Pointer[error]
}

func (r *refusing) refuse(err error) { r.fault.Store(&err) }

func (r *refusing) err() error {
	if p := r.fault.Load(); p != nil {
		return *p
	}
	return nil
}

func (r *refusing) Write(first uint64, records [][]byte, last bool) error {
	if err := r.err(); err != nil {
		return err
	}
	return r.Tape.Write(first, records, last)
}

func (r *refusing) Conclude(first uint64, records [][]byte, summary []byte) error {
	if err := r.err(); err != nil {
		return err
	}
	return r.Tape.Conclude(first, records, summary)
}

func (r *refusing) End(summary []byte) error {
	if err := r.err(); err != nil {
		return err
	}
	return r.Tape.End(summary)
}

// refusingLog is a log whose tape takes nothing for the time being.
func refusingLog(t *testing.T, j *stream.Journal, id string, c codec) (*stream.Log[record], *refusing) {
	t.Helper()
	tape, err := j.Create(stream.Meta{Kind: "test", ID: id, Group: "g"})
	if err != nil {
		t.Fatal(err)
	}
	r := &refusing{Tape: tape}
	r.refuse(errors.New("not now"))
	return stream.New(c, r, stream.Options{}), r
}

// TestTooLarge: what no tape takes is refused and forgotten, and harms nothing else.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal(t, dir, stream.JournalOptions{})
	l := logIn(t, j, "x", stream.Options{})
	large := func(seq uint64) record { return record{seq, 81 << 20} }
	add(t, l, 1, 10)
	if _, err := l.Append(large); !errors.Is(err, stream.ErrTooLarge) {
		t.Errorf("%v", err)
	}
	if n := l.InMemory(); n > 100 {
		t.Errorf("%d bytes are kept in memory", n)
	}
	add(t, l, 1, 10)
	told := false
	l.Finish(large, []byte("sum"), func() { told = true })
	if !told {
		t.Error("the end was not told")
	}
	check(t, l, 1, 2)
	again, s := reopened(t, journal(t, dir, stream.JournalOptions{}), "x")
	if s.Ended.IsZero() || string(s.Summary) != "sum" {
		t.Errorf("%+v", s)
	}
	check(t, again, 1, 2)
}

// TestOneDebtDelaysNoOther: one that is never paid, or not now, keeps none behind it from
// being repaid.
func TestOneDebtDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := journal(t, dir, stream.JournalOptions{})
		one := func(seq uint64) record { return record{seq, 10} }
		later, _ := refusingLog(t, j, "later", codec{})
		never, tape := refusingLog(t, j, "never", codec{fail: true})
		tape.refuse(nil)
		now, tape := refusingLog(t, j, "now", codec{})
		for _, l := range []*stream.Log[record]{later, never, now} {
			_, _ = l.Append(one)
			l.Finish(one, []byte("sum"), nil)
		}
		tape.refuse(nil)
		time.Sleep(1500 * time.Millisecond) // of the bubble's clock
		synctest.Wait()
		for id, want := range map[string]uint64{"never": 0, "now": 2} {
			_, s := reopened(t, journal(t, dir, stream.JournalOptions{}), id)
			if s.Ended.IsZero() || s.Records != want || string(s.Summary) != "sum" {
				t.Errorf("%s: %+v", id, s)
			}
		}
		live, _ := reopened(t, j, "later")
		check(t, live, 1, 2)
		if l, _ := reopened(t, j, "never"); l == never {
			t.Error("what is never paid stays in memory")
		}
	})
}

// TestConcludeIsRepaid though the log isn't closed, since more may follow; and what is
// refused of that.
func TestConcludeIsRepaid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		j := journal(t, dir, stream.JournalOptions{})
		l, tape := refusingLog(t, j, "x", codec{})
		one := func(seq uint64) record { return record{seq, 10} }
		kept := func(want uint64) {
			t.Helper()
			tape.refuse(nil)
			time.Sleep(1500 * time.Millisecond) // of the bubble's clock
			synctest.Wait()
			if _, s := reopened(t, journal(t, dir, stream.JournalOptions{}), "x"); s.Ended.IsZero() || s.Records != want || string(s.Summary) != "sum" {
				t.Errorf("%+v", s)
			}
		}
		l.Conclude(one, []byte("sum"))
		kept(1)
		tape.refuse(errors.New("not now"))
		_, _ = l.Append(one)
		kept(2)
		add(t, l, 1, 10)
		l.Close()
		check(t, l, 1, 3)
	})
}

// TestDiscardOfWhatTheTapeRefused: a log may be given up at any moment.
func TestDiscardOfWhatTheTapeRefused(t *testing.T) {
	t.Parallel()
	j := journal(t, t.TempDir(), stream.JournalOptions{})
	l, _ := refusingLog(t, j, "x", codec{})
	for range 3 {
		_, _ = l.Append(func(seq uint64) record { return record{seq, 10} })
	}
	l.Discard()
	l.Close()
	if !l.Gone() {
		t.Error("it is still there")
	}
}

// TestDebtsArePaidAtOnce: when the disk takes something of one log, it has what it refused
// of another without waiting.
func TestDebtsArePaidAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j := journal(t, t.TempDir(), stream.JournalOptions{})
		defer j.Close()
		l, tape := refusingLog(t, j, "x", codec{})
		l.Finish(func(seq uint64) record { return record{seq, 10} }, []byte("sum"), nil)
		tape.fault.Store(nil)
		began := time.Now()
		add(t, logIn(t, j, "y", stream.Options{}), 1, 10)
		synctest.Wait()
		if found, err := j.Find("test", "x"); err != nil || found.Records != 1 {
			t.Errorf("%s later there are %d records, %v", time.Since(began), found.Records, err)
		}
	})
}
