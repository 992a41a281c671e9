package stream_test

import (
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
