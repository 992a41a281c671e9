package direct_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"hotcell/internal/direct"
)

// pipe is a pipe with a wrapped end to read from.
func pipe(t *testing.T) (direct.Stream, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	s := direct.File(r)
	t.Cleanup(func() { _, _ = s.Close(), w.Close() })
	return s, w
}

func TestFile(t *testing.T) {
	t.Parallel()
	s, w := pipe(t)
	if _, err := w.WriteString("abc"); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 2)
	for _, want := range []string{"ab", "c"} {
		if n, err := s.Read(buf); err != nil || string(buf[:n]) != want {
			t.Errorf("%q, %v; want %q", buf[:n], err, want)
		}
	}
	if err := s.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("nothing came: %v", err)
	}
	_ = s.SetReadDeadline(time.Time{})
	_ = w.Close()
	if _, err := s.Read(buf); !errors.Is(err, io.EOF) || err != io.EOF { //nolint:errorlint // readers compare
		t.Errorf("at the end: %v", err)
	}
	_ = s.Close()
	if _, err := s.Read(buf); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// Closing ends a read that waits.
func TestFileClosedMeanwhile(t *testing.T) {
	t.Parallel()
	s, _ := pipe(t)
	read := make(chan error)
	// Ends when s is closed; joined below.
	go func() {
		_, err := s.Read(make([]byte, 1))
		read <- err
	}()
	_ = s.Close()
	if err := <-read; !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v", err)
	}
}

func TestReadNow(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	buf := make([]byte, 8)
	if n, err := direct.ReadNow(r, buf); n != 0 || err != nil {
		t.Errorf("nothing there: %d, %v", n, err)
	}
	_, _ = w.WriteString("abc")
	if got := direct.Buffered(r); got < 3 {
		t.Errorf("%d bytes wait", got)
	}
	if n, err := direct.ReadNow(r, buf); string(buf[:n]) != "abc" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	_ = w.Close()
	if n, err := direct.ReadNow(r, buf); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d, %v", n, err)
	}
}

// connections are the two ends of one, the first wrapped.
func connections(t *testing.T) (net.Conn, net.Conn) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	far, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	return direct.Conn(near), far
}

// More than the socket holds goes through, whole and in order.
func TestConnLarge(t *testing.T) {
	t.Parallel()
	near, far := connections(t)
	want := make([]byte, 16<<20)
	for i := range want {
		want[i] = byte(i * 7 >> 3)
	}
	wrote := make(chan error)
	// Ends when all was read; joined below.
	go func() {
		n, err := near.Write(want)
		if err == nil && n != len(want) {
			err = io.ErrShortWrite
		}
		_ = near.Close()
		wrote <- err
	}()
	got, err := io.ReadAll(far)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes came, %v; want %d", len(got), err, len(want))
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
}

func TestConnEnds(t *testing.T) {
	t.Parallel()
	near, far := connections(t)
	buf := make([]byte, 8)
	_ = near.SetReadDeadline(time.Now().Add(time.Millisecond))
	var ne net.Error
	if _, err := near.Read(buf); !errors.As(err, &ne) || !ne.Timeout() {
		t.Errorf("nothing came: %v", err)
	}
	_ = near.SetReadDeadline(time.Time{})
	_, _ = far.Write([]byte("abc"))
	if n, err := near.Read(buf); string(buf[:n]) != "abc" || err != nil {
		t.Errorf("%q, %v", buf[:n], err)
	}
	_ = far.Close()
	if _, err := near.Read(buf); err != io.EOF { //nolint:errorlint // readers compare
		t.Errorf("at the end: %v", err)
	}
	_ = near.Close()
	if _, err := near.Read(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, err := near.Write(buf); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// What is held leaves in one piece, in its place.
func TestHold(t *testing.T) {
	t.Parallel()
	near, far := connections(t)
	release := direct.Hold(near)
	if release == nil {
		t.Skip("not on this system")
	}
	for _, s := range []string{"a", "b", "c"} {
		if n, err := near.Write([]byte(s)); n != 1 || err != nil {
			t.Fatalf("%d, %v", n, err)
		}
	}
	if !direct.Idle(near) {
		t.Error("something was sent")
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	_, _ = near.Write([]byte("d"))
	_ = near.Close()
	if got, err := io.ReadAll(far); string(got) != "abcd" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// A connection that the other side doesn't read isn't idle.
func TestIdle(t *testing.T) {
	t.Parallel()
	near, _ := connections(t)
	if !direct.Idle(near) {
		t.Skip("not on this system")
	}
	_ = near.SetWriteDeadline(time.Now().Add(time.Second))
	var ne net.Error
	if _, err := near.Write(make([]byte, 64<<20)); !errors.As(err, &ne) || !ne.Timeout() {
		t.Fatalf("nobody reads: %v", err)
	}
	if direct.Idle(near) {
		t.Error("it says that it is idle")
	}
}
