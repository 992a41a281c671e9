// Package access is what the client of a request or of a WebSocket may do: whose
// key it has shown, how much that allows, and in which sandboxes. What another
// key's client may see is, for this one, not there: the same words answer for a
// sandbox that it may not know of and for one that isn't.
//
// It owns nothing. An [Access] may be kept after the handler has returned.
package access

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/gofiber/fiber/v2"

	"hotcell/handlers/fault"
	"hotcell/keys"
	"hotcell/sandboxes"
)

// Access is what one client may do. Nil is nobody who may do anything; a nil one
// is never a request's that has passed.
type Access struct {
	key       *keys.Key
	sandbox   string // the id of the only one that a token opens; empty: the key says
	scope     keys.Scope
	sandboxes *sandboxes.Registry
}

// New is for whoever has shown a key.
func New(key *keys.Key, registry *sandboxes.Registry) *Access {
	return &Access{key: key, scope: key.Scope, sandboxes: registry}
}

// Token is for whoever has shown a token of one sandbox, which was given to a
// key's client: it can run code there, and no longer than the key may.
func Token(key *keys.Key, sandbox string, registry *sandboxes.Registry) *Access {
	return &Access{key: key, sandbox: sandbox, scope: min(keys.Run, key.Scope), sandboxes: registry}
}

type local struct{}

// Set notes whose a request is.
func (a *Access) Set(c *fiber.Ctx) { c.Locals(local{}, a) }

// Of is whose a request is; nil before somebody has looked.
func Of(c *fiber.Ctx) *Access {
	a, _ := c.Locals(local{}).(*Access)
	return a
}

// Key is the key that was shown, or that a token was given to.
func (a *Access) Key() *keys.Key { return a.key }

// Name is the key's name, for a log of who did what.
func (a *Access) Name() string { return a.key.Name }

// Scope is how much the client may do.
func (a *Access) Scope() keys.Scope { return a.scope }

// Sandbox is the id of the one sandbox that a token opens; empty if a key was shown.
func (a *Access) Sandbox() string { return a.sandbox }

// Context ends when the key does, with the reason as its cause.
func (a *Access) Context() context.Context { return a.key.Context() }

// Free reports whether all sandboxes are open to the client, those too that will
// be made.
func (a *Access) Free() bool { return a.sandbox == "" && !a.key.Confined() }

// SeesSandbox reports whether a sandbox is there for this client.
func (a *Access) SeesSandbox(sb sandboxes.Sandbox) bool {
	switch {
	case a.sandbox != "":
		return a.sandbox == sb.ID
	case a.key.Confined():
		return a.key.Lists(sb.ID) || a.key.Lists(sb.Name)
	default:
		return true
	}
}

// Sees is SeesSandbox for an id.
func (a *Access) Sees(id string) bool {
	if a.Free() {
		return true
	}
	sb, err := a.sandboxes.Lookup(id)
	return err == nil && a.SeesSandbox(sb)
}

// Enter is nil if the client may know of the sandbox with an id or name, whether
// or not there is one; else it is what is said of one that isn't there.
func (a *Access) Enter(idOrName string) error {
	if a.Free() {
		return nil
	}
	sb, err := a.sandboxes.Lookup(idOrName)
	if err == nil && !a.SeesSandbox(sb) {
		err = fmt.Errorf("%w: %q", sandboxes.ErrNotFound, idOrName)
	}
	return err
}

// Need refuses a client whose key doesn't allow so much.
func (a *Access) Need(scope keys.Scope) error {
	if a.scope >= scope {
		return nil
	}
	if a.sandbox != "" {
		return fault.New(http.StatusForbidden, "a preview token opens its sandbox's toolbox, not this")
	}
	return fault.New(http.StatusForbidden, "the key %q has the scope %s, this needs %s", a.Name(), a.scope, scope)
}

// Refused is the status of an error that is about what a key allows; 0: it isn't.
func Refused(err error) int {
	var limit *keys.LimitError
	var f *fault.Fault
	switch {
	case errors.As(err, &limit):
		return http.StatusTooManyRequests
	case errors.As(err, &f) && f.Status == http.StatusForbidden:
		return http.StatusForbidden
	}
	return 0
}

// NeedFree refuses a client that is confined to some sandboxes, for what concerns
// the others too.
func (a *Access) NeedFree() error {
	if a.Free() {
		return nil
	}
	return fault.New(http.StatusForbidden, "the key %q is confined to some sandboxes; this needs one that isn't", a.Name())
}
