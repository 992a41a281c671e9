package stream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"hotcell/e2e/clock"
	"hotcell/stream"
)

// reopened is a log as the next server finds it.
func reopened(t *testing.T, j *stream.Journal, id string) (*stream.Log[record], stream.Stored) {
	t.Helper()
	s, err := j.Find("test", id)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Reopen(codec{}, s, stream.Options{}), s
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestTheNextServer finds everything: what ended, and what goes on. Nothing was
// closed, as when a server is killed.
func TestTheNextServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := journal(t, dir, stream.JournalOptions{Bytes: 8 << 20})
	done, cut, gone := logOf(t, before, "a/b", "done", stream.Options{}), logIn(t, before, "cut", stream.Options{}), logIn(t, before, "gone", stream.Options{})
	for range 100 {
		add(t, done, 3, 100)
		add(t, cut, 5, 4000) // several files
		add(t, gone, 1, 10)
	}
	done.End(json.RawMessage(`{"n":1}`))
	gone.Discard()

	after := journal(t, dir, stream.JournalOptions{Bytes: 8 << 20})
	l, s := reopened(t, after, "done")
	if s.Group != "a/b" || string(s.Summary) != `{"n":1}` || s.Ended.IsZero() || s.Records != 300 {
		t.Errorf("%+v", s)
	}
	check(t, l, 1, 300)
	check(t, l, 250, 300)
	l, s = reopened(t, after, "cut")
	if !s.Ended.IsZero() || s.Records != 500 {
		t.Errorf("%+v", s)
	}
	add(t, l, 7, 10)
	l.Close()
	check(t, l, 490, 507)
	if _, err := after.Find("test", "gone"); !errors.Is(err, stream.ErrUnknown) {
		t.Errorf("dropped: %v", err)
	}
	l, _ = reopened(t, journal(t, dir, stream.JournalOptions{}), "cut")
	check(t, l, 1, 507)
	if err := after.Forget("g"); err != nil {
		t.Error(err)
	}
	if _, err := after.Find("test", "cut"); !errors.Is(err, stream.ErrUnknown) {
		t.Errorf("forgotten: %v", err)
	}
	if left := after.List("test", ""); len(left) != 1 {
		t.Errorf("%+v", left)
	}
}

// TestTornTail cuts a journal at every byte: what was whole is there.
func TestTornTail(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal(t, dir, stream.JournalOptions{})
	l := logIn(t, j, "x", stream.Options{})
	var ends []int64
	for range 3 {
		add(t, l, 1, 20)
		ends = append(ends, j.Bytes())
	}
	whole, err := os.ReadFile(files(t, dir)[0])
	if err != nil {
		t.Fatal(err)
	}
	for size := range len(whole) {
		cut := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(cut, "g"), 0o700), os.WriteFile(filepath.Join(cut, "g", "0000000000000001.journal"), whole[:size], 0o600)); err != nil {
			t.Fatal(err)
		}
		want := 0
		for want < len(ends) && ends[want]-7 <= int64(size) { // the zeros behind a frame don't matter
			want++
		}
		j, err := stream.OpenJournal(cut, stream.JournalOptions{})
		if err != nil {
			t.Fatal(size, err)
		}
		s, err := j.Find("test", "x")
		if got := int(s.Records); got != want && got != want-1 && err == nil || want > 0 && err != nil {
			t.Fatalf("at %d: %d records instead of %d, %v", size, got, want, err)
		}
		if err == nil {
			l := stream.Reopen(codec{}, s, stream.Options{})
			add(t, l, 1, 20)
			l.Close()
			check(t, l, 1, s.Records+1)
		}
		j.Close()
	}
}

// TestDamage: what can't be read is told, the rest is there.
func TestDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := journal(t, dir, stream.JournalOptions{})
	l, other := logIn(t, j, "x", stream.Options{}), logIn(t, j, "y", stream.Options{})
	add(t, l, 3, 100)
	at := j.Bytes() + 40
	add(t, l, 1, 100)
	add(t, other, 4, 100)
	add(t, l, 3, 100)
	name := files(t, dir)[0]
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteAt([]byte("something else"), at)
	if err = errors.Join(err, f.Close(), os.WriteFile(filepath.Join(filepath.Dir(name), "00000000000000ff.journal"), []byte("no journal"), 0o600)); err != nil {
		t.Fatal(err)
	}
	after := journal(t, dir, stream.JournalOptions{})
	l, s := reopened(t, after, "x")
	if s.Records != 7 { // what comes next must not have a number that somebody has seen
		t.Errorf("%+v", s)
	}
	check(t, closed(l), 5, 7)
	r := l.Reader(1)
	if es, err := r.Next(t.Context()); err != nil || len(es) != 3 {
		t.Errorf("%v, %v", es, err)
	}
	if _, err := r.Next(t.Context()); !errors.Is(err, stream.ErrDamaged) {
		t.Errorf("the part that is missing: %v", err)
	}
	other, _ = reopened(t, after, "y")
	check(t, closed(other), 1, 4)
	if bad, _ := filepath.Glob(filepath.Join(dir, "g", "*.unreadable")); len(bad) != 1 {
		t.Errorf("set aside: %v", bad)
	}
}

func closed(l *stream.Log[record]) *stream.Log[record] { l.Close(); return l }

// TestRetention: the oldest of whoever occupies most goes first, what runs stays, and
// the disk is bounded; the next server knows what is gone.
func TestRetention(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const limit = 4 << 20
	j := journal(t, dir, stream.JournalOptions{Bytes: limit, Count: 1000})
	runs := logIn(t, j, "runs", stream.Options{})
	add(t, runs, 10, 1000)
	small := logOf(t, j, "small", "small", stream.Options{})
	add(t, small, 10, 1000)
	small.Close()
	for i := range 1000 {
		l := logIn(t, j, fmt.Sprint(i), stream.Options{})
		add(t, l, 10, 1000)
		l.Close()
		if n := j.Bytes(); n > limit+limit/8 {
			t.Fatalf("%d bytes", n)
		}
	}
	held, _ := reopened(t, j, "999")
	reader := held.Reader(1) // for whom it is kept
	newest := logIn(t, j, "newest", stream.Options{})
	add(t, newest, 5000, 1000)
	newest.Close()
	for _, j := range []*stream.Journal{j, journal(t, dir, stream.JournalOptions{Bytes: limit})} {
		for id, want := range map[string]error{"0": stream.ErrEvicted, "999": stream.ErrEvicted, "newest": nil, "small": nil, "runs": nil, "never": stream.ErrUnknown} {
			s, err := j.Find("test", id)
			if !errors.Is(err, want) {
				t.Errorf("%s: %v instead of %v", id, err, want)
			}
			if errors.Is(err, stream.ErrEvicted) && s.Group != "g" {
				t.Errorf("%s was %q's", id, s.Group)
			}
		}
	}
	if _, err := j.Create(stream.Meta{Kind: "test", ID: "0", Group: "g"}); !errors.Is(err, stream.ErrExists) {
		t.Errorf("an id again: %v", err)
	}
	seen := 0
	for {
		es, err := reader.Next(t.Context())
		if seen += len(es); err != nil {
			if !errors.Is(err, io.EOF) || seen != 10 {
				t.Errorf("%d, %v", seen, err)
			}
			break
		}
	}
	var size int64
	for _, name := range files(t, dir) {
		st, _ := os.Stat(name)
		size += st.Size()
	}
	if size > limit*2 {
		t.Errorf("%d bytes on disk", size)
	}
}

func TestRetentionByCountAndAge(t *testing.T) {
	t.Parallel()
	now := time.Now()
	dir := t.TempDir()
	j := journal(t, dir, stream.JournalOptions{Count: 5, Now: func() time.Time { return now }})
	for i := range 9 {
		l := logIn(t, j, fmt.Sprint(i), stream.Options{})
		add(t, l, 1, 1)
		l.Close()
	}
	if left := j.List("test", ""); len(left) != 5 || left[0].ID != "4" {
		t.Errorf("%+v", left)
	}
	later := journal(t, dir, stream.JournalOptions{Now: func() time.Time { return now.Add(25 * time.Hour) }})
	if left := later.List("test", ""); len(left) != 0 {
		t.Errorf("a day later: %+v", left)
	}
	if _, err := later.Find("test", "8"); !errors.Is(err, stream.ErrEvicted) {
		t.Errorf("a day later: %v", err)
	}
	soon := journal(t, t.TempDir(), stream.JournalOptions{Age: 20 * time.Millisecond})
	l := logIn(t, soon, "x", stream.Options{})
	l.Close()
	for deadline := time.Now().Add(5 * time.Second); ; {
		if _, err := soon.Find("test", "x"); errors.Is(err, stream.ErrEvicted) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is still there")
		}
	}
}

// FuzzJournal: whatever stands in a file, a start reads it, and what it finds can be
// read or is told to be damaged.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	j, err := stream.OpenJournal(dir, stream.JournalOptions{})
	if err != nil {
		f.Fatal(err)
	}
	for i := range 2 {
		tape, err := j.Create(stream.Meta{Kind: "test", ID: fmt.Sprint(i), Group: "g"})
		if err != nil {
			f.Fatal(err)
		}
		l := stream.New(codec{}, tape, stream.Options{})
		for range 3 {
			_, _ = l.Append(func(seq uint64) record { return record{seq, 5} })
		}
		if i == 0 {
			l.Close()
		}
	}
	j.Close()
	names, _ := filepath.Glob(filepath.Join(dir, "g", "*"))
	whole, err := os.ReadFile(names[0])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole, uint16(0), byte(0))
	f.Add(whole, uint16(100), byte(7))
	f.Add(whole[:len(whole)-20], uint16(300), byte(1))
	f.Fuzz(func(t *testing.T, content []byte, at uint16, flip byte) {
		if int(at) < len(content) {
			content = append([]byte(nil), content...)
			content[at] ^= flip
		}
		dir := t.TempDir()
		if err := errors.Join(os.Mkdir(filepath.Join(dir, "g"), 0o700), os.WriteFile(filepath.Join(dir, "g", "0000000000000001.journal"), content, 0o600)); err != nil {
			t.Fatal(err)
		}
		j, err := stream.OpenJournal(dir, stream.JournalOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer j.Close()
		for _, s := range j.List("test", "") {
			l := stream.Reopen(codec{}, s, stream.Options{})
			if s.Ended.IsZero() {
				l.Close()
			}
			r := l.Reader(1)
			for {
				if _, err := r.Next(t.Context()); err != nil {
					break
				}
			}
			r.Close()
		}
	})
}

// TestClockIsSet: while a server runs, nobody's time is over sooner or later because the
// clock was set; and what seems to have ended in the future isn't kept for ever.
func TestClockIsSet(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	var c clock.Clock
	dir := t.TempDir()
	open := func(age time.Duration) *stream.Journal {
		return journal(t, dir, stream.JournalOptions{Age: age, Now: c.Now})
	}
	there := func(j *stream.Journal, id string) bool {
		_, err := j.Find("test", id)
		return err == nil
	}
	c.Set(year) // wrong, until somebody sees to it
	j := open(24 * time.Hour)
	for _, id := range []string{"future", "later"} {
		l := logIn(t, j, id, stream.Options{})
		add(t, l, 1, 1)
		if id == "later" {
			c.Set(2 * year)
		}
		l.Close()
	}
	l := logIn(t, j, "another", stream.Options{}) // whose end is a reason to look
	l.Close()
	if !there(j, "future") || !there(j, "later") {
		t.Error("a year ahead, all at once")
	}
	c.Set(0)
	logIn(t, j, "present", stream.Options{}).Close()
	j = open(24 * time.Hour)
	c.Set(25 * time.Hour)
	logIn(t, j, "more", stream.Options{}).Close()
	j.Close()
	if !there(j, "future") || !there(j, "later") || !there(j, "present") {
		t.Error("a day ahead, after a restart")
	}
	j = open(time.Nanosecond) // much less than has passed: as if that were a day
	for deadline := time.Now().Add(5 * time.Second); there(j, "future") || there(j, "later"); {
		if time.Now().After(deadline) {
			t.Fatal("what has ended in the future is there for ever")
		}
	}
}
