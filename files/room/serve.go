package room

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"hotcell/files"
	"hotcell/internal/wire"
)

// served is the agent's end of a call.
type served struct {
	tree files.Tree
	conn net.Conn
	in   *bufio.Reader

	mu sync.Mutex // for one frame with its data
}

// serve answers one call, which ends with its connection.
func serve(conn net.Conn, tree files.Tree) {
	defer conn.Close()
	s := &served{tree: tree, conn: conn, in: bufio.NewReaderSize(conn, readSize)}
	var req request
	if wire.ReadFrame(s.in, &req) != nil {
		return
	}
	switch req.Do {
	case doCreate:
		s.store(string(req.Path))
	case doOpen:
		s.send(string(req.Path))
	default:
		s.perform(&req)
	}
}

// perform does what is over with one answer.
func (s *served) perform(req *request) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var wg sync.WaitGroup
	// Ends when the server hangs up, or with the connection.
	wg.Go(func() {
		_, _ = io.Copy(io.Discard, s.in)
		cancel(files.ErrEnded)
	})
	defer wg.Wait()
	defer s.conn.Close()
	s.owe(func() (answer, error) { return perform(ctx, s.tree, req) })
	cancel(nil)
}

// store writes a file.
func (s *served) store(path string) {
	var draft *files.Draft
	if !s.owe(func() (a answer, err error) {
		draft, err = s.tree.Create(path)
		return a, err
	}) {
		return
	}
	defer draft.Discard()
	var buf []byte
	for {
		var m message
		if wire.ReadFrame(s.in, &m) != nil {
			return
		}
		switch {
		case m.Commit:
			s.owe(func() (answer, error) { return answer{}, draft.Commit() })
			return
		case m.Discard:
			draft.Discard()
			_ = s.write(message{Answer: &answer{}}, nil)
			return
		case m.Data > 0:
			if err := s.piece(draft, &buf, m.Data); err != nil {
				draft.Discard()
				_ = s.write(message{Failure: failed(err)}, nil)
				return
			}
		default:
			return
		}
	}
}

// piece writes as much as was announced, by way of buf.
func (s *served) piece(draft *files.Draft, buf *[]byte, size int) error {
	if size > maxPiece {
		return fmt.Errorf("a piece of %d bytes is too large", size)
	}
	if cap(*buf) < size {
		*buf = make([]byte, size)
	}
	if _, err := io.ReadFull(s.in, (*buf)[:size]); err != nil {
		return fmt.Errorf("read a piece: %w", err)
	}
	_, err := draft.Write((*buf)[:size])
	return err
}

// send reads a file out.
func (s *served) send(path string) {
	var content *files.Content
	if !s.owe(func() (a answer, err error) {
		if content, err = s.tree.Open(path); err == nil {
			a.Size, a.Modified = content.Size, content.Modified
		}
		return a, err
	}) {
		return
	}
	defer content.Close()
	var m message
	if wire.ReadFrame(s.in, &m) != nil || m.Part == nil {
		return
	}
	defer s.beats()()
	err := error(nil)
	if m.Part.From != 0 || m.Part.Size != content.Size {
		err = content.Section(m.Part.From, m.Part.Size)
	}
	buf := make([]byte, pieceSize)
	for err == nil {
		var n int
		if n, err = content.Read(buf); n > 0 {
			if s.write(message{}, buf[:n]) != nil {
				return
			}
		}
	}
	if !errors.Is(err, io.EOF) {
		_ = s.write(message{Failure: failed(err)}, nil)
	}
}

// owe does something of which the server waits for the end, and says how it
// went.
func (s *served) owe(do func() (answer, error)) (ok bool) {
	stop := s.beats()
	a, err := do()
	stop()
	a.pack()
	m := message{Answer: &a}
	if err != nil {
		m = message{Failure: failed(err)}
	}
	werr := s.write(m, nil)
	if errors.Is(werr, wire.ErrFrameTooLarge) {
		err = &files.Error{Kind: files.ErrTooMany, Words: "the answer would be larger than 64 MiB: ask for a part of it"}
		werr = s.write(message{Failure: failed(err)}, nil)
	}
	return err == nil && werr == nil
}

// beats says from time to time that something is being done, until stop.
func (s *served) beats() (stop func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	// Ends with stop.
	wg.Go(func() {
		t := time.NewTicker(beat)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				_ = s.write(message{Beat: true}, nil)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// write sends a message, or data.
func (s *served) write(m message, data []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(data) == 0 {
		return wire.WriteFrame(s.conn, m)
	}
	return writePiece(s.conn, data)
}
