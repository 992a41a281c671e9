package durable_test

import (
	"net/http"
	"strings"
	"testing"

	"hotcell/e2e/program"
)

// things are what runs beside contexts.
type things struct{ one, two, running, over string }

// command is one of a session.
type command struct {
	CmdID    string `json:"cmdId"`
	ID       string `json:"id"`
	Output   string `json:"output"`
	ExitCode *int   `json:"exitCode"`
}

const toolbox = "/toolbox/default/process"

// startThings starts a session with two commands, a terminal, and two commands of their own.
func startThings(t *testing.T, p *program.Program) *things {
	t.Helper()
	var one, two command
	ask(t, p, http.MethodPost, toolbox+"/session", map[string]any{"sessionId": "s"}, nil)
	ask(t, p, http.MethodPost, toolbox+"/session/s/exec", map[string]any{"command": "echo one; (exit 3)"}, &one)
	ask(t, p, http.MethodPost, toolbox+"/session/s/exec", map[string]any{"command": "echo two; (setsid sleep 602 &); sleep 600", "runAsync": true}, &two)
	for !strings.Contains(logs(t, p, two.CmdID), "two") { // the server tells nobody
	}
	if status := ask(t, p, http.MethodPost, toolbox+"/pty", map[string]any{"id": "t", "cols": 80, "rows": 24}, nil); status >= http.StatusMultipleChoices {
		t.Fatalf("terminal: %d", status)
	}
	var over, running struct{ ID, State string }
	ask(t, p, http.MethodPost, "/v1/commands", map[string]any{"command": "echo over; exit 4", "events": false}, &over)
	ask(t, p, http.MethodPost, "/v1/commands", map[string]any{"command": "echo runs; sleep 600", "events": false}, &running)
	for eventsOf(t, p, over.ID) < 3 || eventsOf(t, p, running.ID) < 2 {
	}
	return &things{one: one.CmdID, two: two.CmdID, running: running.ID, over: over.ID}
}

func logs(t *testing.T, p *program.Program, command string) string {
	t.Helper()
	var log string
	ask(t, p, http.MethodGet, toolbox+"/session/s/command/"+command+"/logs", nil, &log)
	return strings.NewReplacer("\x01", "", "\x02", "").Replace(log) // marks before pieces of each stream
}

func eventsOf(t *testing.T, p *program.Program, id string) int {
	t.Helper()
	var c struct{ Events int }
	ask(t, p, http.MethodGet, "/v1/commands/"+id, nil, &c)
	return c.Events
}

// account asks the next server about all of them.
func (th *things) account(t *testing.T, p *program.Program) {
	t.Helper()
	var s struct{ Commands []command }
	if status := ask(t, p, http.MethodGet, toolbox+"/session/s", nil, &s); status != http.StatusOK || len(s.Commands) != 2 {
		t.Fatalf("%d %+v", status, s)
	}
	if c := s.Commands[0]; c.ID != th.one || c.ExitCode == nil || *c.ExitCode != 3 || logs(t, p, th.one) != "one\n" {
		t.Errorf("the one that had ended: %+v %q", c, logs(t, p, th.one))
	}
	if c, log := s.Commands[1], logs(t, p, th.two); c.ExitCode == nil || *c.ExitCode != -1 || !strings.HasPrefix(log, "two\n") || !strings.Contains(log, "the server died") {
		t.Errorf("the one that ran: %+v %q", c, log)
	}
	var f fault
	if status := ask(t, p, http.MethodPost, toolbox+"/session/s/exec", map[string]any{"command": "true"}, &f); status != http.StatusGone || !strings.Contains(f.Message, "the server died") {
		t.Errorf("a command for the old session: %d %+v", status, f)
	}
	if status := ask(t, p, http.MethodPost, toolbox+"/session", map[string]any{"sessionId": "s"}, nil); status != http.StatusCreated {
		t.Errorf("the session anew: %d", status)
	}
	if status := ask(t, p, http.MethodGet, toolbox+"/pty/t", nil, &f); status != http.StatusNotFound || !strings.Contains(f.Message, "the server died") {
		t.Errorf("the terminal: %d %+v", status, f)
	}
	var c struct {
		Command, Status, Reason string
		Code                    int `json:"exit_code"`
		Events                  int
	}
	if ask(t, p, http.MethodGet, "/v1/commands/"+th.over, nil, &c); c.Status != "exited" || c.Code != 4 || c.Command != "echo over; exit 4" || c.Events != 3 {
		t.Errorf("the command that had ended: %+v", c)
	}
	if ask(t, p, http.MethodGet, "/v1/commands/"+th.running, nil, &c); c.Status != "ended" || c.Code != -1 || !strings.Contains(c.Reason, "the server died") || c.Events != 3 {
		t.Errorf("the command that ran: %+v", c)
	}
}
