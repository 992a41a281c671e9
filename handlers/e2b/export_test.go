package e2b

import "hotcell/internal/wire"

// AppendEvent is what a stream has of an event.
func AppendEvent(e *wire.Event) ([]byte, error) { return New(Deps{}).appendEvent(nil, e) }
