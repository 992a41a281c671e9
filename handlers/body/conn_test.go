package body_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/handlers/body"
	"hotcell/internal/direct"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection, as the server has it and as its client has it.
func pair(t *testing.T) (*body.Conn, *net.TCPConn) {
	t.Helper()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	dialed, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	server, ok := body.Wrap(direct.Conn(accepted)).(*body.Conn)
	client, ok2 := dialed.(*net.TCPConn)
	if !ok || !ok2 {
		t.Fatalf("%T %T", accepted, dialed)
	}
	t.Cleanup(func() { _ = server.Abort(); _ = client.Close() })
	return server, client
}

// TestHeldBack: what is wrapped can still do what it could.
func TestHeldBack(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	release := direct.Hold(server)
	if release == nil {
		t.Skip("nothing is held back on this system")
	}
	for _, word := range []string{"one ", "two"} {
		if _, err := server.Write([]byte(word)); err != nil {
			t.Error(err)
		}
	}
	if !direct.Idle(server) {
		t.Error("something was sent")
	}
	if err := release(); err != nil {
		t.Error(err)
	}
	if err := server.CloseWrite(); err != nil {
		t.Error(err)
	}
	if all, err := io.ReadAll(client); err != nil || string(all) != "one two" {
		t.Errorf("%q %v", all, err)
	}
}

// TestALastAnswerArrives although the client has sent what nobody reads, and
// reads the answer only after it has sent more.
func TestALastAnswerArrives(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	piece := make([]byte, 1<<20)
	begun, closed := make(chan struct{}), make(chan error, 1)
	go func() { // ends when the client has closed
		<-begun
		_, err := server.Write([]byte("the answer"))
		server.Linger()
		closed <- errors.Join(err, server.Close())
	}()
	for i := range 64 {
		if i == 1 {
			close(begun)
		}
		if _, err := client.Write(piece[:1+i*16<<10]); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := io.ReadAll(client); err != nil || string(all) != "the answer" {
		t.Errorf("%q %v", all, err)
	}
	_ = client.Close()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestALateClientGetsItsAnswer although it was waited for in vain before.
func TestALateClientGetsItsAnswer(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	_ = server.SetReadDeadline(time.Unix(1, 0))
	if _, err := server.Read(make([]byte, 1)); err == nil {
		t.Fatal("it isn't late")
	}
	server.Linger()
	closed := make(chan error, 1)
	go func() { // ends when the client has closed
		_, err := server.Write([]byte("the answer"))
		closed <- errors.Join(err, server.Close())
	}()
	for range 32 {
		if _, err := client.Write(make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
	}
	if all, err := io.ReadAll(client); err != nil || string(all) != "the answer" {
		t.Errorf("%q %v", all, err)
	}
	_ = client.Close()
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestAbortDoesNotWait for a client, not even where Close does already.
func TestAbortDoesNotWait(t *testing.T) {
	t.Parallel()
	server, client := pair(t)
	server.Linger()
	closed := make(chan error, 1)
	go func() { closed <- server.Close() }()      // ends with Abort
	if _, err := io.ReadAll(client); err != nil { // until it lingers
		t.Fatal(err)
	}
	_ = server.Abort()
	select {
	case <-closed:
	case <-time.After(4 * time.Second):
		t.Error("Close waits for its client")
	}
}
