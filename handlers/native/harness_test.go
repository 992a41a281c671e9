package native_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"testing"

	"github.com/gofiber/fiber/v2"

	"hotcell/contexts"
	"hotcell/handlers/fault"
	"hotcell/handlers/native"
	"hotcell/handlers/native/client"
	"hotcell/handlers/socket"
	"hotcell/runtimes"
	"hotcell/runtimes/python"
)

// server is the dialect alone on a port of its own, over real kernels.
type server struct {
	url      string
	contexts *contexts.Set
	sockets  *socket.Set
	close    func() // idempotent
}

// oneRoom is a place with a single sandbox.
type oneRoom struct{ dir string }

func (o oneRoom) Enter(name string) (string, contexts.Options, error) {
	if name != native.DefaultSandbox && name != "other" {
		return "", contexts.Options{}, fault.NotFound("sandbox not found: %q", name)
	}
	return name, contexts.Options{Cwd: o.dir}, nil
}

func explain(err error) *fault.Fault {
	if errors.Is(err, contexts.ErrNotFound) {
		return fault.NotFound("%v", err)
	}
	return fault.New(http.StatusInternalServerError, "%v", err)
}

func serve(tb testing.TB) *server {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	table := runtimes.NewTable(python.New(python.Config{
		Program: os.Getenv("HOTCELL_PYTHON"), ScratchDir: tb.TempDir(), Preload: []string{}, Log: log,
	}))
	set := contexts.New(tb.Context(), contexts.Config{Table: table, Parked: 2, Log: log})
	s := &server{contexts: set, sockets: socket.NewSet(log)}
	app := fiber.New(fiber.Config{DisableStartupMessage: true, BodyLimit: 64 << 20})
	native.New(native.Config{
		Contexts: set, Sandboxes: oneRoom{tb.TempDir()}, Runtimes: table, Sockets: s.sockets,
		Version: "test", Explain: explain, Log: log,
	}).Mount(app.Group("/v1"), func(c *fiber.Ctx) error { return c.Next() })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s.url = "http://" + ln.Addr().String()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = app.Listener(ln)
	}()
	closed := false
	s.close = func() {
		if closed {
			return
		}
		closed = true
		set.Close()
		_ = s.sockets.Shutdown(context.Background())
		_ = app.Shutdown()
		<-ended
		_ = table.Close()
	}
	tb.Cleanup(s.close)
	return s
}

func dial(tb testing.TB, s *server) *client.Client {
	tb.Helper()
	c, err := client.Dial(tb.Context(), s.url, "")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
