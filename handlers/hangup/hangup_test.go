package hangup_test

import (
	"bufio"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/handlers/hangup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair is a connection with both ends.
func pair(t *testing.T) (client, server *net.TCPConn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(); s.Close() })
	return c.(*net.TCPConn), s.(*net.TCPConn)
}

func TestLeaving(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(*net.TCPConn) error{
		"closed":      (*net.TCPConn).Close,
		"half closed": (*net.TCPConn).CloseWrite,
		"reset": func(c *net.TCPConn) error {
			_ = c.SetLinger(0)
			return c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, server := pair(t)
			// Long over, as that of a request can be while its answer is made.
			_ = server.SetReadDeadline(time.Now().Add(-time.Hour))
			left := make(chan struct{})
			w := hangup.Begin(server, func() { close(left) })
			defer w.Stop()
			if err := leave(client); err != nil {
				t.Fatal(err)
			}
			select {
			case <-left:
			case <-time.After(10 * time.Second):
				t.Error("not noticed")
			}
		})
	}
}

func TestStayingTakesNothing(t *testing.T) {
	t.Parallel()
	client, server := pair(t)
	w := hangup.Begin(server, func() { t.Error("the client has not left") })
	if _, err := client.Write([]byte("next\n")); err != nil {
		t.Fatal(err)
	}
	w.Stop()
	if line, err := bufio.NewReader(server).ReadString('\n'); line != "next\n" {
		t.Errorf("read %q, %v", line, err)
	}
}

func TestStopIsNoLeaving(t *testing.T) {
	t.Parallel()
	_, server := pair(t)
	w := hangup.Begin(server, func() { t.Error("the client has not left") })
	w.Stop()
	server.Close()
}

func TestCut(t *testing.T) {
	t.Parallel()
	_, server := pair(t)
	left := make(chan struct{})
	w := hangup.Begin(server, func() { close(left) })
	server.Close()
	<-left
	w.Stop()
}

func TestNoSocket(t *testing.T) {
	t.Parallel()
	a, b := net.Pipe()
	defer b.Close()
	w := hangup.Begin(a, func() { t.Error("nobody is watched") })
	w.Stop()
	a.Close()
}
