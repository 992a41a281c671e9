package script

import (
	"strings"
	"time"

	"hotcell/internal/wire"
	"hotcell/runtimes"
)

// figureLimit bounds what is kept of the figures of one run: a hundred pictures
// of ordinary size are a tenth of it.
const figureLimit = 64 << 20

// drainTime is how long the driver's messages may still be read when its process
// is gone: they are in the socket, so this only bounds a copy of the descriptor
// in a process that is just being killed.
const drainTime = 200 * time.Millisecond

// figures are what a driver has told of what the program showed.
type figures struct {
	conn runtimes.Conn
	done chan struct{} // closed at the end of the driver's messages

	// To be read when done is closed.
	list    []wire.Bundle
	omitted int

	bytes int
}

// follow takes a driver's messages until there are no more. Where there is no
// driver, conn is nil.
func follow(conn runtimes.Conn) *figures {
	f := &figures{conn: conn, done: make(chan struct{})}
	if conn == nil {
		close(f.done)
		return f
	}
	// Ends at the connection's end, or by its deadline. It closes it in any case:
	// a driver that nobody listens to must not wait for room.
	go func() {
		defer close(f.done)
		defer conn.Close()
		for {
			var m wire.Message
			if wire.ReadFrame(conn, &m) != nil {
				return
			}
			f.take(m)
			if m.Ack {
				_ = wire.WriteFrame(conn, wire.Request{Type: wire.ReqAck, ID: m.ID})
			}
		}
	}()
	return f
}

// finish returns when everything has been taken that the program said before it
// ended.
func (f *figures) finish() {
	if f.conn != nil {
		_ = f.conn.SetDeadline(time.Now().Add(drainTime))
	}
	<-f.done
}

func (f *figures) take(m wire.Message) {
	switch {
	case m.Type == wire.MsgDisplay && drawn(m.Bundle):
		size := 0
		for _, data := range m.Bundle {
			size += len(data)
		}
		if f.bytes+size > figureLimit {
			f.omitted++
			return
		}
		f.bytes += size
		f.list = append(f.list, m.Bundle)
	case m.Type == wire.MsgChart:
		f.omitted += m.More
	}
}

// drawn reports whether a bundle has a picture or what one is drawn of.
func drawn(b wire.Bundle) bool {
	for mime := range b {
		if strings.HasPrefix(mime, "image/") || strings.HasPrefix(mime, "application/vnd.") {
			return true
		}
	}
	return false
}
