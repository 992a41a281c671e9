package hostile_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
)

// patience is for what should take a moment, on a machine that may be busy.
const patience = 30 * time.Second

// way is how code gets into a sandbox. It returns all that its author reads.
type way func(s *scene, box, code string, env map[string]string) (string, error)

// call asks the server. An answer that isn't one of success is an error with its
// text.
func (s *scene) call(method, path string, body, into any) error {
	var sent io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(filled(raw))
	}
	req, err := http.NewRequest(method, s.URL+path, sent)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: patience}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("%s %s: %d %s", method, path, resp.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(emptied(raw), into)
}

// emptied takes out of a long answer most of what the attempts fill one with, for the
// same reason for which [filled] puts it into a request. Whatever else is in it stays.
func emptied(raw []byte) []byte {
	for _, filler := range []string{"x", `x\n`, strings.Repeat("x", 1000) + `\n`} {
		if len(raw) > 1<<20 {
			raw = bytes.ReplaceAll(raw, []byte(strings.Repeat(filler, 32<<10/len(filler))), []byte(filler))
		}
	}
	return raw
}

// filled puts text by the megabyte into a request that is ready otherwise: the race
// detector makes encoding it take seconds.
func filled(raw []byte) []byte {
	for mark, size := range map[string]int{"#20MB#": 20_000_000, "#70MB#": 70_000_000} {
		if bytes.Contains(raw, []byte(mark)) {
			raw = bytes.ReplaceAll(raw, []byte(mark), bytes.Repeat([]byte("x"), size))
		}
	}
	return raw
}

func (s *scene) must(t *testing.T, method, path string, body, into any) {
	t.Helper()
	if err := s.call(method, path, body, into); err != nil {
		t.Fatal(err)
	}
}

// cell runs code in a new context of a language.
func cell(language string) way { return within(language, patience/2) }

// within runs it with a time limit.
func within(language string, limit time.Duration) way {
	return func(s *scene, box, code string, env map[string]string) (string, error) {
		id, _, err := s.open(box, language, env)
		if err != nil {
			return "", err
		}
		told, err := s.run(id, code, limit)
		return told, errors.Join(err, s.call("DELETE", "/v1/contexts/"+id, nil, nil))
	}
}

// open makes a context and returns its id and its kernel's number.
func (s *scene) open(box, language string, env map[string]string) (id string, pid int, err error) {
	var made struct {
		ID  string
		PID int
	}
	err = s.call("POST", "/v1/contexts", map[string]any{"sandbox": box, "language": language, "env": env}, &made)
	return made.ID, made.PID, err
}

// run runs code in a context: what it says, and how it failed.
func (s *scene) run(context, code string, limit time.Duration) (string, error) {
	var got struct {
		Stdout, Stderr string
		Error          *struct{ Name, Value string }
	}
	err := s.call("POST", "/v1/contexts/"+context+"/executions", map[string]any{"code": code, "wait": true, "timeout_ms": limit.Milliseconds()}, &got)
	told := got.Stdout + got.Stderr
	if got.Error != nil {
		told += got.Error.Name + ": " + got.Error.Value
	}
	return told, err
}

// script runs code as a program of a language.
func script(language string) way {
	return func(s *scene, box, code string, env map[string]string) (string, error) {
		var got struct {
			ExitCode int
			Result   string
		}
		err := s.call("POST", "/toolbox/"+box+"/process/code-run", map[string]any{"code": code, "language": language, "envs": env, "timeout": 30}, &got)
		return ended(got.Result, got.ExitCode), err
	}
}

// command runs a shell's command.
func command(s *scene, box, code string, env map[string]string) (string, error) {
	var got struct {
		ExitCode int
		Result   string
	}
	err := s.call("POST", "/toolbox/"+box+"/process/execute", map[string]any{"command": code, "envs": env, "timeout": 30}, &got)
	return ended(got.Result, got.ExitCode), err
}

// then runs a command afterwards, in the same sandbox.
func then(by way, text string) way {
	return func(s *scene, box, code string, env map[string]string) (string, error) {
		told, err := by(s, box, code, env)
		if err != nil {
			return "", err
		}
		after, err := command(s, box, text, nil)
		return strings.TrimSpace(told) + "\n" + after, err
	}
}

// session runs it in a new session.
func session(s *scene, box, code string, _ map[string]string) (string, error) {
	at := "/toolbox/" + box + "/process/session"
	if err := s.call("POST", at, map[string]any{"sessionId": "s"}, nil); err != nil {
		return "", err
	}
	var got struct {
		ExitCode int
		Output   string
	}
	err := s.call("POST", at+"/s/exec", map[string]any{"command": code}, &got)
	return ended(got.Output, got.ExitCode), errors.Join(err, s.call("DELETE", at+"/s", nil, nil))
}

// terminal types it into a new terminal, without an echo.
func terminal(s *scene, box, code string, env map[string]string) (string, error) {
	const begin, end = "<<<begin", "end>>>"
	var made struct{ SessionID string }
	at := "/toolbox/" + box + "/process/pty"
	if err := s.call("POST", at, map[string]any{"envs": s.withHome(box, env), "id": "t", "lazyStart": true, "cols": 500}, &made); err != nil {
		return "", err
	}
	header := http.Header{"Authorization": {"Bearer " + s.Key}}
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.URL, "http")+at+"/"+url.PathEscape(made.SessionID)+"/connect", header)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	// What is typed before the shell reads is echoed: so the text comes in a variable.
	typed := "stty -echo; printf '<<<%s\\n' begin; { " + code + "\n} 2>&1; printf '%s>>>' end; exit\n"
	if err := conn.WriteMessage(websocket.BinaryMessage, []byte(typed)); err != nil {
		return "", err
	}
	var told strings.Builder
	for {
		_, text, err := conn.ReadMessage()
		if gone := new(websocket.CloseError); errors.As(err, &gone) {
			break
		}
		if err != nil {
			return "", fmt.Errorf("%w after %q", err, told.String())
		}
		told.Write(text)
	}
	_, said, _ := strings.Cut(strings.ReplaceAll(told.String(), "\r\n", "\n"), begin)
	said, _, _ = strings.Cut(said, end)
	return said, nil
}

// withHome is the variables of a shell that reads the files of its home: where there is
// no boundary they would be those of whoever runs the tests, which may do anything.
func (s *scene) withHome(box string, env map[string]string) map[string]string {
	all := map[string]string{}
	if s.kind.mode == "none" {
		all["HOME"] = s.workDir(box)
	}
	maps.Copy(all, env)
	return all
}

// ended is what a program has said, and its exit code if that isn't 0.
func ended(said string, code int) string {
	if code != 0 {
		said = strings.TrimSpace(said) + fmt.Sprintf(" [%d]", code)
	}
	return said
}
