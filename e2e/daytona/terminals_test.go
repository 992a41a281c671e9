package daytona_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

const (
	exits    = "X-Daytona-Pty-Exit-Control"
	envsSub  = "X-Daytona-Pty-Envs~"
	protocol = "Sec-WebSocket-Protocol"
)

// shellBox makes a sandbox whose shells have a home of their own: what stands in
// a developer's takes long, and must not be killed. It returns its id and the
// address of its terminals.
func shellBox(t *testing.T, s *testserver.Server) (id, path string) {
	t.Helper()
	id = sandbox(t, s, obj{"env": obj{"HOME": t.TempDir()}})["id"].(string)
	return id, "/toolbox/" + id + "/process/pty"
}

// ptyWatch is a client of a terminal, as the SDKs are, without them.
type ptyWatch struct {
	t     *testing.T
	conn  *websocket.Conn
	text  strings.Builder
	said  []obj // control messages
	close *websocket.CloseError
}

func watchPTY(t *testing.T, s *testserver.Server, path string, header http.Header) *ptyWatch {
	t.Helper()
	conn, status, err := dialPath(t, s, path, withKey(s, header))
	if err != nil {
		t.Fatalf("dial %s: %v, status %d", path, err, status)
	}
	_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	return &ptyWatch{t: t, conn: conn}
}

// read takes one message, and reports that there will be no more.
func (w *ptyWatch) read() bool {
	w.t.Helper()
	kind, msg, err := w.conn.ReadMessage()
	if err != nil {
		if !errors.As(err, &w.close) {
			w.t.Fatalf("the connection ended without a close frame: %v", err)
		}
		return false
	}
	if kind == websocket.TextMessage {
		w.said = append(w.said, decode(w.t, msg))
	} else {
		w.text.Write(msg)
	}
	return true
}

// until reads up to a text. What was searched isn't searched again: it may be long.
func (w *ptyWatch) until(text string) {
	w.t.Helper()
	for from := 0; !strings.Contains(w.text.String()[from:], text); {
		from = max(0, w.text.Len()-len(text))
		if !w.read() {
			w.t.Fatalf("%v before %q: %q", w.close, text, w.text.String())
		}
	}
}

func (w *ptyWatch) end() *websocket.CloseError {
	w.t.Helper()
	for w.read() {
	}
	return w.close
}

// types sends input in a frame of a kind.
func (w *ptyWatch) types(kind int, text string) {
	w.t.Helper()
	if err := w.conn.WriteMessage(kind, []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *ptyWatch) enters(line string) { w.t.Helper(); w.types(websocket.BinaryMessage, line+"\n") }

func TestTerminalsOverTheWire(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	envs := envsSub + base64.RawURLEncoding.EncodeToString([]byte(`{"WHO":"Ålice","TERM":"vt100"}`))
	for _, c := range []struct {
		name, offer, answer string
		exits               bool
	}{
		{"typescript with envs", envs + ", " + exits, exits, true},
		{"python with envs", exits + ", " + envs, exits, true},
		{"browser", "X-Daytona-SDK-Version~0.218.0, " + envs + ", " + exits, exits, true},
		{"browser, old", "X-Daytona-SDK-Version~0.190.0, " + envs, "X-Daytona-SDK-Version~0.190.0", false},
		{"only envs", envs, envs, false},
		{"nothing", "", "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			if c.offer != "" {
				h.Set(protocol, c.offer)
			}
			id := strings.ReplaceAll(c.name, " ", "_")
			w := watchPTY(t, s, ptyPath+"/create-connect?cols=91&rows=12&id="+url.QueryEscape(id), h)
			if got := w.conn.Subprotocol(); got != c.answer {
				t.Errorf("subprotocol %q", got)
			}
			w.read()
			if diff := cmp.Diff([]obj{{"type": "control", "status": "connected"}}, w.said); diff != "" {
				t.Fatal(diff)
			}
			w.enters(`stty size; echo "<$TERM ${WHO-nobody}>"; exit 7`)
			end := w.end()
			want := "<xterm-256color nobody>"
			if strings.Contains(c.offer, envs) {
				want = "<vt100 Ålice>"
			}
			if out := w.text.String(); !strings.Contains(out, "12 91\r\n"+want) {
				t.Errorf("%q", out)
			}
			if end.Code != 1000 || end.Text != `{"exitCode":7,"exitReason":"non-zero exit"}` {
				t.Errorf("%v", end)
			}
			said := []obj{{"type": "control", "status": "connected"}}
			if c.exits {
				said = append(said, obj{"type": "control", "status": "exited", "exitCode": 7.0, "exitReason": "non-zero exit"})
			}
			if diff := cmp.Diff(said, w.said); diff != "" {
				t.Error(diff)
			}
			if status, _ := call(t, s, "GET", ptyPath+"/"+id, nil, nil); status != 404 {
				t.Errorf("afterwards: %d", status)
			}
		})
	}
}

// TestTerminalInOldWay: made by a POST, which starts nothing yet.
func TestTerminalInOldWay(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	box, ptyPath := shellBox(t, s)
	status, body := call(t, s, "POST", ptyPath, obj{"id": "old", "envs": obj{"A": "b"}, "lazyStart": true, "cols": 100}, nil)
	if status != http.StatusCreated || decode(t, body)["sessionId"] != "old" {
		t.Fatalf("%d %s", status, body)
	}
	show := func() obj {
		_, body := call(t, s, "GET", ptyPath+"/old", nil, nil)
		o := decode(t, body)
		if _, err := time.Parse(time.RFC3339, o["createdAt"].(string)); err != nil {
			t.Error(err)
		}
		delete(o, "createdAt")
		return o
	}
	want := obj{
		"id": "old", "cwd": s.Sandboxes.WorkDir(box), "envs": map[string]any{"A": "b"},
		"cols": 100.0, "rows": 24.0, "active": false, "lazyStart": true,
	}
	if diff := cmp.Diff(want, show()); diff != "" {
		t.Error(diff)
	}
	w := watchPTY(t, s, ptyPath+"/old/connect", nil)
	w.read()
	want["active"] = true
	if diff := cmp.Diff(want, show()); diff != "" {
		t.Error(diff)
	}
	status, body = call(t, s, "POST", ptyPath+"/old/resize", obj{"cols": 77, "rows": 7}, nil)
	if got := decode(t, body); status != 200 || got["cols"] != 77.0 || got["rows"] != 7.0 {
		t.Errorf("%d %s", status, body)
	}
	// Ruby types in text frames.
	w.types(websocket.TextMessage, "stty size; echo $A\n")
	w.until("7 77\r\nb\r\n")
	status, body = call(t, s, "GET", ptyPath, nil, nil)
	if status != 200 || len(decode(t, body)["sessions"].([]any)) != 1 {
		t.Errorf("%d %s", status, body)
	}
	status, body = call(t, s, "DELETE", ptyPath+"/old", nil, nil)
	if message, _ := decode(t, body)["message"].(string); status != 200 || message == "" {
		t.Errorf("%d %s", status, body)
	}
	if end := w.end(); end.Code != 1000 || end.Text != `{"exitCode":137,"exitReason":"SIGKILL"}` || len(w.said) != 1 {
		t.Errorf("%v %v", end, w.said)
	}
	status, body = call(t, s, "GET", ptyPath, nil, nil)
	if status != 200 || string(body) != `{"sessions":[]}` {
		t.Errorf("%d %s", status, body)
	}
	for _, c := range []struct {
		method, path string
		want         int
	}{{"GET", "/old", 404}, {"DELETE", "/old", 404}, {"POST", "/old/resize", 410}, {"DELETE", "/never", 404}, {"POST", "/never/resize", 404}} {
		if status, body := call(t, s, c.method, ptyPath+c.path, obj{"cols": 80, "rows": 24}, nil); status != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}

// TestTerminalThatStartsAtOnce keeps what it printed for its first client.
func TestTerminalThatStartsAtOnce(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	status, body := call(t, s, "POST", ptyPath, obj{"id": "now", "envs": obj{"PROMPT_COMMAND": "echo once; unset PROMPT_COMMAND"}}, nil)
	if status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	w := watchPTY(t, s, ptyPath+"/now/connect", nil)
	w.until("once\r\n")
	w.enters("exit")
	w.end()
	if strings.Count(w.text.String(), "once") != 1 || strings.Contains(w.text.String(), "\x1b[!p") {
		t.Errorf("%q", w.text.String())
	}
}

func TestTerminalRefusals(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	status, _ := call(t, s, "POST", ptyPath, obj{"id": "taken", "lazyStart": true}, nil)
	if status != http.StatusCreated {
		t.Fatal(status)
	}
	badEnvs := envsSub + base64.RawURLEncoding.EncodeToString([]byte(`{"1A":"x"}`))
	for _, c := range []struct {
		name, query, offer string
		status             int
		words              string
	}{
		{"taken", "id=taken", "", 409, `there is a terminal with this id already: "taken"; connect to it, or choose another`},
		{"no id", "cols=80", "", 400, "the terminal's id is missing or empty: choose one"},
		{"cols", "id=a&cols=1001", "", 400, "cols must be from 1 to 1000, not 1001"},
		{"no cols", "id=a&cols=0", "", 400, "cols must be a whole number from 1 to 1000, not 0"},
		{"rows", "id=a&rows=many", "", 400, "rows must be a whole number from 1 to 1000, not many"},
		{"cwd", "id=a&cwd=nowhere", "", 400, `working directory "nowhere" cannot be used: no such file or directory`},
		{"envs", "id=a", badEnvs, 400, `environment variable "1A" has a name that is not letters, digits and _, with no digit first`},
		{"not base64", "id=a", envsSub + "!", 400, "the variables in the subprotocol X-Daytona-Pty-Envs~… are not base64url: illegal base64 data at input byte 0"},
		{"not JSON", "id=a", envsSub + "AAAA", 400, "the variables in the subprotocol X-Daytona-Pty-Envs~… are not a JSON object of strings"},
	} {
		h := http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-WebSocket-Version": {"13"}, "Sec-WebSocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		if c.offer != "" {
			h.Set(protocol, c.offer)
		}
		path := ptyPath + "/create-connect?" + c.query
		status, body := call(t, s, "GET", path, nil, h)
		if got := decode(t, body); status != c.status || got["message"] != c.words {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
		// The TypeScript SDK cannot read that, so it is told in a message.
		h = http.Header{"X-Daytona-Source": {"sdk-typescript"}}
		if c.offer != "" {
			h.Set(protocol, c.offer)
		}
		if c.offer == envsSub+"!" {
			continue // which a client's library wouldn't send
		}
		w := watchPTY(t, s, path, h)
		end := w.end()
		if diff := cmp.Diff([]obj{{"type": "control", "status": "error", "error": c.words}}, w.said); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if end.Code != 1008 || !strings.HasPrefix(end.Text, `{"error":"`) || !json.Valid([]byte(end.Text)) {
			t.Errorf("%s: %v", c.name, end)
		}
	}
	for _, c := range []struct {
		name, method, path string
		body               any
		status             int
	}{
		{"no upgrade", "GET", "/create-connect?id=x", nil, 426},
		{"unknown", "GET", "/x/connect", nil, 426},
		{"taken", "POST", "", obj{"id": "taken"}, 409},
		{"no id", "POST", "", nil, 400},
		{"cols", "POST", "", obj{"id": "x", "cols": 80.5}, 400},
		{"big", "POST", "", obj{"id": "x", "cols": 1001}, 400},
		{"text", "POST", "", obj{"id": "x", "rows": "24"}, 400},
		{"no size", "POST", "/taken/resize", obj{"cols": 80}, 400},
		{"zero", "POST", "/taken/resize", obj{"cols": 80, "rows": 0}, 400},
	} {
		if status, body := call(t, s, c.method, ptyPath+c.path, c.body, nil); status != c.status {
			t.Errorf("%s: %d %s", c.name, status, body)
		}
	}
	if _, status, _ := dialPath(t, s, ptyPath+"/x/connect", withKey(s, nil)); status != 404 {
		t.Errorf("connect to nothing: %d", status)
	}
	if _, status, _ := dialPath(t, s, ptyPath+"/create-connect?id=x", nil); status != 401 {
		t.Errorf("without a key: %d", status)
	}
	if status, body := call(t, s, "GET", ptyPath, nil, nil); status != 200 || strings.Count(string(body), `"id"`) != 1 {
		t.Errorf("something was left: %s", body)
	}
}

// TestTerminalComesBack: a client that connects again sees the screen, and the
// one that has made the terminal sees everything once.
func TestTerminalComesBack(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	w := watchPTY(t, s, ptyPath+"/create-connect?id=back", nil)
	w.enters("echo re''member $((6*7)); printf '\\033[6n\\033[?1000h'; read -rsn6 answer")
	w.until("remember 42\r\n")
	w.until("\x1b[6n")
	if strings.Contains(w.text.String(), "\x1b[!p") {
		t.Errorf("its creator got a screen: %q", w.text.String())
	}
	_ = w.conn.Close()
	again := watchPTY(t, s, ptyPath+"/back/connect", nil)
	again.until("\x1b[?1000h")
	out := again.text.String()
	if !strings.Contains(out, "\r\nremember 42") || strings.Contains(out, "\x1b[6n") {
		t.Errorf("%q", out)
	}
	again.types(websocket.BinaryMessage, "\x1b[1;1Recho go\"o\"n\n")
	again.until("goon\r\n")
}

// TestTerminalOfRuby emulates what the Ruby SDK does: the preview link, a path
// at the root, a token, text frames, and handlers that come late.
func TestTerminalOfRuby(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	id, _ := shellBox(t, s)
	_, body := call(t, s, "GET", "/api/sandbox/"+id+"/ports/2280/preview-url", nil, nil)
	h := http.Header{
		"X-Daytona-Preview-Token": {decode(t, body)["token"].(string)}, "X-Daytona-Source": {"sdk-ruby"},
		protocol: {exits},
	}
	w := watchPTY(t, s, "/process/pty/create-connect?id=my-pty&cols=120&rows=30", h)
	began := time.Now()
	w.read()
	w.read()
	connected := obj{"type": "control", "status": "connected"}
	if diff := cmp.Diff([]obj{connected, connected}, w.said); diff != "" || w.text.Len() > 0 {
		t.Errorf("%q %s", w.text.String(), diff)
	}
	if d := time.Since(began); d > 5*time.Second {
		t.Errorf("connected again after %s", d)
	}
	w.types(websocket.TextMessage, `exec sh -c 'sleep 0.2; printf "\r{\"a\":1}"; sleep 0.2; echo; pwd'`+"\n")
	for {
		kind, msg, err := w.conn.ReadMessage()
		if err != nil {
			if !errors.As(err, &w.close) {
				t.Fatal(err)
			}
			break
		}
		var o obj
		if kind == websocket.BinaryMessage && json.Unmarshal(msg, &o) == nil {
			t.Errorf("Ruby would take this for a message: %q", msg)
		}
		if kind == websocket.BinaryMessage {
			w.text.Write(msg)
		} else {
			w.said = append(w.said, decode(t, msg))
		}
	}
	if out := w.text.String(); !strings.Contains(out, `{"a":1}`) || !strings.Contains(out, s.Sandboxes.WorkDir(id)) {
		t.Errorf("%q", out)
	}
	if last := w.said[len(w.said)-1]; last["status"] != "exited" || last["exitCode"] != 0.0 || w.close.Text != `{"exitCode":0}` {
		t.Errorf("%v %v", last, w.close)
	}
}

func TestTerminalInput(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	w := watchPTY(t, s, ptyPath+"/create-connect?id=in", nil)
	w.enters("stty raw -echo; echo r'e'ady; head -c 1048576 | wc -c")
	w.until("ready\n")
	w.types(websocket.BinaryMessage, strings.Repeat("x", 1<<20))
	w.until("1048576\n")
	w.types(websocket.BinaryMessage, strings.Repeat("x", 1<<20+1))
	end := w.end()
	if end.Code != 1009 || end.Text != `{"error":"the message is too large: the limit is 1048576 bytes: send input in smaller pieces"}` {
		t.Errorf("%v", end)
	}
	if status, _ := call(t, s, "GET", ptyPath+"/in", nil, nil); status != 200 {
		t.Errorf("the terminal: %d", status)
	}
}

// TestTerminalEndsWithItsSandbox and tells its clients so.
func TestTerminalEndsWithItsSandbox(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	id, path := shellBox(t, s)
	w := watchPTY(t, s, path+"/create-connect?id=x", http.Header{protocol: {exits}})
	w.read()
	if status, body := call(t, s, "POST", "/api/sandbox/"+id+"/stop", nil, nil); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	end := w.end()
	if last := w.said[len(w.said)-1]; last["exitReason"] != "the sandbox was stopped" || !strings.Contains(end.Text, "the sandbox was stopped") {
		t.Errorf("%v %v", last, end)
	}
	if status, _ := call(t, s, "POST", path, obj{"id": "y"}, nil); status != 409 {
		t.Errorf("in a stopped sandbox: %d", status)
	}
	_, path = shellBox(t, s)
	w = watchPTY(t, s, path+"/create-connect?id=x", http.Header{protocol: {exits}})
	w.read()
	s.Close(t)
	end = w.end()
	if last := w.said[len(w.said)-1]; last["exitReason"] != "the server is shutting down" || end.Code != 1000 {
		t.Errorf("%v %v", last, end)
	}
}

func TestTerminalsOfTheSDKs(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, "terminals.mjs", "SDK="+pkg, "SHELL_HOME="+t.TempDir())
			testserver.Subtests(t, out, errs, err)
		})
	}
	for _, file := range []string{"terminals_sync.py", "terminals_async.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file, "SHELL_HOME="+t.TempDir())
			testserver.Subtests(t, out, errs, err)
		})
	}
}

// TestTerminalOfAClientThatStalls: it holds up another one for some seconds, is
// then left behind, and told so once it reads again.
func TestTerminalOfAClientThatStalls(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	_, ptyPath := shellBox(t, s)
	w := watchPTY(t, s, ptyPath+"/create-connect?id=x", nil)
	stalled := watchPTY(t, s, ptyPath+"/x/connect", nil)
	stalled.read()
	w.enters("stty -opost -echo; PS1=; yes 0123456789 | head -n 3000000; echo the e''nd")
	w.until("the end\n")
	if n := strings.Count(w.text.String(), "\n0123456789"); n < 2_999_999 {
		t.Errorf("%d of 3000000 lines", n)
	}
	end := stalled.end()
	want := "this client has read nothing for too long, and output was lost to it: attach again to get the screen"
	if last := stalled.said[len(stalled.said)-1]; last["status"] != "error" || last["error"] != want || end.Code != 1008 || end.Text != `{"error":"`+want+`"}` {
		t.Errorf("%v %v", last, end)
	}
	again := watchPTY(t, s, ptyPath+"/x/connect", nil)
	again.until("the end")
}
