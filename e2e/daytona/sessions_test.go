package daytona_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hotcell/e2e/testserver"
)

// shellLab speaks the wire of sessions to a sandbox of a server.
type shellLab struct {
	*testserver.Server
	sandbox string
}

// path is where a session of the sandbox is.
func (l shellLab) path(id, rest string) string {
	return "/toolbox/" + l.sandbox + "/process/session/" + url.PathEscape(id) + rest
}

// want makes a request and wants a status.
func (l shellLab) want(t *testing.T, status int, method, path string, body any, header http.Header) []byte {
	t.Helper()
	got, answer := call(t, l.Server, method, path, body, header)
	if got != status {
		t.Errorf("%s %s: %d %.300s, want %d", method, path, got, answer, status)
	}
	return answer
}

// refused wants a fault with a code, and some words in it.
func (l shellLab) refused(t *testing.T, status int, code, words, method, path string, body any) {
	t.Helper()
	fault := decode(t, l.want(t, status, method, path, body, nil))
	if message, _ := fault["message"].(string); fault["code"] != code || fault["source"] != "DAYTONA_DAEMON" || !strings.Contains(message, words) {
		t.Errorf("%s %s: %v, want %s with %q", method, path, fault, code, words)
	}
}

// as is what an SDK of a version says of itself.
func as(version string) http.Header { return http.Header{"X-Daytona-Sdk-Version": {version}} }

// executed is the answer to a command.
type executed struct {
	CmdID                          string
	Output, Stdout, Stderr, Result *string
	ExitCode                       *int
}

func (l shellLab) open(t *testing.T, id string) {
	t.Helper()
	l.want(t, http.StatusCreated, "POST", "/toolbox/"+l.sandbox+"/process/session", obj{"sessionId": id}, nil)
}

// run runs a command to its end.
func (l shellLab) run(t *testing.T, id, command string) executed {
	t.Helper()
	return l.execute(t, id, obj{"command": command}, http.StatusOK, as("0.218.0"))
}

// begin starts a command and returns its id.
func (l shellLab) begin(t *testing.T, id, command string) string {
	t.Helper()
	return l.execute(t, id, obj{"command": command, "runAsync": true}, http.StatusAccepted, as("0.218.0")).CmdID
}

func (l shellLab) execute(t *testing.T, id string, req obj, status int, header http.Header) executed {
	t.Helper()
	var e executed
	body := l.want(t, status, "POST", l.path(id, "/exec"), req, header)
	if err := json.Unmarshal(body, &e); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return e
}

// TestSessions has what one server can show.
func TestSessions(t *testing.T) {
	t.Parallel()
	l := shellLab{testserver.Start(t), "default"}
	for name, test := range map[string]func(*testing.T, shellLab){
		"life":                 sessionLife,
		"refusals":             sessionRefusals,
		"sandboxes":            sessionSandboxes,
		"asynchronous":         sessionAsync,
		"its end":              sessionEnd,
		"versions":             sessionVersions,
		"entrypoint":           sessionEntrypoint,
		"large command":        sessionLargeCommand,
		"deletion":             sessionDeletion,
		"a client that left":   sessionClientLeft,
		"follow live":          followLive,
		"follow after the end": followAfterTheEnd,
		"follow many":          followMany,
		"follow refused":       followRefused,
		"follow deleted":       followDeleted,
		"follow markers":       followMarkers,
		"follow addresses":     followAddresses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, l)
		})
	}
}

// TestSessionsAtShutdown ends a server while clients wait.
func TestSessionsAtShutdown(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	l := shellLab{s, "default"}
	l.open(t, "s")
	cmd := l.begin(t, "s", "echo on; sleep 600")
	awaitOutput(t, l, "s", cmd)
	conn := l.dialLog(t, "s", cmd)
	answers := make(chan obj)
	go func() { // ends with the server
		_, body := call(t, s, "POST", l.path("s", "/exec"), obj{"command": "true"}, nil)
		answers <- decode(t, body)
	}()
	awaitCommands(t, l, "s", 2)
	done := make(chan struct{})
	go func() { // ends with its test
		defer close(done)
		s.Close(t)
	}()
	if f := <-answers; f["code"] != "SHUTTING_DOWN" || f["statusCode"] != 503. {
		t.Errorf("%v", f)
	}
	if f := follow(t, conn); f.stdout != "on\n" || f.code != 1001 || !strings.Contains(f.reason, "shutting down") {
		t.Errorf("%+v", f)
	}
	<-done
}

func sessionLife(t *testing.T, l shellLab) {
	t.Helper()
	for _, id := range []string{"plain", "a/b//c", "../x", "zażółć 🧪 ?#%", "a/command/b/logs", "entrypoints"} {
		l.open(t, id)
		l.refused(t, http.StatusConflict, "CONFLICT", "exists already", "POST", "/toolbox/default/process/session", obj{"sessionId": id})
		e := l.run(t, id, "cd /usr; echo out; echo err >&2; false")
		if *e.Stdout != "out\n" || *e.Stderr != "err\n" || *e.Output != "out\nerr\n" || *e.ExitCode != 1 {
			t.Errorf("%+v", e)
		}
		if e := l.run(t, id, "pwd"); *e.Output != "/usr\n" || *e.ExitCode != 0 {
			t.Errorf("%+v", e)
		}
		got := decode(t, l.want(t, http.StatusOK, "GET", l.path(id, ""), nil, nil))
		commands, _ := got["commands"].([]any)
		if got["sessionId"] != id || len(commands) != 2 {
			t.Errorf("%v", got)
		}
		cmd := decode(t, l.want(t, http.StatusOK, "GET", l.path(id, "/command/"+e.CmdID), nil, nil))
		if cmd["id"] != e.CmdID || cmd["exitCode"] != 1. || !strings.HasPrefix(cmd["command"].(string), "cd /usr") {
			t.Errorf("%v", cmd)
		}
		logs := decode(t, l.want(t, http.StatusOK, "GET", l.path(id, "/command/"+e.CmdID+"/logs"), nil, as("0.218.0")))
		if logs["output"] != "out\nerr\n" || logs["stdout"] != "out\n" || logs["stderr"] != "err\n" {
			t.Errorf("%v", logs)
		}
		if body := l.want(t, http.StatusNoContent, "DELETE", l.path(id, ""), nil, nil); len(body) > 0 {
			t.Errorf("%s", body)
		}
		for _, gone := range []string{"", "/command/" + e.CmdID, "/command/" + e.CmdID + "/logs"} {
			l.refused(t, http.StatusNotFound, "NOT_FOUND", "not found", "GET", l.path(id, gone), nil)
		}
		l.refused(t, http.StatusNotFound, "NOT_FOUND", "not found", "DELETE", l.path(id, ""), nil)
	}
}

func sessionRefusals(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "refusals")
	all := "/toolbox/default/process/session"
	cmd := l.run(t, "refusals", "true").CmdID
	for name, c := range map[string]struct {
		status       int
		code, words  string
		method, path string
		body         any
	}{
		"no id":                  {400, "BAD_REQUEST", "id", "POST", all, obj{}},
		"empty id":               {400, "BAD_REQUEST", "id", "POST", all, obj{"sessionId": ""}},
		"long id":                {400, "BAD_REQUEST", "512", "POST", all, obj{"sessionId": strings.Repeat("x", 513)}},
		"a number":               {400, "BAD_REQUEST", "sessionId", "POST", all, obj{"sessionId": 1}},
		"not JSON":               {400, "INVALID_REQUEST_BODY", "JSON", "POST", all, []byte("{")},
		"a directory's name":     {400, "BAD_REQUEST", `".."`, "POST", all, obj{"sessionId": ".."}},
		"reserved":               {400, "BAD_REQUEST", "entrypoint", "POST", all, obj{"sessionId": "entrypoint"}},
		"reserved deletion":      {400, "BAD_REQUEST", "entrypoint", "DELETE", l.path("entrypoint", ""), nil},
		"reserved execution":     {400, "BAD_REQUEST", "entrypoint", "POST", l.path("entrypoint", "/exec"), obj{"command": "true"}},
		"no command":             {400, "BAD_REQUEST", "command", "POST", l.path("refusals", "/exec"), obj{}},
		"blank command":          {400, "BAD_REQUEST", "command", "POST", l.path("refusals", "/exec"), obj{"command": " \n"}},
		"NUL":                    {400, "BAD_REQUEST", "NUL", "POST", l.path("refusals", "/exec"), obj{"command": "echo a\x00b"}},
		"huge command":           {413, "REQUEST_TOO_LARGE", "16777216", "POST", l.path("refusals", "/exec"), obj{"command": "#" + strings.Repeat("x", 16<<20)}},
		"unknown session":        {404, "NOT_FOUND", "nobody", "POST", l.path("nobody", "/exec"), obj{"command": "true"}},
		"unknown command":        {404, "NOT_FOUND", "no-command", "GET", l.path("refusals", "/command/no-command"), nil},
		"logs of an unknown one": {404, "NOT_FOUND", "no-command", "GET", l.path("refusals", "/command/no-command/logs"), nil},
		"input to nothing":       {404, "NOT_FOUND", "no-command", "POST", l.path("refusals", "/command/no-command/input"), obj{"data": "x"}},
		"input without data":     {400, "BAD_REQUEST", "data is required", "POST", l.path("refusals", "/command/"+cmd+"/input"), obj{"input": "y"}},
		"input too late":         {410, "COMMAND_ALREADY_COMPLETED", "has ended", "POST", l.path("refusals", "/command/"+cmd+"/input"), obj{"data": "x"}},
		"no such thing":          {404, "NOT_FOUND", "address", "PUT", l.path("refusals", "/exec"), nil},
	} {
		t.Run(name, func(t *testing.T) {
			l.refused(t, c.status, c.code, c.words, c.method, c.path, c.body)
		})
	}
	if status, _ := call(t, l.Server, "GET", all, nil, http.Header{"Authorization": {"Bearer wrong"}}); status != http.StatusUnauthorized {
		t.Errorf("a wrong key: %d", status)
	}
}

// sessionSandboxes checks that each has its own, and that a stopped one has none.
func sessionSandboxes(t *testing.T, l shellLab) {
	t.Helper()
	var labs []shellLab
	for range 2 {
		id, _ := sandbox(t, l.Server, obj{"env": obj{"HC_X": "here"}})["id"].(string)
		labs = append(labs, shellLab{l.Server, id})
	}
	a, b := labs[0], labs[1]
	a.open(t, "mine")
	b.refused(t, http.StatusNotFound, "NOT_FOUND", "mine", "GET", b.path("mine", ""), nil)
	b.refused(t, http.StatusNotFound, "NOT_FOUND", "mine", "POST", b.path("mine", "/exec"), obj{"command": "true"})
	b.open(t, "mine")
	work := decode(t, a.want(t, 200, "GET", "/toolbox/"+a.sandbox+"/work-dir", nil, nil))["dir"]
	if e := a.run(t, "mine", "x=1; pwd; echo $HC_X"); *e.Stdout != work.(string)+"\nhere\n" {
		t.Errorf("%s, want %s", *e.Stdout, work)
	}
	if e := b.run(t, "mine", "echo $x"); *e.Stdout != "\n" {
		t.Errorf("%s", *e.Stdout)
	}
	var list []obj
	if err := json.Unmarshal(b.want(t, 200, "GET", "/toolbox/"+b.sandbox+"/process/session", nil, nil), &list); err != nil || len(list) != 1 || list[0]["sessionId"] != "mine" {
		t.Errorf("%v %v", list, err)
	}
	cmd := a.begin(t, "mine", "sleep 600")
	conn := a.dialLog(t, "mine", cmd)
	waiting := make(chan obj)
	go func() {
		_, body := call(t, a.Server, "POST", a.path("mine", "/exec"), obj{"command": "true"}, nil)
		waiting <- decode(t, body)
	}()
	awaitCommands(t, a, "mine", 3)
	a.want(t, 200, "POST", "/api/sandbox/"+a.sandbox+"/stop", nil, nil)
	if f := <-waiting; f["code"] != "SESSION_ENDED" || !strings.Contains(f["message"].(string), "stopped") {
		t.Errorf("%v", f)
	}
	if f := follow(t, conn); f.code != 1000 || !strings.Contains(f.reason, "stopped") {
		t.Errorf("%+v", f)
	}
	a.refused(t, http.StatusConflict, "SANDBOX_NOT_STARTED", "not started", "GET", a.path("mine", ""), nil)
	a.want(t, 200, "POST", "/api/sandbox/"+a.sandbox+"/start", nil, nil)
	a.refused(t, http.StatusNotFound, "NOT_FOUND", "mine", "GET", a.path("mine", ""), nil)
	for _, x := range labs {
		x.want(t, 200, "DELETE", "/api/sandbox/"+x.sandbox, nil, nil)
	}
}

// awaitOutput returns when a command has printed something.
func awaitOutput(t *testing.T, l shellLab, id, cmd string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); len(l.want(t, 200, "GET", l.path(id, "/command/"+cmd+"/logs"), nil, nil)) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("it prints nothing")
		}
	}
}

// awaitCommands returns when a session has had so many commands.
func awaitCommands(t *testing.T, l shellLab, id string, n int) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		commands, _ := decode(t, l.want(t, 200, "GET", l.path(id, ""), nil, nil))["commands"].([]any)
		if len(commands) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d commands, want %d", len(commands), n)
		}
	}
}

func sessionAsync(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "async")
	for _, member := range []string{"runAsync", "async"} {
		body := l.want(t, http.StatusAccepted, "POST", l.path("async", "/exec"), obj{"command": "printf 'name? '; read n; echo hello $n", member: true}, as("0.218.0"))
		accepted := decode(t, body)
		cmd, _ := accepted["cmdId"].(string)
		if cmd == "" || len(accepted) != 1 {
			t.Errorf("%v", accepted)
		}
		if got := decode(t, l.want(t, 200, "GET", l.path("async", "/command/"+cmd), nil, nil)); got["exitCode"] != nil {
			t.Errorf("%v", got)
		}
		queued, gone := queuedSync(t, l, "async")
		l.refused(t, 409, "NO_INPUT", "no input", "POST", l.path("async", "/command/"+queued+"/input"), obj{"data": "x"})
		l.input(t, "async", cmd, "world")
		<-gone
		f := follow(t, l.dialLog(t, "async", cmd))
		if f.stdout != "name? world\nhello world\n" && f.stdout != "world\nname? hello world\n" {
			t.Errorf("%+v", f)
		}
		if got := decode(t, l.want(t, 200, "GET", l.path("async", "/command/"+cmd), nil, nil)); got["exitCode"] != 0. {
			t.Errorf("%v", got)
		}
	}
}

// queuedSync puts a synchronous command behind the one that runs. It returns its
// id, and a channel that is closed when it was answered.
func queuedSync(t *testing.T, l shellLab, id string) (cmd string, gone <-chan struct{}) {
	t.Helper()
	commands := func() []any {
		list, _ := decode(t, l.want(t, 200, "GET", l.path(id, ""), nil, nil))["commands"].([]any)
		return list
	}
	before := len(commands())
	answered := make(chan struct{})
	go func() { // ends when the command does
		defer close(answered)
		call(t, l.Server, "POST", l.path(id, "/exec"), obj{"command": "true"}, nil)
	}()
	awaitCommands(t, l, id, before+1)
	last, _ := commands()[before].(map[string]any)
	cmd, _ = last["id"].(string)
	return cmd, answered
}

func sessionEnd(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "its end")
	e := l.run(t, "its end", "echo bye; exit 3")
	if *e.ExitCode != 3 || *e.Stdout != "bye\n" {
		t.Errorf("%+v", e)
	}
	l.refused(t, http.StatusGone, "SESSION_ENDED", "exit status 3", "POST", l.path("its end", "/exec"), obj{"command": "true"})
	got := decode(t, l.want(t, 200, "GET", l.path("its end", ""), nil, nil))
	if commands, _ := got["commands"].([]any); len(commands) != 1 {
		t.Errorf("%v", got)
	}
	l.want(t, http.StatusNoContent, "DELETE", l.path("its end", ""), nil, nil)
}

// sessionVersions goes through what SDKs of all ages read.
func sessionVersions(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "versions")
	const (
		command = "echo 'out <&>\"'; echo err >&2"
		clean   = "out <&>\"\nerr\n"
		raw     = "\x01\x01\x01out <&>\"\n\x02\x02\x02err\n"
	)
	splitOutput := http.Header{"X-Daytona-Split-Output": {"true"}}
	for name, c := range map[string]struct {
		header http.Header
		format string
	}{
		"0.218.0": {as("0.218.0"), "split"}, "v0.205.1": {as("v0.205.1"), "split"}, "0.167.0": {as("0.167.0"), "split"},
		"0.0.0-dev": {as("0.0.0-dev"), "split"}, "0.191.0a1": {as("0.191.0a1"), "split"}, "0.226.0.dev2": {as("0.226.0.dev2"), "split"},
		"1.0.0": {as("1.0.0"), "split"}, "unknown": {as("unknown"), "split"},
		"0.166.9": {as("0.166.9"), "marked"}, "0.27.0": {as("v0.27.0"), "marked"}, "garbage": {as("garbage"), "marked"}, "no version, split": {splitOutput, "marked"},
		"0.26.9": {as("0.26.9"), "plain"}, "no version": {nil, "plain"},
	} {
		t.Run(name, func(t *testing.T) {
			e := l.execute(t, "versions", obj{"command": command}, 200, c.header)
			output, whole := clean, clean
			if c.format == "marked" {
				output, whole = raw, raw
			}
			if *e.Output != output || (c.format == "split") != (e.Stdout != nil && e.Stderr != nil) || *e.ExitCode != 0 {
				t.Errorf("%+v %q", e, *e.Output)
			}
			path := l.path("versions", "/command/"+e.CmdID+"/logs")
			logs := l.want(t, 200, "GET", path, nil, c.header)
			if c.format == "split" {
				got := decode(t, logs)
				if got["output"] != clean || got["stdout"] != "out <&>\"\n" || got["stderr"] != "err\n" || len(got) != 3 {
					t.Errorf("%v", got)
				}
			} else if string(logs) != whole {
				t.Errorf("%q, want %q", logs, whole)
			}
			conn, _, err := dialPath(t, l.Server, path+"?follow=true", withKey(l.Server, c.header))
			if err != nil {
				t.Fatal(err)
			}
			var frames strings.Builder
			for {
				_, frame, err := conn.ReadMessage()
				if err != nil {
					break
				}
				frames.Write(frame)
			}
			if want := map[string]string{"split": raw, "marked": raw, "plain": clean}[c.format]; frames.String() != want {
				t.Errorf("%q, want %q", frames.String(), want)
			}
		})
	}
}

func sessionEntrypoint(t *testing.T, l shellLab) {
	t.Helper()
	got := decode(t, l.want(t, 200, "GET", l.path("entrypoint", ""), nil, nil))
	if commands, _ := got["commands"].([]any); got["sessionId"] != "entrypoint" || len(commands) != 1 {
		t.Errorf("%v", got)
	}
	logs := decode(t, l.want(t, 200, "GET", l.path("entrypoint", "/logs"), nil, as("0.218.0")))
	if logs["output"] != logs["stdout"] || logs["stderr"] != "" || !strings.Contains(logs["output"].(string), "hotcell") {
		t.Errorf("%v", logs)
	}
	conn, _, err := dialPath(t, l.Server, l.path("entrypoint", "/logs?follow=true"), withKey(l.Server, as("0.218.0")))
	if err != nil {
		t.Fatal(err)
	}
	if f := follow(t, conn); f.stdout != logs["stdout"] || f.code != 1000 {
		t.Errorf("%+v", f)
	}
}

func sessionLargeCommand(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "large")
	e := l.run(t, "large", "x='"+strings.Repeat("y", 5_000_000)+"'; echo ${#x}")
	if *e.Stdout != "5000000\n" {
		t.Errorf("%.100q", *e.Stdout)
	}
}

// sessionDeletion deletes one while clients wait for its commands.
func sessionDeletion(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "deletion")
	answers := make(chan obj)
	for _, command := range []string{"sleep 600", "sleep 601"} {
		go func() {
			_, body := call(t, l.Server, "POST", l.path("deletion", "/exec"), obj{"command": command}, nil)
			answers <- decode(t, body)
		}()
	}
	awaitCommands(t, l, "deletion", 2)
	began := time.Now()
	l.want(t, http.StatusNoContent, "DELETE", l.path("deletion", ""), nil, nil)
	for range 2 {
		if f := <-answers; f["code"] != "SESSION_ENDED" || f["statusCode"] != 410. || !strings.Contains(f["message"].(string), "deleted") {
			t.Errorf("%v", f)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

// sessionClientLeft has a client that leaves while its command runs: it goes on,
// and so does the session.
func sessionClientLeft(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "left")
	ctx, cancel := context.WithCancel(t.Context())
	body := strings.NewReader(`{"command": "mkfifo left-gate; read x <left-gate; echo $x"}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL+l.path("left", "/exec"), body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+l.Key)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	left := make(chan struct{})
	go func() {
		defer close(left)
		if resp, err := client.Do(req); err == nil {
			_ = resp.Body.Close()
			t.Error("it was answered")
		}
	}()
	awaitCommands(t, l, "left", 1)
	cancel()
	<-left
	l.open(t, "left, other")
	l.run(t, "left, other", "until test -p left-gate; do sleep 0.01; done; echo on >left-gate")
	if e := l.run(t, "left", "echo next"); *e.Stdout != "next\n" {
		t.Errorf("%+v", e)
	}
}
