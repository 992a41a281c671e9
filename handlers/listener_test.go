package handlers_test

import (
	"net"
	"net/http"
	"os"
	"syscall"
	"testing"

	"hotcell/contexts"
	"hotcell/handlers"
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

// TestNoDescriptorForAClient: the server must outlive it, with all it holds.
func TestNoDescriptorForAClient(t *testing.T) {
	t.Parallel()
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
	s := handlers.New(handlers.Config{Contexts: set, Sandboxes: registry, Table: table})
	served := make(chan error, 1)
	go func() { served <- s.Serve(&poor{ln, 4}) }()                   // ends with the Shutdown below
	resp, err := http.Get("http://" + ln.Addr().String() + "/health") //nolint:noctx // a test's own server
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
