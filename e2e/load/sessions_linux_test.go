package load_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fasthttp/websocket"

	"hotcell/e2e/procs"
	"hotcell/e2e/program"
)

// TestSessions makes a server's shell sessions carry much.
func TestSessions(t *testing.T) {
	p := program.Start(t)
	t.Run("volume", func(t *testing.T) { sessionVolume(t, shells{p}) })
	t.Run("latency", func(t *testing.T) { sessionLatency(t, shells{p}) })
	t.Run("close", func(t *testing.T) { sessionClose(t, shells{p}) })
	t.Run("leaks", func(t *testing.T) { sessionLeaks(t, shells{p}) })
}

// shells speaks the wire of sessions.
type shells struct{ *program.Program }

func (s shells) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	enc, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+"/toolbox/default/process/session"+path, bytes.NewReader(enc))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("X-Daytona-SDK-Version", "0.218.0")
	return http.DefaultClient.Do(req)
}

// call makes a request that has to succeed, and decodes the answer.
func (s shells) call(ctx context.Context, method, path string, body, answer any) error {
	resp, err := s.request(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %s %s", method, path, resp.Status, text)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(text, answer)
}

type executed struct {
	CmdID    string
	Stdout   string
	ExitCode int
}

func (s shells) execute(ctx context.Context, id, command string, async bool) (e executed, err error) {
	err = s.call(ctx, "POST", "/"+id+"/exec", map[string]any{"command": command, "runAsync": async}, &e)
	return e, err
}

// follow counts the bytes of a log, without its markers; pause comes after the
// first of them.
func (s shells) follow(ctx context.Context, id, cmd string, pause func()) (n int64, err error) {
	url := "ws" + strings.TrimPrefix(s.URL, "http") + "/toolbox/default/process/session/" + id + "/command/" + cmd + "/logs?follow=true"
	conn, _, err := websocket.DefaultDialer.DialContext(ctx, url, http.Header{"Authorization": {"Bearer " + s.Key}, "X-Daytona-Sdk-Version": {"0.218.0"}}) //nolint:bodyclose // it is the connection
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	for {
		_, frame, err := conn.ReadMessage()
		var ce *websocket.CloseError
		if errors.As(err, &ce) && ce.Code == websocket.CloseNormalClosure {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n += int64(len(frame) - 3)
		if pause != nil {
			pause()
			pause = nil
		}
	}
}

// sessionVolume wants 200 MB in each way in which they can be had, with the
// server's memory bounded.
func sessionVolume(t *testing.T, s shells) {
	t.Helper()
	const size = 200_000_000
	ctx := inTime(t)
	highest := peak(t, s.Program)
	if err := s.call(ctx, "POST", "", map[string]any{"sessionId": "volume"}, nil); err != nil {
		t.Fatal(err)
	}
	cmd, err := s.execute(ctx, "volume", fmt.Sprintf("read x; head -c %d /dev/zero | tr '\\0' x", size), true)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	stalled := make(chan struct{})
	for i := range 4 {
		wg.Go(func() {
			var pause func()
			if i == 0 {
				pause = func() { <-stalled }
			}
			if n, err := s.follow(ctx, "volume", cmd.CmdID, pause); n != size+3 || err != nil {
				t.Errorf("%d bytes were followed: %v", n, err)
			}
		})
	}
	began := time.Now()
	if err := s.call(ctx, "POST", "/volume/command/"+cmd.CmdID+"/input", map[string]any{"data": "go"}, nil); err != nil {
		t.Fatal(err)
	}
	if e, err := s.execute(ctx, "volume", "echo next", false); e.Stdout != "next\n" {
		t.Errorf("%+v %v", e, err)
	}
	t.Logf("it took %s, while three followed and one stood still", time.Since(began))
	close(stalled)
	wg.Wait()
	began = time.Now()
	resp, err := s.request(ctx, "GET", "/volume/command/"+cmd.CmdID+"/logs", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if want := int64(2*(size+len(`go\n`)) + len(`{"output":"","stdout":"","stderr":""}`)); n != want || err != nil {
		t.Errorf("%d bytes of answer, want %d: %v", n, want, err)
	}
	t.Logf("the whole log was answered in %s; the server took %d MB", time.Since(began), highest()>>20)
	if n := highest(); n > memoryBound {
		t.Errorf("the server took %d MB", n>>20)
	}
	if err := s.call(ctx, "DELETE", "/volume", nil, nil); err != nil {
		t.Error(err)
	}
}

// sessionLatency measures what people wait for.
func sessionLatency(t *testing.T, s shells) {
	t.Helper()
	ctx := inTime(t)
	for _, m := range []struct {
		name          string
		times         int
		most          time.Duration // on a machine that does little else
		before, after func() error
		do            func() error
	}{
		{
			name: "create", times: 50, most: 20 * time.Millisecond,
			do:    func() error { return s.call(ctx, "POST", "", map[string]any{"sessionId": "l"}, nil) },
			after: func() error { return s.call(ctx, "DELETE", "/l", nil, nil) },
		},
		{
			name: "delete", times: 50, most: 20 * time.Millisecond,
			before: func() error { return s.call(ctx, "POST", "", map[string]any{"sessionId": "l"}, nil) },
			do:     func() error { return s.call(ctx, "DELETE", "/l", nil, nil) },
		},
		{name: "true", times: 200, most: 3 * time.Millisecond, do: func() error { _, err := s.execute(ctx, "latency", "true", false); return err }},
		{name: "seq 1 20000", times: 30, most: 40 * time.Millisecond, do: func() error { _, err := s.execute(ctx, "latency", "seq 1 20000", false); return err }},
	} {
		t.Run(m.name, func(t *testing.T) {
			if err := s.call(ctx, "POST", "", map[string]any{"sessionId": "latency"}, nil); err != nil {
				t.Fatal(err)
			}
			best := time.Hour
			var all time.Duration
			for range m.times {
				if m.before != nil {
					if err := m.before(); err != nil {
						t.Fatal(err)
					}
				}
				began := time.Now()
				if err := m.do(); err != nil {
					t.Fatal(err)
				}
				took := time.Since(began)
				best, all = min(best, took), all+took
				if m.after != nil {
					if err := m.after(); err != nil {
						t.Fatal(err)
					}
				}
			}
			t.Logf("%s at best, %s on average", best, all/time.Duration(m.times))
			if best > m.most {
				t.Errorf("never faster than %s, want %s", best, m.most)
			}
			if err := s.call(ctx, "DELETE", "/latency", nil, nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// sessionClose measures how long after a command's end its follower knows.
func sessionClose(t *testing.T, s shells) {
	t.Helper()
	ctx := inTime(t)
	if err := s.call(ctx, "POST", "", map[string]any{"sessionId": "close"}, nil); err != nil {
		t.Fatal(err)
	}
	best := time.Hour
	for range 20 {
		e, err := s.execute(ctx, "close", "sleep 0.03; date +%s%N >last", true)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.follow(ctx, "close", e.CmdID, nil); err != nil {
			t.Fatal(err)
		}
		closed := time.Now()
		last, err := s.execute(ctx, "close", "cat last", false)
		if err != nil {
			t.Fatal(err)
		}
		nano, err := strconv.ParseInt(strings.TrimSpace(last.Stdout), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		best = min(best, closed.Sub(time.Unix(0, nano)))
	}
	t.Logf("%s after the end at best", best)
	if best > 50*time.Millisecond {
		t.Errorf("never sooner than %s after the end", best)
	}
	if err := s.call(ctx, "DELETE", "/close", nil, nil); err != nil {
		t.Error(err)
	}
}

// sessionLeaks makes and ends sessions in all states, and wants the server to be
// what it was.
func sessionLeaks(t *testing.T, s shells) {
	t.Helper()
	ctx := inTime(t)
	churn := func(n int) {
		turns := make(chan int)
		var wg sync.WaitGroup
		for range atOnce {
			wg.Go(func() {
				for i := range turns {
					if err := s.oneLife(ctx, i); err != nil {
						t.Errorf("session %d: %v", i, err)
					}
				}
			})
		}
		for i := range n {
			turns <- i
		}
		close(turns)
		wg.Wait()
	}
	count := func() inventory {
		n := inventory{Descriptors: procs.DescriptorsOf(s.Pid)}
		for _, p := range procs.Descendants(s.Pid) {
			n.Processes++
			n.Kept += procs.DescriptorsOf(p.Pid)
		}
		n.Resident, _ = procs.Memory(s.Pid)
		return n
	}
	churn(20)
	http.DefaultClient.CloseIdleConnections()
	before := count()
	churn(400)
	http.DefaultClient.CloseIdleConnections()
	settling, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	if err := procs.Eventually(settling, func() error { return count().above(before) }); err != nil {
		t.Errorf("%v: %s", err, procs.Listing(s.Pid))
	}
	t.Logf("before %+v\nafter  %+v", before, count())
}

func (s shells) oneLife(ctx context.Context, i int) error {
	id := fmt.Sprintf("life-%d-%d", i, os.Getpid())
	if err := s.call(ctx, "POST", "", map[string]any{"sessionId": id}, nil); err != nil {
		return err
	}
	if e, err := s.execute(ctx, id, "sleep 600 & seq 1 2000", false); err != nil || len(e.Stdout) != 8893 {
		return fmt.Errorf("%w: %d bytes", err, len(e.Stdout))
	}
	ended := make(chan error, 1)
	switch i % 4 {
	case 0:
		ended <- nil
	case 1:
		if _, err := s.execute(ctx, id, "exit 3", false); err != nil {
			return err
		}
		ended <- nil
	case 2:
		if _, err := s.execute(ctx, id, "read x", true); err != nil {
			return err
		}
		ended <- nil
	default:
		e, err := s.execute(ctx, id, "echo on; sleep 600", true)
		if err != nil {
			return err
		}
		begun := make(chan struct{})
		go func() { // ends with the session
			_, err := s.follow(ctx, id, e.CmdID, func() { close(begun) })
			ended <- err
		}()
		<-begun
	}
	if err := s.call(ctx, "DELETE", "/"+id, nil, nil); err != nil {
		return err
	}
	return <-ended
}
