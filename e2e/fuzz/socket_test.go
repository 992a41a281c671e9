package fuzz_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fasthttp/websocket"
	"github.com/google/uuid"
)

// sockets are the WebSockets that take messages from clients.
var sockets = []string{
	"/v1/ws", "/toolbox/default/process/interpreter/execute", "/api/socket.io/?EIO=4&transport=websocket",
	"/toolbox/default/process/pty/create-connect?id=",
}

// FuzzMessages sends messages, which a NUL parts, and reads what comes until the
// server closes, or has answered a question that is asked at the end.
func FuzzMessages(f *testing.F) {
	for i := range len(sockets) {
		for _, text := range []string{
			`{"id":1,"type":"execute","code":"1"}` + "\x00" + `{"id":2,"type":"ping"}`,
			`{"id":1,"type":"execute","code":"input","stdin":true,"execution":"e"}` + "\x00" + `{"id":2,"type":"input_reply","execution":"e","value":"x"}`,
			`{"id":"a","type":"attach","execution":"e","from":18446744073709551615}`,
			`{"id":3,"type":"create_context","language":"go"}` + "\x00" + `{"id":4,"type":"list"}`,
			`{"code":"1+1","timeout":1}`, `{"code":"x","contextId":"none"}`, "40{\"token\":\"test-key\"}\x003\x0042[\"x\"]\x0041", "40", "2probe", "5",
			`{"type":"control","status":"x"}`, `{"type":"resize","cols":70000,"rows":-1}`, "\xff\xfe", "",
		} {
			f.Add(i, true, []byte(text))
			f.Add(i, false, []byte(text))
		}
	}
	s := start(f)
	f.Fuzz(func(t *testing.T, n int, asText bool, text []byte) {
		path := sockets[((n%len(sockets))+len(sockets))%len(sockets)]
		if strings.HasSuffix(path, "?id=") {
			path += uuid.NewString()
		}
		ws, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(s.URL, "http")+path,
			http.Header{"Authorization": {"Bearer " + s.Key}})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		_ = resp.Body.Close()
		defer ws.Close()
		kind := websocket.BinaryMessage
		if asText {
			kind = websocket.TextMessage
		}
		_ = ws.SetReadDeadline(time.Now().Add(15 * time.Second))
		for msg := range bytes.SplitSeq(text, []byte{0}) {
			if ws.WriteMessage(kind, msg) != nil {
				break // closed, for which there is a reason
			}
		}
		_ = ws.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
		for {
			if _, _, err = ws.ReadMessage(); err != nil {
				break
			}
		}
		var closed *websocket.CloseError
		if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("%s %q: no end in sight", path, text)
		} else if errors.As(err, &closed) && closed.Code == websocket.CloseInternalServerErr {
			t.Fatalf("%s %q: %v", path, text, err)
		}
		s.check(t, nil, path+" "+string(text))
	})
}
