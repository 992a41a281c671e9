package stream_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"syscall"
	"testing"

	"hotcell/stream"
)

// TestFullDisk needs a file system of its own: the writer is told, last words fit,
// and when there is room again everything is written.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	j := journal(t, dir, stream.JournalOptions{})
	l := logIn(t, j, "x", stream.Options{})
	var err error
	n := uint64(0)
	for err == nil {
		n, err = l.Append(func(seq uint64) record { return record{seq, 30_000} })
	}
	if !errors.Is(err, stream.ErrNoSpace) {
		t.Fatal(err)
	}
	if _, err := l.Append(func(seq uint64) record { return record{seq, 30_000} }); !errors.Is(err, stream.ErrNoSpace) {
		t.Errorf("the next: %v", err)
	}
	for err, i := error(nil), 0; !errors.Is(err, stream.ErrNoSpace); i++ {
		if _, err = j.Create(stream.Meta{Kind: "test", ID: fmt.Sprint(i), Group: "g"}); i > 1000 || err != nil && !errors.Is(err, stream.ErrNoSpace) {
			t.Fatalf("more logs: %d, %v", i, err)
		}
	}
	l.Finish(func(seq uint64) record { return record{seq, 100} }, nil, nil)
	check(t, l, 1, n+2)
	after := journal(t, dir, stream.JournalOptions{})
	again, s := reopened(t, after, "x")
	if s.Records < n || s.Ended.IsZero() {
		t.Errorf("kept: %d of %d, ended %v", s.Records, n+2, s.Ended)
	}
	check(t, closed(again), 1, s.Records)
}

// TestRefusedEnd: what the disk has not taken of a log that has ended is there for
// readers, and on the disk when that takes it.
func TestRefusedEnd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skipf("no small file system can be mounted: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	j := journal(t, dir, stream.JournalOptions{})
	l := logIn(t, j, "x", stream.Options{})
	n := uint64(0)
	for range 2 { // once the usual room, then that for last words
		for err := error(nil); err == nil; {
			n, err = l.Last(func(seq uint64) record { return record{seq, 30_000} })
		}
	}
	told := false
	l.Finish(func(seq uint64) record { return record{seq, 30_000} }, json.RawMessage(`{"n":1}`), func() { told = true })
	l.Settle(1)
	if !told {
		t.Error("the end was not told")
	}
	live, s := reopened(t, j, "x")
	if s.Records >= n || s.Ended.IsZero() || string(s.Summary) != `{"n":1}` {
		t.Errorf("found: %+v", s)
	}
	check(t, live, 1, n+1)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=8m"); err != nil {
		t.Fatal(err)
	}
	j.Close() // which tries once more
	again, s := reopened(t, journal(t, dir, stream.JournalOptions{}), "x")
	if s.Records != n+1 || string(s.Summary) != `{"n":1}` {
		t.Errorf("kept: %d of %d, %s", s.Records, n+1, s.Summary)
	}
	check(t, again, 1, n+1)
}
