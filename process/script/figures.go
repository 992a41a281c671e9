package script

import (
	"encoding/json"
	"net"
	"time"

	"hotcell/internal/wire"
)

// figureLimit bounds what is kept of the figures of one run: a hundred pictures
// of ordinary size are a tenth of it.
const figureLimit = 64 << 20

// drainTime is how long the driver's messages may still be read when its process
// is gone: they are in the socket, so this only bounds a copy of the descriptor
// in a process that is just being killed.
const drainTime = 200 * time.Millisecond

// chartFormat is the format of a bundle that has the model of a figure.
const chartFormat = "application/vnd.hotcell.chart+json"

// figures are what a driver has told of what the program showed.
type figures struct {
	conn net.Conn
	done chan struct{} // closed at the end of the driver's messages

	// To be read when done is closed.
	list    []json.RawMessage
	omitted int

	bytes int
	bare  bool // the last one is a picture to which a model may follow
}

// follow takes a driver's messages until there are no more. Where there is no
// driver, conn is nil.
func follow(conn net.Conn) *figures {
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
	switch m.Type {
	case wire.MsgDisplay:
		model, picture := m.Bundle[chartFormat], m.Bundle["image/png"]
		if model != nil || picture != nil {
			f.add(withPicture(model, picture))
			f.bare = model == nil
		}
	case wire.MsgChart:
		f.omitted += m.More
		if m.Chart == nil {
			return
		}
		if model := m.Chart; f.bare && len(f.list) > 0 {
			last := f.list[len(f.list)-1]
			var shown struct {
				PNG json.RawMessage `json:"png"`
			}
			_ = json.Unmarshal(last, &shown)
			f.list, f.bytes = f.list[:len(f.list)-1], f.bytes-len(last)
			f.add(withPicture(model, shown.PNG))
		} else {
			f.add(model)
		}
		f.bare = false
	}
}

func (f *figures) add(figure json.RawMessage) {
	if f.bytes+len(figure) > figureLimit {
		f.omitted++
		f.bare = false
		return
	}
	f.bytes += len(figure)
	f.list = append(f.list, figure)
}

// withPicture is a figure's model with its picture, either of which may be
// missing. What isn't an object is left as it is.
func withPicture(model, picture json.RawMessage) json.RawMessage {
	members := map[string]json.RawMessage{}
	if model != nil && json.Unmarshal(model, &members) != nil {
		return model
	}
	if _, has := members["png"]; has || picture == nil {
		return model
	}
	members["png"] = picture
	figure, err := json.Marshal(members)
	if err != nil {
		return model
	}
	return figure
}
