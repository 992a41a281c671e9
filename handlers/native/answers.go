package native

import "encoding/json"

// answer is what is sent back for one request.
type answer struct {
	Type   string          `json:"type"` // reply or error
	ID     json.RawMessage `json:"id,omitempty"`
	Result any             `json:"result,omitempty"`
	Error  *shownFault     `json:"error,omitempty"`
}

// reply answers r with a result.
func (s *session) reply(r *request, result any) {
	s.post(s.encode(answer{Type: "reply", ID: r.ID, Result: result}))
}

// replyWithEvents answers r with a result that leaves together with the first
// events, or soon. Attach has to follow.
func (s *session) replyWithEvents(r *request, result any) {
	b := s.encode(answer{Type: "reply", ID: r.ID, Result: result})
	select {
	case s.replies <- b:
	default:
		s.post(b)
	}
}

// fail answers r, which may be nil, with an error.
func (s *session) fail(r *request, err error) {
	f := show(s.d.fault(err))
	a := answer{Type: "error", Error: &f}
	if r != nil {
		a.ID = r.ID
	}
	s.post(s.encode(a))
}

func (s *session) encode(a answer) []byte {
	b, err := appendJSON(nil, a)
	if err != nil {
		f := show(s.d.fault(err))
		b, _ = appendJSON(nil, answer{Type: "error", ID: a.ID, Error: &f}) // strings only
	}
	return b
}

// post queues an answer, waiting for room if it must.
func (s *session) post(b []byte) {
	select {
	case s.replies <- b:
		s.nudge()
	case <-s.ctx.Done():
	}
}

// nudge wakes serve.
func (s *session) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write sends the answers that wait and then a message, unless there is none. The
// answer to the request that began an execution was queued before its events were
// read, so it leaves before them. It waits for its turn, unless given up, and
// reports whether more may follow.
func (s *session) write(givenUp <-chan struct{}, msg []byte) bool {
	select {
	case s.turn <- struct{}{}:
	case <-givenUp:
		return false
	}
	defer func() { <-s.turn }()
	return s.send(msg)
}

// send is write for those who have the turn.
func (s *session) send(msg []byte) bool {
	select {
	case <-s.broken:
		return false
	default:
	}
	s.takeReplies()
	msgs := s.taken
	if s.taken = nil; msg != nil {
		msgs = append(msgs, msg)
	}
	if len(msgs) == 0 {
		return true
	}
	if s.conn.Write(msgs...) != nil {
		close(s.broken)
		return false
	}
	return true
}

// takeReplies takes the answers that wait out of the queue, and returns how many
// bytes are to be sent before anything else. It is for those who have the turn.
func (s *session) takeReplies() (size int) {
	for len(s.replies) > 0 {
		s.taken = append(s.taken, <-s.replies)
	}
	for _, reply := range s.taken {
		size += len(reply)
	}
	return size
}
