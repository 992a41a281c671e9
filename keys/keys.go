// Package keys is who may use a server: keys with a name, a scope, perhaps a
// list of sandboxes, an end and limits. A [Store] keeps them in a file, hashed;
// a [Key] is one in use, which ends whatever it has begun when it ends itself.
// It knows nothing of HTTP, and of sandboxes only that they have ids and names.
//
// A secret of a key is 192 random bits. SHA-256 of it is all that is kept: what
// makes a slow hash necessary for passwords is that they can be guessed, and
// nobody tries 2^192 of anything. A slow one would cost every request what it
// costs an attacker.
//
// Goroutines: none of its own. What is to happen at a key's end is called by
// goroutines of package context, or by that of a timer.
package keys

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Scope is how much a key may do. Each includes those before it.
type Scope int

// Scopes.
const (
	None  Scope = iota // nothing: no key has it
	Read               // look: lists, events, logs, downloads, status
	Run                // execute, type, upload, make and end contexts
	Admin              // sandboxes, keys, everything
)

func scopes() []string { return []string{"", "read", "run", "admin"} }

func (s Scope) String() string {
	if s < Read || s > Admin {
		return "none"
	}
	return scopes()[s]
}

// MarshalText is the scope's word.
func (s Scope) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the scope's word.
func (s *Scope) UnmarshalText(text []byte) error {
	i := slices.Index(scopes(), string(text))
	if i < int(Read) {
		return fmt.Errorf("%q is no scope: read, run and admin are", text)
	}
	*s = Scope(i)
	return nil
}

// Errors of the store.
var (
	ErrUnknown   = errors.New("the key is not valid")
	ErrNotFound  = errors.New("key not found")
	ErrNameTaken = errors.New("a key with this name exists already")
	ErrInvalid   = errors.New("invalid key")
	ErrLimit     = errors.New("too many keys")
	ErrFirst     = errors.New("the server's first key cannot be revoked while it runs; start it with another one")
)

// EndedError is that a key which was valid is not any more. It is the cause
// with which a key's context ends.
type EndedError struct {
	Name    string
	Expired bool // else it was revoked
}

func (e *EndedError) Error() string {
	if e.Expired {
		return fmt.Sprintf("the key %q has expired", e.Name)
	}
	return fmt.Sprintf("the key %q was revoked", e.Name)
}

// Spec is what a key is made of.
type Spec struct {
	Name      string    `json:"name"`
	Scope     Scope     `json:"scope"`
	Sandboxes []string  `json:"sandboxes,omitempty"` // ids or names; none: all
	Expires   time.Time `json:"expires,omitzero"`
	Limits
}

const (
	// maxKeys is more than one server has clients, and a file that is written in
	// a moment.
	maxKeys = 1000
	// maxSandboxes bounds one key's list.
	maxSandboxes = 100
	// maxSandbox is what a sandbox's name may have, in bytes.
	maxSandbox = 512
)

// Names that stand for a key of no record: what the audit log says of them.
const (
	FirstName   = "api-key"       // the one that the server was started with
	PreviewName = "preview-token" // tokens for one sandbox that the first key has asked for
	NobodyName  = "no-key"        // a server that asks for none, or one of this machine's
)

// validate reports what is wrong with a spec.
func (s *Spec) validate(now time.Time) error {
	named := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	switch {
	case !named.MatchString(s.Name):
		return fmt.Errorf("%w: the name must have 1 to 64 letters, digits, dots, dashes or underscores, and begin with a letter or digit; it is %q", ErrInvalid, s.Name)
	case isID(s.Name), slices.Contains([]string{FirstName, PreviewName, NobodyName}, s.Name):
		return fmt.Errorf("%w: the name %q means something else", ErrInvalid, s.Name)
	case s.Scope < Read || s.Scope > Admin:
		return fmt.Errorf("%w: the scope must be read, run or admin", ErrInvalid)
	case len(s.Sandboxes) > maxSandboxes:
		return fmt.Errorf("%w: it has %d sandboxes, %d are allowed", ErrInvalid, len(s.Sandboxes), maxSandboxes)
	case slices.ContainsFunc(s.Sandboxes, func(n string) bool { return n == "" || len(n) > maxSandbox }):
		return fmt.Errorf("%w: the name of a sandbox is empty or too long", ErrInvalid)
	case !s.Expires.IsZero() && !s.Expires.After(now):
		return fmt.Errorf("%w: its end %s has passed already", ErrInvalid, s.Expires.Format(time.RFC3339))
	}
	return s.Limits.validate()
}

// Info is a key as it may be shown.
type Info struct {
	ID string `json:"id"`
	Spec
	Created time.Time `json:"created"`
}

// Key is a key in use. All methods may be called at any time.
type Key struct {
	Info
	ctx     context.Context // ends when the key does
	cancel  context.CancelCauseFunc
	limits  Limits // in force: its own, or else the server's
	limiter *rate.Limiter
	now     func() time.Time

	mu      sync.Mutex
	running int
	sockets int
}

// Context ends when the key does, with an [EndedError] as its cause.
func (k *Key) Context() context.Context { return k.ctx }

// alive is why the key has ended, if it has. One whose timer is late, since the clock was
// set forward, ends now.
func (k *Key) alive() error {
	if k.Expired(k.now()) {
		k.cancel(&EndedError{k.Name, true})
	}
	return context.Cause(k.ctx)
}

// Confined reports whether the key is for some sandboxes only.
func (k *Key) Confined() bool { return len(k.Sandboxes) > 0 }

// Lists reports whether a sandbox, by its id or name, is in the key's list.
func (k *Key) Lists(sandbox string) bool { return slices.Contains(k.Sandboxes, sandbox) }

// Expired reports whether the key's time is over.
func (i Info) Expired(now time.Time) bool { return !i.Expires.IsZero() && !now.Before(i.Expires) }
