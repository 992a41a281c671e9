package driver

import (
	"hotcell/internal/wire"
	"hotcell/runtimes/golang/cell"
)

func (k *kernel) complete(req wire.Request) wire.Message {
	matches, start, end := k.session.Complete(req.Code, req.Cursor)
	m := wire.Message{Type: wire.MsgCompleteReply, ID: req.ID, Start: start, End: end}
	for _, c := range matches {
		m.Matches = append(m.Matches, wire.Match{Text: c.Text, Kind: c.Kind})
	}
	return m
}

func (k *kernel) inspect(req wire.Request) wire.Message {
	m := wire.Message{Type: wire.MsgInspectReply, ID: req.ID}
	text, ok := k.session.Describe(req.Code, req.Cursor)
	if ok {
		m.Found = true
		m.Bundle = wire.Bundle{"text/plain": quote(text)}
	}
	return m
}

func isComplete(code string) wire.Message {
	status, indent := cell.IsComplete(code)
	return wire.Message{Type: wire.MsgIsCompleteReply, Status: status, Indent: indent}
}
