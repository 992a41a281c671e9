package daytona_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fasthttp/websocket"
)

// splitter tells the streams of a followed log apart by one SDK's rule.
type splitter interface {
	frame(t *testing.T, b []byte)
	streams() (stdout, stderr string)
}

// goSplitter carries the stream over frames and drops what comes before the
// first marker; so do the TypeScript and Python SDKs.
type goSplitter struct {
	raw []byte
}

func (s *goSplitter) frame(_ *testing.T, b []byte) { s.raw = append(s.raw, b...) }

func (s *goSplitter) streams() (string, string) {
	var texts [3]strings.Builder
	divide(s.raw, 0, &texts)
	return texts[1].String(), texts[2].String()
}

// divide sorts text by the markers in it.
func divide(b []byte, stream int, texts *[3]strings.Builder) {
	for len(b) > 0 {
		next := bytes.IndexAny(b, "\x01\x02")
		if next < 0 {
			next = len(b)
		} else if !bytes.HasPrefix(b[next:], bytes.Repeat(b[next:next+1], 3)) {
			next++ // a lonely one is text
		}
		if next > 0 {
			texts[stream].Write(b[:next])
			b = b[next:]
			continue
		}
		stream, b = int(b[0]), b[3:]
	}
}

// rubySplitter takes each frame by itself, as text of one stream or more.
type rubySplitter struct{ texts [3]strings.Builder }

func (s *rubySplitter) frame(t *testing.T, b []byte) {
	t.Helper()
	if len(b) > 32<<10 || !utf8.Valid(b) {
		t.Errorf("a frame of %d bytes, %.20q…", len(b), b)
	}
	divide(b, 0, &s.texts)
}

func (s *rubySplitter) streams() (string, string) { return s.texts[1].String(), s.texts[2].String() }

// followed is what a client saw of a log.
type followed struct {
	stdout, stderr string
	first          time.Duration // until the first frame
	ended          time.Time
	code           int
	reason         string
}

// follow reads a log to its end, by all rules at once.
func follow(t *testing.T, conn *websocket.Conn) followed {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(60 * time.Second))
	var f followed
	golang, ruby := &goSplitter{}, &rubySplitter{}
	began := time.Now()
	for {
		kind, frame, err := conn.ReadMessage()
		if err != nil {
			var ce *websocket.CloseError
			if !errors.As(err, &ce) {
				t.Errorf("the connection ended without a close frame: %v", err)
				return f
			}
			f.ended, f.code, f.reason = time.Now(), ce.Code, ce.Text
			break
		}
		if f.first == 0 {
			f.first = time.Since(began)
		}
		if kind != websocket.BinaryMessage {
			t.Errorf("a text frame %.100q", frame)
		}
		for _, s := range []splitter{golang, ruby} {
			s.frame(t, frame)
		}
	}
	f.stdout, f.stderr = golang.streams()
	if out, errs := ruby.streams(); out != f.stdout || errs != f.stderr {
		t.Errorf("two rules bring different things: %.200q %.200q and %.200q %.200q", f.stdout, f.stderr, out, errs)
	}
	return f
}

// dialLog follows a command's log, without reading yet.
func (l shellLab) dialLog(t *testing.T, id, cmd string) *websocket.Conn {
	t.Helper()
	h := withKey(l.Server, as("v0.205.1"))
	conn, status, err := dialPath(t, l.Server, l.path(id, "/command/"+cmd+"/logs?follow=true"), h)
	if err != nil {
		t.Fatalf("dial: %v, status %d", err, status)
	}
	return conn
}

func (l shellLab) input(t *testing.T, id, cmd, data string) {
	t.Helper()
	l.want(t, http.StatusNoContent, "POST", l.path(id, "/command/"+cmd+"/input"), obj{"data": data}, nil)
}

func followLive(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow live")
	cmd := l.execute(t, "follow live", obj{"command": "echo zażółć; printf 🧪; read x; echo got $x >&2; read y", "runAsync": true, "suppressInputEcho": true}, 202, nil).CmdID
	conn := l.dialLog(t, "follow live", cmd)
	l.input(t, "follow live", cmd, "one")
	done := make(chan followed)
	go func() { done <- follow(t, conn) }()
	early := l.dialLog(t, "follow live", cmd)
	began := time.Now()
	l.input(t, "follow live", cmd, "two")
	f := <-done
	if f.stdout != "zażółć\n🧪" || f.stderr != "got one\n" || f.code != 1000 || f.reason != "" {
		t.Errorf("%+v", f)
	}
	// In 1 ms on an idle machine; other servers take a second.
	if took := f.ended.Sub(began); took > 900*time.Millisecond {
		t.Errorf("the close came %s after the end", took)
	}
	if again := follow(t, early); again.stdout != f.stdout || again.stderr != f.stderr {
		t.Errorf("%+v", again)
	}
}

func followAfterTheEnd(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow late")
	e := l.run(t, "follow late", "seq 1 20000; for i in 1 2 3 4 5; do printf 'ä🧪€%.0s' $(seq 1 5000); echo e$i >&2; done")
	f := follow(t, l.dialLog(t, "follow late", e.CmdID))
	if f.stdout != *e.Stdout || f.stderr != *e.Stderr || f.stderr != "e1\ne2\ne3\ne4\ne5\n" || len(f.stdout) != 108894+5*5000*9 || f.code != 1000 {
		t.Errorf("%d bytes, %q, %d", len(f.stdout), f.stderr, f.code)
	}
	// What is printed after the end is in the log, and holds up nobody.
	e = l.run(t, "follow late", "mkfifo late-gate; (read x <late-gate; echo late) & echo now")
	if f := follow(t, l.dialLog(t, "follow late", e.CmdID)); f.stdout != "now\n" {
		t.Errorf("%+v", f)
	}
	l.run(t, "follow late", "echo >late-gate; wait")
	logs := decode(t, l.want(t, 200, "GET", l.path("follow late", "/command/"+e.CmdID+"/logs"), nil, as("0.218.0")))
	if logs["stdout"] != "now\nlate\n" {
		t.Errorf("%v", logs)
	}
}

// followMany has followers of one command, one of whom doesn't read.
func followMany(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow many")
	const size = 8_000_000
	cmd := l.begin(t, "follow many", fmt.Sprintf("read x; head -c %d /dev/zero | tr '\\0' x; echo; echo end >&2", size))
	stalled := l.dialLog(t, "follow many", cmd)
	var wg sync.WaitGroup
	for range 4 {
		conn := l.dialLog(t, "follow many", cmd)
		wg.Go(func() {
			if f := follow(t, conn); len(f.stdout) != size+4 || f.stderr != "end\n" || f.code != 1000 {
				t.Errorf("%d bytes, %q, %d", len(f.stdout), f.stderr, f.code)
			}
		})
	}
	l.input(t, "follow many", cmd, "go")
	wg.Wait()
	if f := follow(t, stalled); len(f.stdout) != size+4 || f.code != 1000 {
		t.Errorf("%d bytes, %d", len(f.stdout), f.code)
	}
}

func followRefused(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow refused")
	for _, path := range []string{l.path("nobody", "/command/x/logs?follow=true"), l.path("follow refused", "/command/x/logs?follow=true")} {
		if _, status, err := dialPath(t, l.Server, path, withKey(l.Server, nil)); err == nil || status != 404 {
			t.Errorf("%s: %d %v", path, status, err)
		}
	}
	cmd := l.run(t, "follow refused", "echo a").CmdID
	path := l.path("follow refused", "/command/"+cmd+"/logs?follow=true")
	if _, status, err := dialPath(t, l.Server, path, nil); err == nil || status != 401 {
		t.Errorf("%d %v", status, err)
	}
	l.refused(t, http.StatusUpgradeRequired, "UPGRADE_REQUIRED", "WebSocket", "GET", path, nil)
}

// followDeleted deletes a session that is followed.
func followDeleted(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow deleted")
	cmd := l.begin(t, "follow deleted", "echo on; sleep 600")
	awaitOutput(t, l, "follow deleted", cmd)
	conn := l.dialLog(t, "follow deleted", cmd)
	done := make(chan followed)
	go func() { done <- follow(t, conn) }()
	queued := l.dialLog(t, "follow deleted", l.begin(t, "follow deleted", "echo never"))
	l.want(t, http.StatusNoContent, "DELETE", l.path("follow deleted", ""), nil, nil)
	if f := <-done; f.stdout != "on\n" || f.code != 1000 || !strings.Contains(f.reason, "was deleted") {
		t.Errorf("%+v", f)
	}
	if f := follow(t, queued); !strings.Contains(f.stderr, "never ran") || f.code != 1000 || !strings.Contains(f.reason, "was deleted") {
		t.Errorf("%+v", f)
	}
}

// followMarkers documents what happens to output that looks like a marker.
func followMarkers(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow markers")
	e := l.run(t, "follow markers", `printf 'a\001\001\001b\002\002\002c\000\377'`)
	if want := "a\x01\x01\x01b\x02\x02\x02c\x00\uFFFD"; *e.Stdout != want || *e.Output != want {
		t.Errorf("%q", *e.Stdout)
	}
	if f := follow(t, l.dialLog(t, "follow markers", e.CmdID)); f.stdout != "ab" || f.stderr != "c\x00\uFFFD" || f.code != 1000 {
		t.Errorf("%+v", f)
	}
}

// followAddresses follows as clients do that can't send headers, or know only
// a host and a token.
func followAddresses(t *testing.T, l shellLab) {
	t.Helper()
	l.open(t, "follow a/b")
	cmd := l.run(t, "follow a/b", "echo here").CmdID
	preview := decode(t, l.want(t, 200, "GET", "/api/sandbox/default/ports/2280/preview-url", nil, nil))
	token, _ := preview["token"].(string)
	rest := "/process/session/follow%20a%2Fb/command/" + cmd + "/logs?follow=true"
	for name, c := range map[string]struct {
		path   string
		header http.Header
	}{
		"ruby":             {rest, http.Header{"X-Daytona-Preview-Token": {token}, "X-Daytona-Sdk-Version": {"0.205.1"}}},
		"browser":          {"/toolbox/default" + rest + "&DAYTONA_SANDBOX_AUTH_KEY=" + token, http.Header{"Sec-Websocket-Protocol": {"X-Daytona-SDK-Version~0.218.0"}}},
		"unencoded slash":  {strings.ReplaceAll("/toolbox/default"+rest, "%2F", "/"), withKey(l.Server, as("0.218.0"))},
		"old toolbox path": {"/api/toolbox/default/toolbox" + rest, withKey(l.Server, as("0.218.0"))},
	} {
		conn, status, err := dialPath(t, l.Server, c.path, c.header)
		if err != nil {
			t.Errorf("%s: %v, status %d", name, err, status)
			continue
		}
		if want := c.header.Get("Sec-Websocket-Protocol"); conn.Subprotocol() != want {
			t.Errorf("%s: subprotocol %q", name, conn.Subprotocol())
		}
		if f := follow(t, conn); f.stdout != "here\n" || f.code != 1000 {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if _, status, err := dialPath(t, l.Server, rest, http.Header{"X-Daytona-Preview-Token": {"wrong"}}); err == nil || status != 401 {
		t.Errorf("%d %v", status, err)
	}
}
