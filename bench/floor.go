package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/internal/child"
)

// The floor is the least that any program of this kind would need: a process
// that only echoes over a WebSocket, and one that only copies a pipe to it.
// Both are this program, started again, so that they are processes of their
// own as a server and its kernels are.
const (
	beFloor  = "be-floor"
	beWriter = "be-writer"
)

// floor is the process behind the lower bounds.
type floor struct {
	url     string
	self    string
	process *child.Process
}

func startFloor(ctx context.Context, self string) (*floor, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	defer r.Close()
	p, err := child.Start(ctx, child.Spec{Path: self, Args: []string{beFloor}, Stdout: w})
	_ = w.Close()
	if err != nil {
		return nil, fmt.Errorf("start the floor: %w", err)
	}
	_ = r.SetReadDeadline(time.Now().Add(startLimit))
	address := make([]byte, 64) // written in one piece
	n, err := r.Read(address)
	if err != nil {
		p.Stop(0)
		return nil, fmt.Errorf("wait for the floor: %w", err)
	}
	return &floor{url: "http://" + string(address[:n]), self: self, process: p}, nil
}

func (f *floor) close() { f.process.Stop(0) }

// echo is a message there and back on an open socket.
func (f *floor) echo(s *socket) (time.Duration, error) {
	if err := s.send("1+1"); err != nil {
		return 0, err
	}
	_, err := s.next()
	return s.took(), err
}

// visit is a new socket, a message there and back, and the close frame.
func (f *floor) visit(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	s, err := dial(ctx, f.url+"/visit", "")
	if err != nil {
		return 0, err
	}
	defer s.close()
	if _, err := f.echo(s); err != nil {
		return 0, err
	}
	err = s.untilClosed()
	return time.Since(began), err
}

// flood is the time in which a program's whole output comes through.
func (f *floor) flood(ctx context.Context) (time.Duration, error) {
	s, err := dial(ctx, f.url+"/flood", "")
	if err != nil {
		return 0, err
	}
	defer s.close()
	began := time.Now()
	for n := 0; n < floodBlocks*floodBlock; {
		msg, err := s.next()
		if err != nil {
			return 0, fmt.Errorf("read the flood: %w", err)
		}
		n += len(msg)
	}
	return time.Since(began), nil
}

// fork is a program started and ended.
func (f *floor) fork(ctx context.Context, path string, args ...string) (time.Duration, error) {
	began := time.Now()
	p, err := child.Start(ctx, child.Spec{Path: path, Args: args, Env: os.Environ()})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	<-p.Done()
	if e := p.Exit(); e.Code != 0 {
		return 0, fmt.Errorf("run %s: %s", path, e)
	}
	return time.Since(began), nil
}

// serveFloor is the process's life; it is ended by a signal.
func serveFloor(self string) error {
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	mux := http.NewServeMux()
	for path, serve := range map[string]func(*websocket.Conn) error{
		"/echo":  echoAll,
		"/visit": echoOnce,
		"/flood": func(ws *websocket.Conn) error { return copyFlood(ws, self) },
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			ws, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
			if err != nil {
				return // it has answered already
			}
			defer ws.Close()
			if err := serve(ws); err != nil {
				fmt.Fprintln(os.Stderr, "floor:", err)
			}
		})
	}
	if _, err := io.WriteString(os.Stdout, ln.Addr().String()); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	return http.Serve(ln, mux) //nolint:gosec // nobody but the benchmark connects
}

func echoAll(ws *websocket.Conn) error {
	for {
		kind, msg, err := ws.ReadMessage()
		if err != nil {
			return nil //nolint:nilerr // the client has left
		}
		if err := ws.WriteMessage(kind, msg); err != nil {
			return fmt.Errorf("echo: %w", err)
		}
	}
}

func echoOnce(ws *websocket.Conn) error {
	kind, msg, err := ws.ReadMessage()
	if err == nil {
		err = ws.WriteMessage(kind, msg)
	}
	if err == nil {
		err = ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	}
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	_, _, _ = ws.ReadMessage() // the client's close frame
	return nil
}

// copyFlood sends what a writer writes, as it comes.
func copyFlood(ws *websocket.Conn, self string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make pipe: %w", err)
	}
	defer r.Close()
	p, err := child.Start(context.Background(), child.Spec{Path: self, Args: []string{beWriter}, Stdout: w})
	_ = w.Close()
	if err != nil {
		return fmt.Errorf("start the writer: %w", err)
	}
	defer p.Stop(0)
	buf := make([]byte, 64<<10) // what a pipe holds
	for {
		n, err := r.Read(buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = ws.WriteMessage(websocket.TextMessage, buf[:n])
		}
		if err != nil {
			return fmt.Errorf("copy the flood: %w", err)
		}
	}
}

// writeFlood writes what the cell floodCode writes.
func writeFlood(w io.Writer) error {
	block := make([]byte, floodBlock)
	for i := range block {
		if block[i] = '#'; i%floodLine == floodLine-1 {
			block[i] = '\n'
		}
	}
	for range floodBlocks {
		if _, err := w.Write(block); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}
