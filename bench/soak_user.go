package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"
)

// perSession is how many commands a session gets: as long as one lives the server has
// something of each in memory, of the newest 1024.
const perSession = 50

// user is one client of a soak, which does one thing after another.
type user struct {
	daytona  *daytona
	native   *native
	contexts map[string]string // by language
	counted  map[string]int    // runs in them, which they count too
	own      string            // the context of the daytona dialect
	session  string
	commands int // in the session
}

func newUser(ctx context.Context, s *server) (*user, error) {
	u := &user{contexts: make(map[string]string), counted: make(map[string]int), session: "soak-" + uuid.NewString()}
	var err error
	if u.daytona, err = newDaytona(ctx, s); err != nil {
		return nil, err
	}
	if u.native, err = newNative(ctx, s); err != nil {
		return nil, err
	}
	for _, language := range []string{"python", "javascript", "go"} {
		if err := u.open(language); err != nil {
			return nil, err
		}
	}
	if u.own, _, err = u.daytona.create(ctx, "python"); err != nil {
		return nil, err
	}
	return u, u.openSession(ctx)
}

func (u *user) openSession(ctx context.Context) error {
	u.commands = 0
	return u.daytona.call(ctx, http.MethodPost, u.daytona.toolbox+"/process/session", map[string]any{"sessionId": u.session}, nil)
}

// renew makes another session in the place of one that has had enough.
func (u *user) renew(ctx context.Context) error {
	if u.commands++; u.commands <= perSession {
		return nil
	}
	err := u.daytona.call(ctx, http.MethodDelete, u.daytona.toolbox+"/process/session/"+u.session, nil, nil)
	return errors.Join(err, u.openSession(ctx))
}

// begin is a language's first cell in a context that counts.
func begin(language string) string {
	return map[string]string{"python": "n = 0\nn", "javascript": "let n = 0; n", "go": "n := 0\nn"}[language]
}

// next is each of the others.
func next(language string) string {
	return map[string]string{"python": "n += 1\nn", "javascript": "n += 1; n", "go": "n++\nn"}[language]
}

func (u *user) open(language string) error {
	k, err := u.native.create(language)
	if err != nil {
		return fmt.Errorf("make a %s context: %w", language, err)
	}
	u.contexts[language], u.counted[language] = k.ID, 0
	_, err = u.native.outcome(k.ID, begin(language), nil)
	return err
}

// work does what is due, until nothing more will be.
func (u *user) work(ctx context.Context, due <-chan string, count *soaked) {
	defer u.daytona.http.CloseIdleConnections()
	defer u.native.close()
	for kind := range due {
		began := time.Now()
		err := u.do(ctx, kind)
		count.note(kind, time.Since(began), err)
	}
}

func (u *user) do(ctx context.Context, kind string) error {
	python := u.contexts["python"]
	switch kind {
	case "python", "javascript", "go":
		return u.count(kind)
	case "daytona":
		_, err := u.daytona.run(ctx, u.own, "print('#', end='')")
		return err
	case "error":
		return u.expect(ctx, python, "1 / 0", "error", "ZeroDivisionError")
	case "output":
		return u.expect(ctx, python, "print('x' * 65536)", "ok", "")
	case "interrupt":
		return u.expectAfter(ctx, python, "while True: pass", "interrupted", "KeyboardInterrupt", 20*time.Millisecond)
	case "death":
		if err := u.expect(ctx, python, "import os; os._exit(3)", "died", "KernelDiedError"); err != nil {
			return err
		}
		u.counted["python"] = 0
		_, err := u.native.outcome(python, begin("python"), nil)
		return err
	case "context":
		k, err := u.native.create("python")
		if err != nil {
			return err
		}
		return errors.Join(u.expect(ctx, k.ID, "40 + 2", "ok", ""), u.native.remove(k.ID))
	default:
		return u.process(ctx, kind)
	}
}

// process runs what is no cell.
func (u *user) process(ctx context.Context, kind string) error {
	var got executed
	d := u.daytona
	switch kind {
	case "command":
		err := d.call(ctx, http.MethodPost, d.toolbox+"/process/execute", map[string]any{"command": "echo soaked"}, &got)
		return errors.Join(err, ended(kind, got.ExitCode, got.Result, "soaked"))
	case "session":
		if err := u.renew(ctx); err != nil {
			return err
		}
		err := d.call(ctx, http.MethodPost, d.toolbox+"/process/session/"+u.session+"/exec", map[string]any{"command": "echo soaked"}, &got)
		return errors.Join(err, ended(kind, got.ExitCode, got.Output, "soaked"))
	default:
		err := d.call(ctx, http.MethodPost, d.toolbox+"/process/code-run", map[string]any{"code": "print('soaked')", "language": "python"}, &got)
		return errors.Join(err, ended(kind, got.ExitCode, got.Result, "soaked"))
	}
}

// count runs a cell whose result says how many there were.
func (u *user) count(language string) error {
	u.counted[language]++
	got, err := u.native.outcome(u.contexts[language], next(language), nil)
	if err != nil {
		return err
	}
	if want := fmt.Sprint(u.counted[language]); got.result != want {
		return fmt.Errorf("the context has counted to %q, not to %s", got.result, want)
	}
	return nil
}

func (u *user) expect(ctx context.Context, id, code, status, name string) error {
	return u.expectAfter(ctx, id, code, status, name, 0)
}

// expectAfter runs code, which is interrupted after a while unless that is zero.
func (u *user) expectAfter(ctx context.Context, id, code, status, name string, after time.Duration) error {
	var stop func() error
	if after > 0 {
		stop = func() error {
			if err := pause(ctx, after); err != nil {
				return err
			}
			return u.native.s.send(map[string]any{"id": 0, "type": "interrupt", "context": id})
		}
	}
	got, err := u.native.outcome(id, code, stop)
	switch {
	case err != nil:
		return err
	case got.status != status || !strings.Contains(got.name, name):
		return fmt.Errorf("it ended as %s, %q, not as %s, %q", got.status, got.name, status, name)
	}
	return nil
}

// outcome is how a run ended.
type outcome struct{ status, name, result string }

// outcome runs code to its end, whatever that is. Running is called when it runs.
func (n *native) outcome(id, code string, running func() error) (outcome, error) {
	var o outcome
	n.id++
	if err := n.s.send(map[string]any{"id": n.id, "type": "execute", "context": id, "code": code}); err != nil {
		return o, err
	}
	for {
		raw, err := n.s.next()
		if err != nil {
			return o, fmt.Errorf("follow a run: %w", err)
		}
		var m message
		if err := json.Unmarshal(raw, &m); err != nil {
			return o, fmt.Errorf("decode a message: %w", err)
		}
		if m.Error != nil && m.ID == n.id {
			return o, fmt.Errorf("%s: %s", m.Error.Code, m.Error.Message)
		}
		for _, e := range m.Events {
			switch {
			case e.Type == "error":
				o.name = e.Name
			case e.Type == "result":
				_ = json.Unmarshal(e.Data["text/plain"], &o.result)
			case e.State == "running" && running != nil:
				if err := running(); err != nil {
					return o, err
				}
			case e.State == "done":
				o.status = e.Status
				return o, nil
			}
		}
	}
}
