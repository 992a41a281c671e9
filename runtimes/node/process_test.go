package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"hotcell/internal/wire"
	"hotcell/runtimes"
	"hotcell/runtimes/node"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestOutput(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, code, end string }{
		{"many lines", "for (let i = 0; i < 500000; i++) console.log('line ' + i + ' '.repeat(90)); console.log('end')", "end\n"},
		{"one long line", "process.stdout.write('x'.repeat(20e6)); process.stdout.write('end')", "end"},
		{"before an exit", "process.stdout.write('x'.repeat(5e6)); console.log('end'); process.exit(3)", "end\n"},
		{"of a child that does not block", "require('child_process').execFileSync(process.execPath, ['-e', 'process.stdout.write(\"a\")'], {stdio: 'inherit'}); process.stdout.write('x'.repeat(5e6) + 'end')", "end"},
		{"after closing the descriptors", "for (const fd of [0, 1, 2]) fs.closeSync(fd); console.log('end')", "end\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			c.run(test.code)
			c.await(&c.stdout, test.end)
			out := c.written(&c.stdout)
			if !strings.HasSuffix(out, test.end) {
				t.Errorf("it ends in %q", clip(out))
			}
			if want := map[string]int{"many lines": 500000*(5+90+1) + 2888890 + 4, "one long line": 20e6 + 3}[test.name]; want > 0 && len(out) != want {
				t.Errorf("%d bytes, want %d", len(out), want)
			}
		})
	}
}

func TestExit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ code, want string }{
		{"process.exit(7)", "exit status 7"},
		{"process.abort()", "killed by SIGABRT"},
		{"process.kill(process.pid, 'SIGSEGV'); await new Promise(() => {})", "killed by SIGSEGV"},
		{"process.reallyExit(5)", "exit status 5"},
		{"process.exitCode = 3; process.exit()", "exit status 3"},
		{"await 1; process.exit(4)", "exit status 4"},
		{"setTimeout(() => process.exit(4)); await new Promise(() => {})", "exit status 4"},
		{"process.on('exit', () => { process.exit(6) }); process.exit(4)", "exit status 6"},
	} {
		t.Run(test.code, func(t *testing.T) {
			t.Parallel()
			c := newClient(t)
			if o := c.run(test.code); o.Status != "died" || c.kernel.Process.Exit().String() != test.want {
				t.Errorf("%s, %s", o.Status, c.kernel.Process.Exit())
			}
			c.close()
			if said := c.written(&c.stderr); said != "" && strings.HasPrefix(test.want, "exit") {
				t.Errorf("stderr: %q", said)
			}
		})
	}
}

func TestEndOfProtocol(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"console.log('go'); for (;;);", "console.log('go'); await new Promise(() => {})"} {
		c := newClient(t)
		c.begin(wire.Request{Code: code})
		c.await(&c.stdout, "go")
		_ = c.kernel.Conn.Close()
		select {
		case <-c.kernel.Process.Done():
		case <-time.After(patience):
			t.Fatal("the kernel outlives its protocol")
		}
	}
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	c := newClient(t)
	c.send(wire.Request{Type: wire.ReqShutdown})
	select {
	case <-c.kernel.Process.Done():
	case <-time.After(patience):
		t.Fatal("the kernel does not end")
	}
	if exit := c.kernel.Process.Exit(); exit.Code != 0 {
		t.Error(exit)
	}
}

func TestConfigure(t *testing.T) {
	t.Parallel()
	r := newRuntime(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine.mjs"), []byte("export default 1; export const b = 2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "old.cjs"), []byte("module.exports = {c: 3}"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := startClient(t, r, runtimes.Spec{Env: map[string]string{"BORN": "yes"}}, wire.Request{
		Cwd: dir, Env: map[string]string{"LATE": "too", "TZ": "Asia/Tokyo"},
	})
	for _, step := range []struct {
		code, want string
		env        map[string]string
	}{
		{code: "process.cwd()", want: "'" + dir + "'"},
		{code: "process.env.BORN + process.env.LATE", want: "'yestoo'"},
		{code: "new Date(0).getHours()", want: "9"},
		{code: "import one, {b} from './mine.mjs'; one + b", want: "3"},
		{code: "require('./old.cjs').c", want: "3"},
		{code: "(await import('./mine.mjs')).b", want: "2"},
		{code: "process.env.ONCE + process.env.LATE", want: "'1x'", env: map[string]string{"ONCE": "1", "LATE": "x"}},
		{code: "String(process.env.ONCE) + process.env.LATE", want: "'undefinedtoo'"},
		{code: "process.argv.length + process.execArgv.length", want: "1"},
		{code: "require('child_process').execSync('readlink /proc/$$/fd/3 || echo none').toString()", want: `'none\n'`},
		{code: "Object.keys(process.env).filter(name => name.startsWith('HOTCELL_')).length", want: "0"},
	} {
		c.begin(wire.Request{Code: step.code, Env: step.env})
		if o := c.finish(); o.Result != step.want {
			t.Errorf("%s: %+v, want %s", step.code, o, step.want)
		}
	}
	if said := c.written(&c.stderr); said != "" {
		t.Errorf("stderr: %s", clip(said))
	}
	c.send(wire.Request{Type: wire.ReqConfigure, Cwd: "/does/not/exist"})
	if m := c.next(); m.Type != wire.MsgRefused || !strings.Contains(m.Value, "no such directory") {
		t.Errorf("%+v", m)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	script := func(text string) string {
		file := filepath.Join(t.TempDir(), "node")
		if err := os.WriteFile(file, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // it is a program
			t.Fatal(err)
		}
		return file
	}
	for _, test := range []struct{ name, program, want string }{
		{"missing", "/no/such/node", "cannot be run"},
		{"old", script("echo 18.1.0; echo /opt/node"), "node 18.1.0 at /opt/node; 20 or newer is needed"},
		{"not node", script("echo hello"), "is not Node.js"},
		{"broken", script("echo sad >&2; exit 3"), "exit status 3: sad"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := node.New(node.Config{Program: test.program})
			if fault := r.Info().Fault; !strings.Contains(fault, test.want) {
				t.Errorf("fault: %s", fault)
			}
			if _, err := r.Start(context.Background(), runtimes.Spec{}); !errors.Is(err, runtimes.ErrUnavailable) {
				t.Error(err)
			}
		})
	}
	t.Run("later", func(t *testing.T) {
		r := node.New(node.Config{Program: script(`[ "$1" = -p ] && echo 20.0.0 && echo "$0" && exit; echo sad >&2; exit 4`), ScratchDir: t.TempDir()})
		defer r.Close()
		_, err := r.Start(context.Background(), runtimes.Spec{})
		if err == nil || !strings.Contains(err.Error(), "exit status 4") || !strings.Contains(err.Error(), "sad") {
			t.Error(err)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		r := node.New(node.Config{Program: script(`[ "$1" = -p ] && echo 20.0.0 && echo "$0" && exit; exec sleep 60`), ScratchDir: t.TempDir()})
		defer r.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		if _, err := r.Start(ctx, runtimes.Spec{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// Starting and ending kernels leaves nothing behind.
func TestNoLeaks(t *testing.T) {
	r := newRuntime(t)
	cycle := func() {
		k, err := r.Start(context.Background(), runtimes.Spec{})
		if err != nil {
			t.Fatal(err)
		}
		_ = k.Process.Signal(os.Kill)
		<-k.Process.Done()
		if err := errors.Join(k.Conn.Close(), k.Stdout.Close(), k.Stderr.Close()); err != nil {
			t.Error(err)
		}
	}
	cycle()
	before := descriptors(t)
	for range 5 {
		cycle()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors, %d before", after, before)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	all, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip(err)
	}
	return len(all)
}
