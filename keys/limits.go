package keys

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits of one key. 0 is the server's own, and there no limit.
type Limits struct {
	// Rate is how many requests it may send. As many may come at once.
	Rate Rate `json:"rate,omitzero"`
	// Executions is how many runs of code and commands of it may wait or run at
	// once. Negative is no limit, whatever the server's is.
	Executions int `json:"executions,omitempty"`
	// Sockets is how many WebSockets it may have open at once; negative as above.
	Sockets int `json:"sockets,omitempty"`
}

// Words for the limits, for those who count how often each was met.
const (
	LimitRate       = "rate"
	LimitExecutions = "executions"
	LimitSockets    = "sockets"
)

// LimitError is that a key has reached one of its limits.
type LimitError struct {
	Name  string // the key's
	Limit string // which
	Most  string // what is allowed, in words: send 50/s requests
	// After is when to try again. It is a guess where the limit is one of what
	// runs at once.
	After time.Duration
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("the key %q may %s; try again in %s", e.Name, e.Most, e.After.Round(time.Millisecond))
}

// guess is how soon to try again when something has to end first.
const guess = time.Second

func (l Limits) validate() error {
	if l.Rate.Per < 0 || l.Rate.Count < 0 {
		return fmt.Errorf("%w: the rate must be like 50/s, 100/m or 1000/h, or none", ErrInvalid)
	}
	return nil
}

// over is l where it says something, and the server's limits where it doesn't.
func (l Limits) over(server Limits) Limits {
	if l.Rate.IsZero() {
		l.Rate = server.Rate
	}
	if l.Executions == 0 {
		l.Executions = server.Executions
	}
	if l.Sockets == 0 {
		l.Sockets = server.Sockets
	}
	return l
}

// Rate is so many in a time. The zero value says nothing; no limit is a Count
// of 0 in a time.
type Rate struct {
	Count int
	Per   time.Duration
}

// maxCount is more than any server answers.
const maxCount = 1_000_000

func units() map[string]time.Duration {
	return map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
}

// IsZero reports that nothing was said.
func (r Rate) IsZero() bool { return r == Rate{} }

func (r Rate) String() string {
	if r.IsZero() {
		return ""
	}
	for unit, per := range units() {
		if per == r.Per && r.Count > 0 {
			return strconv.Itoa(r.Count) + "/" + unit
		}
	}
	return "none"
}

// MarshalText is the rate as it is read.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads 50/s, 100/m, 1000/h, none, or nothing.
func (r *Rate) UnmarshalText(text []byte) error {
	switch string(text) {
	case "":
		*r = Rate{}
		return nil
	case "none":
		*r = Rate{Per: time.Second}
		return nil
	}
	count, unit, _ := strings.Cut(string(text), "/")
	n, err := strconv.Atoi(count)
	per, ok := units()[unit]
	if err != nil || !ok || n < 1 || n > maxCount {
		return fmt.Errorf("%q is no rate: 50/s, 100/m, 1000/h and none are, with at most %d", text, maxCount)
	}
	*r = Rate{n, per}
	return nil
}

// limiter is nil without a limit.
func (r Rate) limiter() *rate.Limiter {
	if r.Count == 0 {
		return nil
	}
	return rate.NewLimiter(rate.Limit(float64(r.Count)/r.Per.Seconds()), r.Count)
}

// Allow counts a request. The error says when the next one is welcome, or that the key's
// time is over.
func (k *Key) Allow() error {
	if err := k.alive(); err != nil {
		return err
	}
	if k.limiter == nil {
		return nil
	}
	now := k.now()
	r := k.limiter.ReserveN(now, 1)
	wait := r.DelayFrom(now)
	if wait == 0 {
		return nil
	}
	r.CancelAt(now)
	return k.refuse(LimitRate, "send "+k.limits.Rate.String()+" requests", wait)
}

func (k *Key) refuse(limit, most string, after time.Duration) error {
	return &LimitError{Name: k.Name, Limit: limit, Most: most, After: max(after, time.Millisecond)}
}

// MayOpenSocket says why OpenSocket would refuse.
func (k *Key) MayOpenSocket() error {
	release, err := k.OpenSocket()
	if err == nil {
		release()
	}
	return err
}

// OpenSocket counts a WebSocket, until release is called.
func (k *Key) OpenSocket() (release func(), err error) {
	if !k.take(&k.sockets, k.limits.Sockets) {
		return nil, k.refuse(LimitSockets, fmt.Sprintf("open %d WebSockets at once", k.limits.Sockets), guess)
	}
	return sync.OnceFunc(func() { k.give(&k.sockets) }), nil
}

// Begin counts an execution, until its lease is released.
func (k *Key) Begin() (*Lease, error) {
	if err := k.alive(); err != nil {
		return nil, err
	}
	if !k.take(&k.running, k.limits.Executions) {
		return nil, k.refuse(LimitExecutions, fmt.Sprintf("have %d executions and commands at once", k.limits.Executions), guess)
	}
	return &Lease{key: k}, nil
}

func (k *Key) take(n *int, limit int) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if limit > 0 && *n >= limit {
		return false
	}
	*n++
	return true
}

func (k *Key) give(n *int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	*n--
}

// Lease is an execution's place among those of its key.
type Lease struct {
	key *Key

	mu       sync.Mutex
	released bool
	stop     func() bool
}

// OnEnd has end called, on another goroutine, if the key ends before the lease
// is released.
func (l *Lease) OnEnd(end func(cause error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.released {
		ctx := l.key.ctx
		l.stop = context.AfterFunc(ctx, func() { end(context.Cause(ctx)) })
	}
}

// Release gives the place back. It may be called again.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return
	}
	l.released = true
	if l.stop != nil {
		l.stop()
	}
	l.key.give(&l.key.running)
}
