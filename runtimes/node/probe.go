package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"hotcell/internal/child"
)

// howToGet ends every fault.
const howToGet = "install it from https://nodejs.org, from your distribution, or with a version manager, and put it on PATH"

// find returns the real program (not a version manager's shim) and its
// version, or what is wrong.
func find(ctx context.Context, program string, env []string) (path, version, fault string) {
	wanted := program
	if wanted == "" {
		wanted = "node"
	}
	found, err := exec.LookPath(wanted)
	if err != nil {
		if program == "" {
			return "", "", fmt.Sprintf("node was not found on PATH; Node.js %d or newer is needed: %s", oldest, howToGet)
		}
		return "", "", fmt.Sprintf("%s cannot be run: %s; Node.js %d or newer is needed: %s", program, plain(err), oldest, howToGet)
	}
	if found, err = filepath.Abs(found); err != nil {
		return "", "", fmt.Sprintf("%s cannot be located: %v", wanted, err)
	}
	said, err := ask(ctx, found, env)
	if err != nil {
		return found, "", fmt.Sprintf("%s does not say its version: %v; Node.js %d or newer is needed: %s", found, err, oldest, howToGet)
	}
	version, path, ok := strings.Cut(strings.TrimSpace(said), "\n")
	major, _, _ := strings.Cut(version, ".")
	number, err := strconv.Atoi(major)
	if !ok || err != nil {
		return found, "", fmt.Sprintf("%s is not Node.js: it answered %q; Node.js %d or newer is needed: %s", found, clip(said, 100), oldest, howToGet)
	}
	if number < oldest {
		return path, version, fmt.Sprintf("node %s at %s; %d or newer is needed: %s", version, path, oldest, howToGet)
	}
	return path, version, ""
}

// ask has the program print its version and where it really is.
func ask(ctx context.Context, program string, env []string) (string, error) {
	out, err := newPipe()
	if err != nil {
		return "", err
	}
	defer out.close()
	faults, err := newPipe()
	if err != nil {
		return "", err
	}
	defer faults.close()
	p, err := child.Start(ctx, child.Spec{
		Path: program, Args: []string{"-p", `process.versions.node + "\n" + process.execPath`},
		Env: env, Stdout: out.write, Stderr: faults.write,
	})
	if err != nil {
		return "", err
	}
	defer p.Stop(0)
	out.closeWrite()
	faults.closeWrite()
	select {
	case <-p.Done():
	case <-ctx.Done():
		return "", fmt.Errorf("no answer: %w", context.Cause(ctx))
	}
	if exit := p.Exit(); exit.Code != 0 {
		return "", fmt.Errorf("%s: %s", exit, clip(strings.TrimSpace(tail(faults.read)), 500))
	}
	return tail(out.read), nil
}

// pipe is an os.Pipe whose ends are closed at different times.
type pipe struct{ read, write *os.File }

func newPipe() (*pipe, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make a pipe: %w", err)
	}
	return &pipe{read: r, write: w}, nil
}

func (p *pipe) closeWrite() { _ = p.write.Close() }

func (p *pipe) close() {
	_ = p.write.Close()
	_ = p.read.Close()
}

// tail returns what stands in a pipe whose writer has ended, without waiting
// for anybody who may still hold its other end.
func tail(r *os.File) string {
	rc, err := r.SyscallConn()
	if err != nil {
		return ""
	}
	var text []byte
	buf := make([]byte, 64<<10) // a pipe holds no more
	_ = rc.Read(func(fd uintptr) bool {
		for len(text) < 1<<20 {
			n, err := unix.Read(int(fd), buf) // does not block
			if n <= 0 || err != nil {
				break
			}
			text = append(text, buf[:n]...)
		}
		return true
	})
	return string(text)
}

// plain leaves the name of the operation out of an error's text.
func plain(err error) string {
	var e *exec.Error
	if errors.As(err, &e) {
		return e.Err.Error()
	}
	if errors.Is(err, io.EOF) {
		return "it ended"
	}
	return err.Error()
}

// clip cuts a text that a program said.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return "… " + strings.ToValidUTF8(text[len(text)-most:], "")
}
