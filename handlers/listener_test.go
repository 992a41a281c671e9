package handlers_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/handlers"
	"hotcell/keys"
	"hotcell/process/tools"
	"hotcell/runtimes"
	"hotcell/sandboxes"
)

// poor is a listener that lacks descriptors a few times.
type poor struct {
	net.Listener
	faults int
}

func (p *poor) Accept() (net.Conn, error) {
	if p.faults--; p.faults >= 0 {
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", syscall.EMFILE)}
	}
	return p.Listener.Accept()
}

// serve starts a server without languages.
func serve(t *testing.T, faults int) (*handlers.Server, net.Listener, <-chan error) {
	t.Helper()
	return serveWith(t, faults, nil)
}

// serveWith is serve with keys.
func serveWith(t *testing.T, faults int, store *keys.Store) (*handlers.Server, net.Listener, <-chan error) {
	t.Helper()
	table := runtimes.NewTable()
	set := contexts.New(t.Context(), contexts.Config{Table: table})
	t.Cleanup(set.Close)
	registry, err := sandboxes.Open(t.TempDir(), sandboxes.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = registry.Close() })
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := handlers.New(handlers.Config{
		Contexts: set, Sandboxes: registry, Table: table, Tools: tools.New(tools.Config{}), Keys: store,
		Figures: func() ([]byte, string, error) { return nil, "text/plain", nil },
	})
	served := make(chan error, 1)
	go func() { served <- s.Serve(&poor{ln, faults}) }() // ends with the Shutdown of the test
	return s, ln, served
}

// TestAShutdownWaitsForNobodyLong: neither for half a request nor for a
// client that doesn't read.
func TestAShutdownWaitsForNobodyLong(t *testing.T) {
	t.Parallel()
	s, ln, served := serve(t, 0)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	const half = "POST /v1/contexts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n"
	if _, err := conn.Write([]byte(half)); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil { // it is being read
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// TestNoDescriptorForAClient: the server must outlive it, with all it holds.
func TestNoDescriptorForAClient(t *testing.T) {
	t.Parallel()
	s, ln, served := serve(t, 4)
	resp, err := http.Get("http://" + ln.Addr().String() + "/health")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	http.DefaultClient.CloseIdleConnections()
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
