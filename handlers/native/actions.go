package native

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"hotcell/contexts"
	"hotcell/handlers/access"
	"hotcell/internal/activity"
	"hotcell/internal/wire"
	"hotcell/interpreter"
)

// The actions of the protocol, each said once: REST and the WebSocket only
// differ in where a request comes from and where its answer goes.

// defaultContext is the id that means a sandbox's default context.
const defaultContext = "default"

// usesDefault reports whether a request is about a default context.
func (r *request) usesDefault() bool { return r.Context == "" || r.Context == defaultContext }

// find returns the context that a request wants to use. A default one is made
// when it is not there yet.
func (d *Dialect) find(ctx context.Context, r *request) (*contexts.Entry, error) {
	if !r.usesDefault() {
		return d.enter(r)
	}
	sandbox, o, err := d.cfg.Sandboxes.Enter(r.by, cmp.Or(r.Sandbox, DefaultSandbox))
	if err != nil {
		return nil, err
	}
	o.Language = cmp.Or(r.Language, o.Language)
	return d.cfg.Contexts.Default(activity.By(ctx, r.origin), sandbox, o)
}

// enter returns the context that a request names by its id, for use, which is
// activity in its sandbox.
func (d *Dialect) enter(r *request) (*contexts.Entry, error) {
	e, err := d.named(r)
	if err != nil {
		return nil, err
	}
	if _, _, err := d.cfg.Sandboxes.Enter(r.by, e.Owner); err != nil {
		return nil, err
	}
	return e, nil
}

// named returns the context that a request names by its id.
func (d *Dialect) named(r *request) (*contexts.Entry, error) {
	if r.Sandbox == "" {
		return d.cfg.Contexts.See(r.Context, r.by.Sees)
	}
	sandbox, _, err := d.cfg.Sandboxes.Enter(r.by, r.Sandbox)
	if err != nil {
		return nil, err
	}
	return d.cfg.Contexts.Lookup(sandbox, r.Context)
}

// existing is like find, but makes nothing.
func (d *Dialect) existing(r *request) (*contexts.Entry, error) {
	if !r.usesDefault() {
		return d.named(r)
	}
	sandbox, o, err := d.cfg.Sandboxes.Enter(r.by, cmp.Or(r.Sandbox, DefaultSandbox))
	if err != nil {
		return nil, err
	}
	return d.existingDefault(sandbox, cmp.Or(r.Language, o.Language))
}

// existingDefault is the default context of a language, or, when none is
// named, the one that there is.
func (d *Dialect) existingDefault(sandbox, language string) (*contexts.Entry, error) {
	if language == "" {
		return d.cfg.Contexts.Lookup(sandbox, defaultContext)
	}
	_, language, err := d.cfg.Runtimes.Lookup(language)
	if err != nil {
		return nil, err
	}
	for _, e := range d.cfg.Contexts.All() {
		if e.Owner == sandbox && e.Default && e.Language() == language {
			return e, nil
		}
	}
	return nil, contexts.ErrNotFound
}

func (d *Dialect) create(ctx context.Context, r *request) (shownContext, error) {
	sandbox, o, err := d.cfg.Sandboxes.Enter(r.by, cmp.Or(r.Sandbox, DefaultSandbox))
	if err != nil {
		return shownContext{}, err
	}
	o.Language = cmp.Or(r.Language, o.Language)
	switch {
	case filepath.IsAbs(r.Cwd):
		o.Cwd = r.Cwd
	case r.Cwd != "": // of the sandbox, as what is relative in its code is
		o.Cwd = filepath.Join(o.Cwd, r.Cwd)
	}
	env := make(map[string]string, len(o.Env)+len(r.Env))
	maps.Copy(env, o.Env)
	maps.Copy(env, r.Env)
	o.Env = env
	e, err := d.cfg.Contexts.Create(activity.By(ctx, r.origin), sandbox, o)
	if err != nil {
		return shownContext{}, err
	}
	return showContext(e), nil
}

// contextList lists the contexts of one sandbox, or of all that the client may
// see, oldest first.
func (d *Dialect) contextList(by *access.Access, sandbox string) ([]shownContext, error) {
	sees, err := d.sees(by, sandbox)
	if err != nil {
		return nil, err
	}
	out := []shownContext{}
	for _, e := range d.cfg.Contexts.All() {
		if sees(e.Owner) {
			out = append(out, showContext(e))
		}
	}
	slices.SortFunc(out, func(a, b shownContext) int {
		return cmp.Or(a.Created.Compare(b.Created), strings.Compare(a.ID, b.ID))
	})
	return out, nil
}

// executionList lists the executions of one context, which may be gone.
func (d *Dialect) executionList(r *request) ([]shownExecution, error) {
	if r.usesDefault() {
		e, err := d.existing(r)
		if err != nil {
			return nil, err
		}
		return showExecutions(e.Executions()), nil
	}
	sees, err := d.sees(r.by, r.Sandbox)
	if err != nil {
		return nil, err
	}
	all, err := d.cfg.Contexts.Executions(r.Context, sees)
	return showExecutions(all), err
}

// mostListed is how many executions one answer lists, of all contexts together.
const mostListed = 1000

// keptList lists the newest executions of a sandbox, or of all that the client may see.
func (d *Dialect) keptList(by *access.Access, sandbox string) ([]shownExecution, error) {
	sees, err := d.sees(by, sandbox)
	if err != nil {
		return nil, err
	}
	return showExecutions(d.cfg.Contexts.Kept(mostListed, sees)), nil
}

// sees tells what belongs to a sandbox, or, when none is named, to those that the
// client may see.
func (d *Dialect) sees(by *access.Access, sandbox string) (func(owner string) bool, error) {
	if sandbox == "" {
		return by.Sees, nil
	}
	id, _, err := d.cfg.Sandboxes.Enter(by, sandbox)
	return func(owner string) bool { return owner == id }, err
}

func showExecutions(all []*interpreter.Execution) []shownExecution {
	out := []shownExecution{}
	for _, x := range all {
		out = append(out, showExecution(x))
	}
	return out
}

// remove deletes a context. It isn't given up when the client leaves.
func (d *Dialect) remove(ctx context.Context, r *request) error {
	e, err := d.existing(r)
	if err != nil {
		return err
	}
	return d.cfg.Contexts.Delete(activity.By(context.WithoutCancel(ctx), r.origin), e.Owner, e.ID())
}

func (d *Dialect) restart(ctx context.Context, r *request) (shownContext, error) {
	e, err := d.existing(r)
	if err != nil {
		return shownContext{}, err
	}
	if err := e.Restart(context.WithoutCancel(ctx)); err != nil {
		return shownContext{}, err
	}
	return showContext(e), nil
}

// enqueue starts an execution in e. An id that a client chose is known beyond
// its context: attach and interrupt find it without naming one.
func (d *Dialect) enqueue(e *contexts.Entry, r *request) (*interpreter.Execution, error) {
	if r.Execution != "" {
		// One that the client may not see has the id too; then that alone is said.
		if x, err := d.execution(r.by, r.Execution); err == nil && x.ContextID() != e.ID() {
			return nil, fmt.Errorf("%w: %s, in context %s", interpreter.ErrDuplicateID, r.Execution, x.ContextID())
		}
	}
	return r.by.Execute(func() (*interpreter.Execution, error) {
		return e.Execute(interpreter.Request{
			ID: r.Execution, Code: *r.Code, Env: r.Env, Timeout: r.timeout(), Stdin: r.Stdin, Formats: r.Formats, Origin: r.origin,
		})
	})
}

// interruptText is what the user reads about an interrupt that came this way.
const interruptText = "interrupted by a client"

// interrupt ends one execution, or what runs in a context.
func (d *Dialect) interrupt(r *request) error {
	if r.Execution == "" {
		e, err := d.existing(r)
		if err != nil {
			return err
		}
		return e.Interrupt(interruptText, r.grace())
	}
	x, err := d.execution(r.by, r.Execution)
	if err != nil {
		return err
	}
	return x.Interrupt(interruptText, r.grace())
}

// execution finds one in the sandboxes that the client may see.
func (d *Dialect) execution(by *access.Access, id string) (*interpreter.Execution, error) {
	return d.cfg.Contexts.Execution(id, by.Sees)
}

// answer replies to an input request; accepted as [interpreter.Execution.Reply] says.
func (d *Dialect) answer(r *request, accepted func()) error {
	if r.Value == nil && !r.EOF {
		return invalid("member \"value\" is missing (or \"eof\": true, to end the input)")
	}
	x, err := d.execution(r.by, r.Execution)
	if err != nil {
		return err
	}
	value := ""
	if r.Value != nil {
		value = *r.Value
	}
	return x.Reply(value, r.EOF, accepted)
}

// question is one of the things that a driver can be asked about code.
type question struct {
	needs []string
	put   func(context.Context, *contexts.Entry, *request) (wire.Message, error)
	show  func(wire.Message) shownReply
}

const (
	askComplete   = "complete"
	askInspect    = "inspect"
	askIsComplete = "is_complete"
)

func questionOf(kind string) question {
	switch kind {
	case askComplete:
		return question{
			needs: []string{"code", "cursor"},
			put: func(ctx context.Context, e *contexts.Entry, r *request) (wire.Message, error) {
				return e.Complete(ctx, *r.Code, *r.Cursor)
			},
			show: func(m wire.Message) shownReply {
				return shownReply{Matches: m.Matches, Start: &m.Start, End: &m.End}
			},
		}
	case askInspect:
		return question{
			needs: []string{"code", "cursor"},
			put: func(ctx context.Context, e *contexts.Entry, r *request) (wire.Message, error) {
				return e.Inspect(ctx, *r.Code, *r.Cursor, r.Detail)
			},
			show: func(m wire.Message) shownReply { return shownReply{Found: &m.Found, Bundle: m.Bundle} },
		}
	default:
		return question{
			needs: []string{"code"},
			put: func(ctx context.Context, e *contexts.Entry, r *request) (wire.Message, error) {
				return e.IsComplete(ctx, *r.Code)
			},
			show: func(m wire.Message) shownReply { return shownReply{Status: m.Status, Indent: m.Indent} },
		}
	}
}

// ask puts a question to a context's driver and waits for the answer.
func (d *Dialect) ask(ctx context.Context, kind string, r *request) (shownReply, error) {
	q := questionOf(kind)
	if f := r.need(q.needs...); f != nil {
		return shownReply{}, f
	}
	e, err := d.find(ctx, r)
	if err != nil {
		return shownReply{}, err
	}
	m, err := q.put(ctx, e, r)
	if err != nil {
		return shownReply{}, err
	}
	return q.show(m), nil
}
