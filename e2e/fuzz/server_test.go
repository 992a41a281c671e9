// Package fuzz_test gives a complete server what no client would send: requests,
// uploads and messages that a fuzzer makes up. Whatever comes, the answer is one
// that a client can read, nothing is unexpected, and the server goes on.
//
//	go test ./e2e/fuzz -run '^$' -fuzz FuzzRequest -fuzztime 5m
package fuzz_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/testserver"
	"hotcell/process/tools"
	"hotcell/runtimes"
)

// faults keeps what a server logs as an error: each is one of ours.
type faults struct {
	mu   sync.Mutex
	said bytes.Buffer
}

func (f *faults) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.said.Write(p)
}

// take returns what was said since the last time.
func (f *faults) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.said.Reset()
	return f.said.String()
}

// target is a server in which nothing that is run does anything.
type target struct {
	*testserver.Server
	faults *faults
	http   *http.Client
}

func start(f *testing.F) *target {
	f.Helper()
	said := &faults{}
	s := testserver.Start(f,
		testserver.WithRuntimes(harmless{}),
		testserver.WithLog(slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelError}))),
		testserver.WithTools(func(c *tools.Config) { c.Host.Shell = "true" }),
		testserver.WithContexts(func(c *contexts.Config) { c.Limit = 8 }))
	t := &target{Server: s, faults: said, http: &http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	f.Cleanup(t.http.CloseIdleConnections)
	return t
}

// answer is what a client has of an answer.
type answer struct {
	status      int
	contentType string
	body        []byte
}

// send makes a request; nil when net/http itself refuses to send it.
func (s *target) send(t *testing.T, method, path, contentType string, body []byte) *answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		return nil
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", contentType)
	resp, err := s.http.Do(req)
	if err != nil {
		if strings.Contains(err.Error(), "net/http: invalid") {
			return nil
		}
		t.Fatalf("%s %q: %v", method, path, err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %q: %v", method, path, err)
	}
	return &answer{resp.StatusCode, resp.Header.Get("Content-Type"), got}
}

// check looks at an answer as a client does.
func (s *target) check(t *testing.T, a *answer, what string) {
	t.Helper()
	if said := s.faults.take(); said != "" {
		t.Fatalf("%s: the server said %s", what, said)
	}
	switch {
	case a == nil:
	case a.status == http.StatusInternalServerError && !bytes.Contains(a.body, []byte("KERNEL")),
		strings.HasPrefix(a.contentType, "application/json") && len(a.body) > 0 && !json.Valid(a.body),
		a.status >= http.StatusBadRequest && len(bytes.TrimSpace(a.body)) == 0:
		t.Fatalf("%s: %d %s %q", what, a.status, a.contentType, a.body)
	}
}

var _ runtimes.Runtime = harmless{}
