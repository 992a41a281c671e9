package stream_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"hotcell/stream"
)

// TestWhatIsGoneStaysGone over restarts, while an older file is kept for another log's
// sake; and the files that say so don't become more with each.
func TestWhatIsGoneStaysGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		close bool // before the next server starts
		write bool // something else, which begins a file
	}{{"closed", true, false}, {"killed", false, false}, {"written to", true, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			j := journal(t, dir, stream.JournalOptions{})
			const logs = 5
			stays := logIn(t, j, "stays", stream.Options{})
			add(t, stays, 1, 10)
			for i := range logs {
				l := logIn(t, j, fmt.Sprint(i), stream.Options{})
				add(t, l, 2, 10)
				l.Close()
			}
			stays.Close()
			j.Close()
			for server := range 3 * logs {
				j := journal(t, dir, stream.JournalOptions{})
				if server < logs {
					l, _ := reopened(t, j, fmt.Sprint(server))
					l.Discard()
				}
				if c.write {
					l := logIn(t, j, fmt.Sprint("new", server), stream.Options{})
					add(t, l, 1, 10)
					l.Close()
					l.Discard()
				}
				if left := len(j.List("test", "")); left != 1+max(0, logs-1-server) {
					t.Errorf("server %d has %d logs", server, left)
				}
				if c.close {
					j.Close()
				}
			}
			after := journal(t, dir, stream.JournalOptions{})
			if _, err := after.Find("test", "0"); !errors.Is(err, stream.ErrUnknown) {
				t.Errorf("%v", err)
			}
			l, _ := reopened(t, after, "stays")
			check(t, l, 1, 1)
			if n := len(files(t, dir)); n > 2 {
				t.Errorf("%d files", n)
			}
			l.Discard()
			after.Rest("g")
			if n := files(t, dir); len(n) > 0 {
				t.Errorf("nothing is kept, in %s", n)
			}
		})
	}
}

// TestWhatWasEvictedStaysEvicted likewise; a file goes when nothing in it is kept, though
// an older one is.
func TestWhatWasEvictedStaysEvicted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	open := func(count int) *stream.Journal {
		return journal(t, dir, stream.JournalOptions{Bytes: 1 << 20, Count: count, Now: func() time.Time { return now }})
	}
	j := open(100)
	runs := logIn(t, j, "runs", stream.Options{})
	add(t, runs, 1, 10)
	for i := range 10 {
		l := logIn(t, j, fmt.Sprint(i), stream.Options{})
		l.Close()
	}
	j.Close()
	for range 3 {
		j = open(1)
		if left := len(j.List("test", "")); left != 2 {
			t.Errorf("%d logs are left", left)
		}
		if _, err := j.Find("test", "0"); !errors.Is(err, stream.ErrEvicted) {
			t.Errorf("%v", err)
		}
		j.Close()
	}
	j = open(100)
	if left := len(j.List("test", "")); left != 2 {
		t.Errorf("with more room, %d logs are back", left-2)
	}
	for i := range 100 { // of which a tenth is kept, beside what runs
		l := logIn(t, j, fmt.Sprint("more", i), stream.Options{})
		add(t, l, 1, 100_000)
		l.Close()
	}
	if n := len(files(t, dir)); n > 14 {
		t.Errorf("%d files", n)
	}
	if left := len(j.List("test", "")); left < 5 {
		t.Errorf("%d logs are left", left)
	}
}
