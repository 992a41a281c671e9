package script_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"hotcell/internal/child"
	"hotcell/internal/wire"
	"hotcell/process"
	"hotcell/process/script"
	"hotcell/runtimes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shell is a runtime whose programs are shell scripts. Its driver says what a
// test wants it to.
type shell struct {
	runtimes.Runtime
	messages []wire.Message
	started  chan struct{} // gets one for each program that runs; may be nil
	fail     error
}

func (*shell) Info() runtimes.Info {
	return runtimes.Info{Name: "shell", Languages: []string{"sh"}, Aliases: []string{"shell=sh"}}
}

func (*shell) Close() error { return nil }

func (f *shell) RunScript(ctx context.Context, s runtimes.Script) (*runtimes.Run, *runtimes.Rejected, error) {
	switch s.Code {
	case "reject":
		return nil, &runtimes.Rejected{Output: "no\n", Code: 1, Engine: "sh"}, nil
	case "compile for ever":
		if f.started != nil {
			f.started <- struct{}{}
		}
		<-ctx.Done()
		return nil, nil, context.Cause(ctx)
	case "with a kernel":
		if _, err := s.Kernel(ctx); err != nil {
			return nil, nil, err
		}
	}
	if f.fail != nil {
		return nil, nil, f.fail
	}
	if _, err := s.WriteBeside(".sh", s.Code); err != nil {
		return nil, nil, err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return nil, nil, err
	}
	env := make([]string, 0, len(s.Env))
	for name, value := range s.Env {
		env = append(env, name+"="+value)
	}
	p, err := child.Start(ctx, child.Spec{
		Path: "/bin/sh", Args: append([]string{"-c", s.Code, "sh"}, s.Args...), Env: env, Dir: s.Dir, Stdout: write, Stderr: write,
	})
	_ = write.Close()
	if err != nil {
		return nil, nil, errors.Join(err, read.Close())
	}
	ours, theirs := net.Pipe()
	go func() { // ends when the messages are read, or ours is closed
		defer theirs.Close()
		if f.messages != nil { // the program may wait for this
			defer func() { _ = os.WriteFile(filepath.Join(s.Dir, "sent"), nil, 0o600) }()
		}
		for _, m := range f.messages {
			if wire.WriteFrame(theirs, m) != nil {
				return
			}
			if m.Ack {
				var ack wire.Request
				if wire.ReadFrame(theirs, &ack) != nil || ack.Type != wire.ReqAck {
					return
				}
			}
		}
	}()
	if f.started != nil {
		f.started <- struct{}{}
	}
	return &runtimes.Run{Process: p, Output: read, Conn: ours, Engine: "sh"}, nil, nil
}

// runs are those of a test, with their scratch directory.
func runs(t *testing.T, f *shell, change func(*script.Config)) (*script.Runs, string) {
	t.Helper()
	scratch := t.TempDir()
	cfg := script.Config{Host: process.Host{Scratch: scratch}, Table: runtimes.NewTable(f)}
	if change != nil {
		change(&cfg)
	}
	r := script.New(cfg)
	t.Cleanup(r.Close)
	return r, scratch
}

func place(t *testing.T) process.Place {
	t.Helper()
	return process.Place{Sandbox: "box", Dir: t.TempDir(), Env: map[string]string{"OF_THE_BOX": "yes"}}
}
