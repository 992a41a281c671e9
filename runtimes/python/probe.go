package python

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"hotcell/internal/child"
)

const (
	oldest = "3.10"
	// An interpreter answers in 30 ms, behind a pyenv shim in 200; a cold
	// network disk is given time, a program that hangs is not.
	probeLimit = 10 * time.Second
	howToGet   = "install Python 3.10 or newer and IPython (`make setup` makes an environment with both), and name it with --python or HOTCELL_PYTHON"
)

// interpreter is what a program said about itself.
type interpreter struct {
	Executable string // the real one behind shims; of a venv, the venv's
	Version    string
	Major      int
	Minor      int
	IPython    bool
	Paths      []string // what it reads at run time
}

// ask has the program describe itself in words that any Python understands.
const ask = `import sys, json
try:
    import importlib.util
    ipython = importlib.util.find_spec("IPython") is not None
except Exception:
    ipython = False
v = sys.version_info
paths = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix] + [p for p in sys.path if p]
print(json.dumps({"Executable": sys.executable, "Version": "%d.%d.%d" % (v[0], v[1], v[2]), "Major": v[0], "Minor": v[1], "IPython": ipython, "Paths": sorted(set(paths))}))`

// probe finds the interpreter and checks that it will do. What it found is
// returned along with the error.
func probe(program string) (interpreter, error) {
	path, err := find(program)
	if err != nil {
		return interpreter{}, err
	}
	found, err := describe(path)
	if err != nil {
		return interpreter{Executable: path}, fmt.Errorf("%s does not work as a Python: %w; %s", path, err, howToGet)
	}
	if found.Major != 3 || found.Minor < 10 {
		return found, fmt.Errorf("python %s at %s; %s or newer is needed: %s", found.Version, found.Executable, oldest, howToGet)
	}
	if !found.IPython {
		return found, fmt.Errorf("python %s at %s has no IPython: run `%s -m pip install ipython`, or %s", found.Version, found.Executable, found.Executable, howToGet)
	}
	return found, nil
}

// find returns the path of the named program, or of the first python3 there is.
func find(program string) (string, error) {
	names := []string{program}
	if program == "" {
		names = []string{"python3", "python"}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			if path, err = filepath.Abs(path); err == nil {
				return path, nil
			}
		}
	}
	if program != "" {
		return "", fmt.Errorf("no program at %s: %s", program, howToGet)
	}
	return "", errors.New("no python3 on the PATH: " + howToGet)
}

func describe(path string) (interpreter, error) {
	ctx, cancel := context.WithTimeout(context.Background(), probeLimit)
	defer cancel()
	r, w, err := os.Pipe()
	if err != nil {
		return interpreter{}, fmt.Errorf("make pipe: %w", err)
	}
	defer r.Close()
	p, err := child.Start(ctx, child.Spec{
		Path: path, Args: []string{"-c", ask}, Env: os.Environ(), Dir: "/", Stdout: w, Stderr: w,
	})
	_ = w.Close()
	if err != nil {
		return interpreter{}, err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Now()) })
	said, err := io.ReadAll(io.LimitReader(r, 1<<16))
	stop()
	if err != nil {
		p.Stop(0)
		return interpreter{}, fmt.Errorf("no answer within %s", probeLimit)
	}
	<-p.Done()
	var found interpreter
	// Warnings may come before the answer, which is the last line.
	said = bytes.TrimSpace(said)
	if err := json.Unmarshal(said[bytes.LastIndexByte(said, '\n')+1:], &found); err != nil || found.Executable == "" {
		return interpreter{}, fmt.Errorf("%s, and it said %q", p.Exit(), strings.ToValidUTF8(string(said[:min(len(said), 300)]), "\uFFFD"))
	}
	return found, nil
}
