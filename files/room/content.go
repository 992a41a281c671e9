package room

import (
	"context"
	"errors"
	"io"
	"time"

	"hotcell/files"
	"hotcell/internal/wire"
)

// Content is [files.Content], here or in the agent.
type Content struct {
	Size     int64
	Modified time.Time

	near *files.Content
	far  *call
	part part // that is wanted
	sent bool // it was asked for
	left int  // of the piece that is coming
	done int64
}

// Open is [files.Tree.Open].
func (r Room) Open(ctx context.Context, path string) (*Content, error) {
	if r.open == nil {
		near, err := r.tree.Open(path)
		if err != nil {
			return nil, err
		}
		return &Content{Size: near.Size, Modified: near.Modified, near: near}, nil
	}
	far, err := r.call(ctx, &request{Do: doOpen, Path: raw(path)})
	if err != nil {
		return nil, err
	}
	a, err := far.answer()
	if err == nil && a.Size < 0 {
		err = far.agent.lost(errors.New("its file has less than no size"))
	}
	if err != nil {
		far.close()
		return nil, err
	}
	return &Content{Size: a.Size, Modified: a.Modified, far: far, part: part{Size: a.Size}}, nil
}

// Section is [files.Content.Section], before the first Read.
func (c *Content) Section(offset, size int64) error {
	if c.near != nil {
		return c.near.Section(offset, size)
	}
	c.part = part{From: offset, Size: size}
	return nil
}

// Read is [files.Content.Read].
func (c *Content) Read(p []byte) (int, error) {
	if c.near != nil {
		return c.near.Read(p)
	}
	if c.done == c.part.Size {
		return 0, io.EOF
	}
	if err := c.piece(); err != nil {
		return 0, err
	}
	if err := c.far.await(c.far.conn.SetReadDeadline); err != nil {
		return 0, err
	}
	n, err := c.far.in.Read(p[:min(len(p), c.left)])
	c.left -= n
	c.done += int64(n)
	if err != nil {
		err = c.far.broken(err)
	}
	return n, err
}

// piece waits for the next piece, unless there is some of one left.
func (c *Content) piece() error {
	if !c.sent {
		c.sent = true
		if err := c.far.write(func() error { return wire.WriteFrame(c.far.conn, message{Part: &c.part}) }); err != nil {
			return err
		}
	}
	if c.left > 0 {
		return nil
	}
	m, err := c.far.next()
	if err != nil {
		return err
	}
	if m.Data <= 0 || int64(m.Data) > c.part.Size-c.done {
		return c.far.agent.lost(errors.New("it sends another file than it said"))
	}
	c.left = m.Data
	return nil
}

// Close closes the file.
func (c *Content) Close() error {
	if c.near != nil {
		return c.near.Close()
	}
	c.far.close()
	return nil
}
