package handlers

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"time"

	"hotcell/handlers/body"
	"hotcell/handlers/secure"
	"hotcell/internal/direct"
)

// listener goes on where one client could not be taken: without descriptors or
// memory for it, the others and their contexts must not end. It may be closed
// twice: by a shutdown that finds the application not serving yet, and by the
// application.
type listener struct {
	net.Listener
	tls    *tls.Config // nil: none
	log    *slog.Logger
	spare  spare
	once   sync.Once
	closed chan struct{}
}

// What a shortage is given to pass: the first wait, which doubles, and the longest.
const (
	shortageWait    = 5 * time.Millisecond
	shortageMaxWait = time.Second
)

func newListener(ln net.Listener, secret *tls.Config, log *slog.Logger) *listener {
	l := &listener{Listener: ln, tls: secret, log: log, closed: make(chan struct{})}
	l.spare.hold()
	return l
}

func (l *listener) Accept() (net.Conn, error) {
	for wait := shortageWait; ; wait = min(2*wait, shortageMaxWait) {
		conn, err := l.Listener.Accept()
		switch {
		case err == nil && l.spare.hold():
			return l.wrap(direct.Conn(conn))
		case err == nil:
			l.refuse(conn)
			l.spare.hold()
			continue
		case !shortage(err):
			return nil, err
		}
		if wait == shortageWait {
			l.log.Error("cannot take a client", slog.Any("error", err))
		}
		if outOfDescriptors(err) && l.spare.give() {
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.closed:
			timer.Stop()
			return nil, net.ErrClosed
		}
	}
}

// wrap makes a connection what the server takes it for.
func (l *listener) wrap(conn net.Conn) (net.Conn, error) {
	if l.tls != nil {
		var err error
		if conn, err = secure.Server(conn, l.tls); err != nil {
			return nil, err
		}
	}
	return body.Wrap(conn), nil
}

// shortage reports a fault that passes, or that was one client's own.
func shortage(err error) bool {
	for _, e := range []error{
		syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED, syscall.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (l *listener) Close() error {
	var err error
	l.once.Do(func() {
		close(l.closed)
		l.spare.close()
		// Somebody may have closed it beneath us to stop new clients early.
		if err = l.Listener.Close(); errors.Is(err, net.ErrClosed) {
			err = nil
		}
	})
	return err
}
