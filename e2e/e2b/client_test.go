package e2b_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// line is one line of the stream, in the words of the protocol.
type line struct {
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	Timestamp string         `json:"timestamp"`
	Name      string         `json:"name"`
	Value     string         `json:"value"`
	Traceback *string        `json:"traceback"`
	Count     int            `json:"execution_count"`
	Main      bool           `json:"is_main_result"`
	all       map[string]any // every member, but of output
}

func (l line) output() bool { return l.Type == "stdout" || l.Type == "stderr" }

// lines are all of an execution's.
type lines []line

// joined has adjacent pieces of a stream as one: output may come in any number of them.
func (ls lines) joined() lines {
	var all lines
	for i := 0; i < len(ls); {
		l, n := ls[i], 1
		for l.output() && i+n < len(ls) && ls[i+n].Type == l.Type {
			n++
		}
		if n > 1 {
			l.Text = ls[i : i+n].text(l.Type)
		}
		all = append(all, l)
		i += n
	}
	return all
}

func (ls lines) text(kind string) string {
	var b strings.Builder
	for _, l := range ls {
		if l.Type == kind {
			b.WriteString(l.Text)
		}
	}
	return b.String()
}

func (ls lines) first(kind string) line {
	for _, l := range ls {
		if l.Type == kind {
			return l
		}
	}
	return line{}
}

func (ls lines) types() string {
	var all []string
	for _, l := range ls {
		all = append(all, l.Type)
	}
	return strings.Join(all, " ")
}

// request sends one, with headers as name, value, name, value …
func request(tb testing.TB, ctx context.Context, method, url, body string, headers ...string) (int, *bufio.Reader) { //nolint:revive // tb comes first in a test
	tb.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		tb.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	// A connection of its own, so that none is idle at the end.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { resp.Body.Close() })
	return resp.StatusCode, bufio.NewReaderSize(resp.Body, 1<<20)
}

// say sends a request and returns the status and the whole answer.
func say(tb testing.TB, method, url, body string, headers ...string) (int, string) {
	tb.Helper()
	status, r := request(tb, tb.Context(), method, url, body, headers...)
	answer, err := io.ReadAll(r)
	if err != nil {
		tb.Fatal(err)
	}
	return status, string(answer)
}

// start begins an execution.
func start(tb testing.TB, ctx context.Context, url string, body map[string]any) *bufio.Reader { //nolint:revive // tb comes first in a test
	tb.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		tb.Fatal(err)
	}
	status, r := request(tb, ctx, http.MethodPost, url+"/execute", string(raw))
	if status != http.StatusOK {
		answer, _ := io.ReadAll(r)
		tb.Fatalf("%d: %s", status, answer)
	}
	return r
}

// decode reads one line and checks what every line is: ASCII, and an object.
func decode(tb testing.TB, raw []byte) line {
	tb.Helper()
	var l line
	err := json.Unmarshal(raw, &l)
	if err == nil && !l.output() {
		err = json.Unmarshal(raw, &l.all)
	}
	if err != nil || l.Type == "" {
		tb.Fatalf("a line that is none: %.200q: %v", raw, err)
	}
	if i := bytes.IndexFunc(raw, func(r rune) bool { return r >= 0x7f }); i >= 0 {
		tb.Fatalf("a line that isn't ASCII: %q", raw[i:min(i+20, len(raw))])
	}
	return l
}

// run runs a cell to its end.
func run(tb testing.TB, url string, body map[string]any) lines {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 2*time.Minute)
	defer cancel()
	return rest(tb, start(tb, ctx, url, body))
}

// rest reads to the end, which has to be the protocol's.
func rest(tb testing.TB, r *bufio.Reader) lines {
	tb.Helper()
	var all lines
	for {
		raw, err := r.ReadBytes('\n')
		if err == io.EOF && len(raw) == 0 {
			break
		}
		if err != nil {
			tb.Fatalf("after %s: %v", all.joined().types(), err)
		}
		all = append(all, decode(tb, raw))
	}
	if n := len(all); n == 0 || all[n-1].Type != "end_of_execution" {
		tb.Fatalf("it ends otherwise: %s", all.joined().types())
	}
	return all.joined()
}

// cell is one in the default context.
func cell(code string) map[string]any { return map[string]any{"code": code} }
