package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"hotcell/handlers/artifact"
	"hotcell/handlers/fault"
	"hotcell/internal/activity"
)

// maxTimeout is the longest time limit that a request may set. It is far
// beyond any use and keeps the arithmetic of durations from overflowing.
const maxTimeout = 366 * 24 * time.Hour

// maxID bounds the id of a request, which is echoed with every answer, and of
// an execution, which is with every message of events.
const maxID = 128

// Request is everything that a client can ask for. Over HTTP the address and
// method say what Type, Context and Execution say over a WebSocket.
type request struct {
	ID   json.RawMessage `json:"id"`
	Type string          `json:"type"`

	Sandbox   string `json:"sandbox"`
	Context   string `json:"context"`
	Execution string `json:"execution"`

	Language string            `json:"language"`
	Cwd      string            `json:"cwd"`
	Env      map[string]string `json:"env"`

	Code    *string  `json:"code"`
	Timeout float64  `json:"timeout_ms"`
	Stdin   bool     `json:"stdin"`
	Formats []string `json:"formats"` // of pictures that the kernel draws, beside PNG
	Wait    bool     `json:"wait"`    // HTTP only
	Events  *bool    `json:"events"`  // WebSocket only: attach at once; true if absent
	From    uint64   `json:"from"`
	Inline  *int     `json:"inline"` // bytes of data that an event may carry

	Grace  *float64 `json:"grace_ms"`
	Value  *string  `json:"value"`
	EOF    bool     `json:"eof"`
	Cursor *int     `json:"cursor"`
	Detail int      `json:"detail"`

	origin activity.Origin // who sends it
}

// decodeRequest reads one request. What it returns is usable even with a
// fault: then it holds the id, if there was one to be found.
func decodeRequest(body []byte) (request, *fault.Fault) {
	var r request
	if !utf8.Valid(body) {
		r.ID = findID(body)
		return r, invalid("the request is not valid UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	err := dec.Decode(&r)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			return r, invalid("there is something after the JSON object")
		}
	}
	if errors.Is(err, io.EOF) {
		return r, invalid("the request is empty")
	}
	if f := checkID(&r); f != nil {
		return r, f
	}
	if err != nil {
		if r.ID == nil {
			r.ID = findID(body) // it stands behind what was wrong
		}
		return r, decodeFault(err)
	}
	if bytes.Equal(bytes.TrimSpace(body), []byte("null")) {
		return r, invalid("the request must be a JSON object, not null")
	}
	return r, r.check()
}

// checkID drops an id that could not be echoed.
func checkID(r *request) *fault.Fault {
	switch {
	case r.ID == nil:
		return nil
	case len(r.ID) > maxID:
		r.ID = nil
		return invalid("member \"id\" is longer than %d bytes", maxID)
	case r.ID[0] == '"' || r.ID[0] == '-' || r.ID[0] >= '0' && r.ID[0] <= '9':
		return nil
	default:
		r.ID = nil
		return invalid("member \"id\" must be a string or a number")
	}
}

// check looks at the members whose values can be wrong in themselves.
func (r *request) check() *fault.Fault {
	limit := float64(maxTimeout / time.Millisecond)
	switch {
	case len(r.Execution) > maxID:
		return invalid("member \"execution\" is longer than %d bytes", maxID)
	case r.Timeout < 0:
		return invalid("member \"timeout_ms\" must not be negative; 0 or nothing is no time limit")
	case r.Timeout > limit:
		return invalid("member \"timeout_ms\" must be at most %.0f (366 days); 0 or nothing is no time limit", limit)
	case r.Grace != nil && math.Abs(*r.Grace) > limit:
		return invalid("member \"grace_ms\" must be at most %.0f (366 days)", limit)
	case r.Cursor != nil && *r.Cursor < 0:
		return invalid("member \"cursor\" must not be negative")
	case r.Inline != nil && *r.Inline < 0:
		return invalid("member \"inline\" must not be negative; 0 is links to all data")
	case r.Detail != 0 && r.Detail != 1:
		return invalid("member \"detail\" must be 0 or 1")
	case !drawable(r.Formats):
		return invalid("member \"formats\" must be an array of svg and pdf, not %q", r.Formats)
	case r.Value != nil && r.EOF:
		return invalid("members \"value\" and \"eof\" exclude each other")
	}
	return nil
}

// drawable says whether kernels know how to draw all of these formats. PNG is
// what they draw anyway.
func drawable(formats []string) bool {
	return !slices.ContainsFunc(formats, func(f string) bool { return f != "png" && f != "svg" && f != "pdf" })
}

// timeout is the time limit; what is under a millisecond counts as one, since
// none is 0.
func (r *request) timeout() time.Duration {
	if r.Timeout == 0 {
		return 0
	}
	return max(time.Duration(r.Timeout*float64(time.Millisecond)), time.Millisecond)
}

// inline is how much data an event may carry on a WebSocket.
func (r *request) inline() int {
	if r.Inline == nil {
		return artifact.Limit
	}
	return *r.Inline
}

// grace is how long an interrupt waits before it kills: 0 is the default,
// negative never.
func (r *request) grace() time.Duration {
	switch {
	case r.Grace == nil:
		return 0
	case *r.Grace < 0:
		return -1
	default:
		return max(time.Duration(*r.Grace*float64(time.Millisecond)), time.Nanosecond)
	}
}

// need reports the first of the members that is missing.
func (r *request) need(members ...string) *fault.Fault {
	present := map[string]bool{
		"context":   r.Context != "",
		"execution": r.Execution != "",
		"language":  r.Language != "",
		"code":      r.Code != nil,
		"cursor":    r.Cursor != nil,
	}
	i := slices.IndexFunc(members, func(m string) bool { return !present[m] })
	if i < 0 {
		return nil
	}
	return invalid("member %q is missing", members[i])
}

// needEither reports that neither of two members is there.
func (r *request) needEither(a, b string) *fault.Fault {
	if r.need(a) != nil && r.need(b) != nil {
		return invalid("member %q or %q is missing", a, b)
	}
	return nil
}

// findID looks for the id in a request that could not be decoded, as far as
// it can be read. Clients that send the id first always get it back.
func findID(body []byte) json.RawMessage {
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil
	}
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return nil
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil
		}
		if key == "id" {
			r := request{ID: value}
			if checkID(&r) != nil || !utf8.Valid(r.ID) {
				return nil
			}
			return r.ID
		}
	}
	return nil
}
