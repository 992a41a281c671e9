package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hotcell/internal/child"
)

//go:embed ipykernel.py
var ipykernelSource string

// ipykernel is the process in which ipykernel.py measures.
type ipykernel struct {
	process *child.Process
	in      *os.File
	out     *bufio.Scanner
	outEnd  *os.File
}

// answer is what it says to one request; times are in seconds.
type answer struct {
	Seconds  []float64         `json:"seconds"`
	Pid      int               `json:"pid"`
	Hashes   int               `json:"hashes"`
	Versions map[string]string `json:"versions"`
	Error    string            `json:"error"`
}

// startIpykernel starts it with configuration and files of its own in dir, so
// that what the user has set up for Jupyter changes nothing.
func startIpykernel(ctx context.Context, python, dir string) (*ipykernel, error) {
	script := filepath.Join(dir, "ipykernel.py")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(script, []byte(ipykernelSource), 0o600)); err != nil {
		return nil, fmt.Errorf("write the script: %w", err)
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	defer theirIn.Close()
	out, theirOut, err := os.Pipe()
	if err != nil {
		_ = in.Close()
		return nil, fmt.Errorf("make pipe: %w", err)
	}
	defer theirOut.Close()
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, fmt.Errorf("make log: %w", err)
	}
	defer log.Close()
	env := os.Environ()
	for _, name := range []string{"JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "MPLCONFIGDIR"} {
		env = append(env, name+"="+filepath.Join(dir, strings.ToLower(name)))
	}
	p, err := child.Start(ctx, child.Spec{
		Path: python, Args: []string{script}, Env: env, Dir: dir,
		Stdin: theirIn, Stdout: theirOut, Stderr: log,
	})
	if err != nil {
		_, _ = in.Close(), out.Close()
		return nil, fmt.Errorf("start the Python that has ipykernel: %w (run `make setup` first)", err)
	}
	return &ipykernel{process: p, in: in, out: bufio.NewScanner(out), outEnd: out}, nil
}

// ask requests one operation of ipykernel.py and waits for it.
func (k *ipykernel) ask(op string, args map[string]any) (answer, error) {
	request := map[string]any{"op": op}
	maps.Copy(request, args)
	line, err := json.Marshal(request)
	if err != nil {
		return answer{}, fmt.Errorf("encode request: %w", err)
	}
	if _, err := k.in.Write(append(line, '\n')); err != nil {
		return answer{}, fmt.Errorf("ask ipykernel.py: %w", err)
	}
	_ = k.outEnd.SetReadDeadline(time.Now().Add(patience))
	if !k.out.Scan() {
		return answer{}, fmt.Errorf("ask ipykernel.py to %s: it said nothing: %w", op, errors.Join(k.out.Err(), os.ErrClosed))
	}
	a, err := parseAnswer(k.out.Bytes())
	if err != nil {
		return a, fmt.Errorf("%s with ipykernel: %w", op, err)
	}
	return a, nil
}

func parseAnswer(line []byte) (answer, error) {
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("decode the answer %.200q: %w", line, err)
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (k *ipykernel) close() {
	_ = k.in.Close() // it ends its kernels, then itself
	select {
	case <-k.process.Done():
	case <-time.After(endLimit):
		k.process.Stop(0)
	}
	_ = k.outEnd.Close()
}
