// Package secure puts TLS around connections and takes certificates from files,
// again whenever these change.
//
// Ownership and goroutines: a [Certificate] has one, which watches the files and
// is joined by [Certificate.Close]. Connections have none.
package secure

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"syscall"
)

// Conn is the server's side of TLS on a TCP connection, and still what the rest
// of the server takes for one. The handshake is part of the first Read or Write.
type Conn struct {
	*tls.Conn
	raw   raw
	ahead []byte // read by Ahead
}

// raw is the connection beneath.
type raw interface {
	net.Conn
	syscall.Conn
	CloseWrite() error
}

// Server puts TLS around a connection. One that isn't TCP's is refused.
func Server(conn net.Conn, cfg *tls.Config) (net.Conn, error) {
	tcp, ok := conn.(raw)
	if !ok {
		return nil, errors.New("TLS is for TCP connections")
	}
	return &Conn{Conn: tls.Server(tcp, cfg), raw: tcp}, nil
}

// refusal is what a client reads that doesn't speak TLS.
const refusal = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n" +
	"this address speaks HTTPS: begin its URL with https://\n"

// Read reads what [Conn.Ahead] has read first.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.ahead) > 0 {
		n := copy(p, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	var header tls.RecordHeaderError
	if errors.As(err, &header) && header.Conn != nil && isHTTP(header.RecordHeader[:]) {
		_, _ = io.WriteString(c.raw, refusal)
		_ = c.raw.CloseWrite()
	}
	return n, err
}

// isHTTP recognises the beginning of a request, as net/http does.
func isHTTP(begin []byte) bool {
	switch string(begin) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		return true
	}
	return false
}

// aheadSize is enough to see that there is something.
const aheadSize = 512

// Ahead waits until the client sends something, which the next Read returns, or
// until it leaves, which is the error. Beneath TLS the two look the same. Nobody
// may read meanwhile.
func (c *Conn) Ahead() error {
	if len(c.ahead) > 0 {
		return nil
	}
	buf := make([]byte, aheadSize)
	n, err := c.Conn.Read(buf)
	c.ahead = buf[:n]
	if n > 0 {
		return nil
	}
	return err
}

// SyscallConn is for the options of the socket: what is read and written there is
// encrypted.
func (c *Conn) SyscallConn() (syscall.RawConn, error) { return c.raw.SyscallConn() }

// ReadFrom writes what it reads.
func (c *Conn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// CloseWrite says goodbye and closes the writing half.
func (c *Conn) CloseWrite() error { return errors.Join(c.Conn.CloseWrite(), c.raw.CloseWrite()) }
