package stream

import (
	"slices"
	"time"

	"hotcell/internal/pack"
)

// ending is how a log came to its end.
type ending struct {
	at      time.Time
	summary []byte
}

func (e ending) frame() frame {
	return frame{kind: frameEnd, payload: append(pack.Time(make([]byte, 0, pack.TimeSize+len(e.summary)), e.at), e.summary...)}
}

func decodeEnding(src []byte) (ending, bool) {
	r := pack.NewReader(src)
	e := ending{at: r.Time()}
	e.summary = slices.Clone(r.Rest()) // the file's other bytes need not stay for it
	return e, r.OK()
}

func (m Meta) encode() []byte {
	dst := make([]byte, 0, 64+len(m.Kind)+len(m.ID)+len(m.Group)+len(m.Parent)+len(m.More))
	for _, text := range []string{m.Kind, m.ID, m.Group, m.Parent} {
		dst = pack.Text(dst, text)
	}
	return append(pack.Time(dst, m.Created), m.More...)
}

func decodeMeta(src []byte) (Meta, bool) {
	r := pack.NewReader(src)
	m := Meta{Kind: r.Text(), ID: r.Text(), Group: r.Text(), Parent: r.Text(), Created: r.Time()}
	m.More = slices.Clone(r.Rest())
	return m, r.OK()
}
