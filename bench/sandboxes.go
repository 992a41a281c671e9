package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// between is ample for a server to make the next sandbox's boundary.
const between = 200 * time.Millisecond

// newSandboxes makes sandboxes, and measures until something has run in them. What is
// around them is most of what that takes, where it isn't made ahead.
func newSandboxes(ctx context.Context, l *lab, _ int) error {
	return errors.Join(
		each(ctx, lives, func() error {
			return l.newSandbox(ctx, "sandbox.command", "/process/execute", map[string]any{"command": "echo on"})
		}),
		each(ctx, lives, func() error {
			return l.newSandbox(ctx, "sandbox.context", "/process/interpreter/context", map[string]any{"language": "python"})
		}),
	)
}

func (l *lab) newSandbox(ctx context.Context, name, path string, body map[string]any) error {
	if err := pause(ctx, between); err != nil {
		return err
	}
	d := l.warm.daytona
	var made struct{ ID string }
	began := time.Now()
	if err := d.call(ctx, http.MethodPost, l.warm.url+"/api/sandbox", map[string]any{}, &made); err != nil {
		return fmt.Errorf("make a sandbox: %w", err)
	}
	toolbox := d.toolbox[:strings.LastIndexByte(d.toolbox, '/')+1] + made.ID
	err := d.call(ctx, http.MethodPost, toolbox+path, body, nil)
	l.addUnless(err, name, time.Since(began))
	return errors.Join(err, d.call(ctx, http.MethodDelete, l.warm.url+"/api/sandbox/"+made.ID, nil, nil))
}
