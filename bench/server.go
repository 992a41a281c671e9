package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"

	"hotcell/internal/child"
)

const (
	// startLimit is how long a server or kernel may take to be ready: on a
	// busy machine with a cold cache the imports alone take several seconds.
	startLimit = time.Minute
	// endLimit is how long a server may take to end in order.
	endLimit = 15 * time.Second
	// readyCheck is how often the ready file is looked for.
	readyCheck = 5 * time.Millisecond
)

// server is a `hotcell serve` of the benchmark's own.
type server struct {
	url     string
	key     string
	process *child.Process
}

// ready is what the ready file says.
type ready struct {
	URL string `json:"url"`
	Pid int    `json:"pid"`
}

// startServer starts the program on a free port, with everything that it
// keeps in dir.
func startServer(ctx context.Context, program, python, dir string, flags ...string) (*server, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make server directory: %w", err)
	}
	s := &server{key: uuid.NewString()}
	readyFile, logFile := filepath.Join(dir, "ready.json"), filepath.Join(dir, "log")
	log, err := os.Create(logFile)
	if err != nil {
		return nil, fmt.Errorf("make server log: %w", err)
	}
	defer log.Close()
	args := []string{
		"serve", "--listen", "127.0.0.1:0", "--data-dir", filepath.Join(dir, "kept"),
		"--ready-file", readyFile, "--log-level", "warn", "--log-format", "json",
	}
	if python != "" {
		args = append(args, "--python", python)
	}
	s.process, err = child.Start(ctx, child.Spec{
		Path: program, Args: append(args, flags...), Env: s.environment(dir), Dir: dir, Stderr: log,
	})
	if err != nil {
		return nil, fmt.Errorf("start the server: %w (run `make build` first)", err)
	}
	r, err := s.await(ctx, readyFile)
	if err != nil {
		s.process.Stop(0)
		said, _ := os.ReadFile(logFile)
		return nil, fmt.Errorf("wait for the server: %w; it said: %s", err, strings.TrimSpace(string(said)))
	}
	s.url = r.URL
	return s, nil
}

// environment is ours, without what would configure a server.
func (s *server) environment(dir string) []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HOTCELL_") && !strings.HasPrefix(v, "XDG_CONFIG_HOME=") {
			env = append(env, v)
		}
	}
	return append(env, "HOTCELL_API_KEY="+s.key, "XDG_CONFIG_HOME="+dir)
}

// await returns what the ready file says once it is there.
func (s *server) await(ctx context.Context, path string) (ready, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, fmt.Errorf("not ready after %s", startLimit))
	defer cancel()
	tick := time.NewTicker(readyCheck)
	defer tick.Stop()
	for {
		text, err := os.ReadFile(path)
		if err == nil {
			return parseReady(text)
		}
		if !errors.Is(err, os.ErrNotExist) {
			return ready{}, fmt.Errorf("read the ready file: %w", err)
		}
		select {
		case <-tick.C:
		case <-s.process.Done():
			return ready{}, errors.New(s.process.Exit().String())
		case <-ctx.Done():
			return ready{}, context.Cause(ctx)
		}
	}
}

func parseReady(text []byte) (ready, error) {
	var r ready
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("decode the ready file: %w", err)
	}
	if r.URL == "" {
		return r, errors.New("the ready file names no url")
	}
	return r, nil
}

func (s *server) close() { s.process.Stop(endLimit) }
