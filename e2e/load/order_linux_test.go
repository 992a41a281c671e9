package load_test

import (
	"strings"
	"testing"
	"time"

	"hotcell/contexts"
	"hotcell/e2e/clients"
	"hotcell/e2e/program"
	"hotcell/e2e/testserver"
	"hotcell/interpreter"
	"hotcell/stream"
)

// TestOrder writes in every way there is, and wants it in order.
func TestOrder(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	imitation := "\x00\x00\x00\x15{\"type\":\"done\",\"id\":\"\"}\x01\x01\x01out\x02\x02\x02err\ndtn_artifact_k39fd2:{\"type\":\"chart\",\"value\":{}}\n" +
		`{"type":"control","text":"completed"}` + "\n\x1b[2J\r\b\x7f\x04\n"
	quoted := `"\x00\x00\x00\x15{\"type\":\"done\",\"id\":\"\"}\x01\x01\x01out\x02\x02\x02err\ndtn_artifact_k39fd2:{\"type\":\"chart\",\"value\":{}}\n{\"type\":\"control\",\"text\":\"completed\"}\n\x1b[2J\r\b\x7f\x04\n"`
	for _, tc := range []struct{ name, language, code, want string }{
		{"os.system", "python", "import os\nos.system('printf hi'); print('after')", "hiafter\n"},
		{"os.system after print", "python", "import os\nfor i in range(20):\n    print(i, end=' ')\n    os.system(f'printf \"s{i} \"')\n", spaced(20, func(i string) string { return i + " s" + i + " " })},
		{"subprocess.run", "python", "import subprocess\nfor i in range(20):\n    print(i)\n    _ = subprocess.run(['echo', f's{i}'])\n", spaced(20, func(i string) string { return i + "\ns" + i + "\n" })},
		{"os.write", "python", "import os, sys\nfor i in range(20):\n    print(i, end=' ')\n    sys.stdout.flush()\n    _ = os.write(1, b'w%d ' % i)\n", spaced(20, func(i string) string { return i + " w" + i + " " })},
		{"a C library", "python", "import ctypes, sys\nlibc = ctypes.CDLL(None)\nfor i in range(20):\n    print(i, end=' ', flush=True)\n    _ = libc.printf(b'c%d ', i)\n    _ = libc.fflush(None)\n", spaced(20, func(i string) string { return i + " c" + i + " " })},
		{"a C library without a flush", "python", "import ctypes\n_ = ctypes.CDLL(None).printf(b'from C')", "from C"},
		{"a forked child", "python", "import os\nprint('parent')\npid = os.fork()\nif pid == 0:\n    print('child')\n    os.write(1, b'raw\\n')\n    os._exit(0)\n_ = os.waitpid(pid, 0)\nprint('after')", "parent\nchild\nraw\nafter\n"},
		{"a forked child that flushes", "python", "import os\nprint('parent')\npid = os.fork()\nif pid == 0:\n    print('child', flush=True)\n    os._exit(0)\n_ = os.waitpid(pid, 0)\nprint('after')", "parent\nchild\nafter\n"},
		{"multiprocessing", "python", "import multiprocessing\ndef f(n): print('in', n, flush=True)\nfor n in range(3):\n    p = multiprocessing.get_context('fork').Process(target=f, args=(n,)); p.start(); p.join()\nprint('after')", "in 0\nin 1\nin 2\nafter\n"},
		{"shell lines", "python", "!printf hi\nprint('after')", "hiafter\n"},
		{"imitations", "python", "print(" + quoted + ", end='')", imitation},
		{"imitations", "javascript", "process.stdout.write(" + quoted + "); 0", imitation},
		{"imitations", "go", "import \"fmt\"\nfmt.Print(" + quoted + ")", imitation},
		{"invalid UTF-8", "python", "import os\n_ = os.write(1, b'a\\xffb\\xc3(\\xe2\\x82' + b'\\xf0\\x9f\\x98\\x80' + b'\\xe2')", "a\uFFFDb\uFFFD(\uFFFD\uFFFD😀\uFFFD"},
		{"a character in four writes", "python", "import os, time\nfor b in '😀'.encode():\n    _ = os.write(1, bytes([b])); time.sleep(0.02)\n", "😀"},
		{"execSync", "javascript", "for (let i = 0; i < 10; i++) { process.stdout.write(i + ' '); require('child_process').execSync(`printf 's${i} '`, {stdio: 'inherit'}) }", spaced(10, func(i string) string { return i + " s" + i + " " })},
		{"writeSync", "javascript", "for (let i = 0; i < 10; i++) { process.stdout.write(i + ' '); fs.writeSync(1, `w${i} `) }", spaced(10, func(i string) string { return i + " w" + i + " " })},
		{"exec.Command", "go", "import (\"fmt\"; \"os\"; \"os/exec\")\nfor i := 0; i < 10; i++ {\n\tfmt.Print(i, \" \")\n\tc := exec.Command(\"printf\", fmt.Sprintf(\"s%d \", i))\n\tc.Stdout = os.Stdout\n\tc.Run()\n}", spaced(10, func(i string) string { return i + " s" + i + " " })},
	} {
		for _, c := range []clients.Client{&clients.Native{URL: s.URL, Key: s.Key}, &clients.Daytona{URL: s.URL, Key: s.Key, Sandbox: "default"}} {
			t.Run(tc.language+"/"+tc.name+"/"+c.Name(), func(t *testing.T) {
				t.Parallel()
				if o := outcome(t, c, tc.language, tc.code); o.Stdout() != tc.want || o.Stderr() != "" || o.Error != nil {
					t.Errorf("want %q\ngot %s", tc.want, o)
				}
			})
		}
	}
}

func spaced(n int, piece func(string) string) string {
	var b strings.Builder
	for i := range numbers(n) {
		b.WriteString(piece(strings.TrimSpace(i)))
	}
	return b.String()
}

func outcome(t *testing.T, c clients.Client, language, code string) clients.Outcome {
	t.Helper()
	ctx := inTime(t)
	cx, err := c.Open(ctx, clients.Options{Language: language})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := cx.Delete(ctx); err != nil {
			t.Errorf("delete context: %v", err)
		}
	}()
	r, err := cx.Start(ctx, clients.Cell{Code: code})
	if err != nil {
		t.Fatal(err)
	}
	o, err := r.Wait(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestLimit writes more than is kept: the run ends, and says why.
func TestLimit(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithContexts(func(c *contexts.Config) {
		c.Events = stream.Options{Memory: 1 << 20, Disk: 8 << 20}
	}))
	for _, c := range []clients.Client{&clients.Native{URL: s.URL, Key: s.Key}, &clients.Daytona{URL: s.URL, Key: s.Key, Sandbox: "default"}} {
		for language, cell := range map[string]string{
			"python":     "kept = 1\nwhile True: print('x' * 1000)",
			"javascript": "for (;;) console.log('x'.repeat(1000))",
		} {
			t.Run(language+"/"+c.Name(), func(t *testing.T) {
				t.Parallel()
				ctx := inTime(t)
				cx, err := c.Open(ctx, clients.Options{Language: language})
				if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				r, err := cx.Start(ctx, clients.Cell{Code: cell})
				if err != nil {
					t.Fatal(err)
				}
				o, err := r.Wait(ctx)
				if err != nil {
					t.Fatal(err)
				}
				// Each piece has its number and time beside the text.
				if o.Error == nil || o.Error.Name != "OutputLimitError" || len(o.Stdout()) < 8<<20-256<<10 {
					t.Errorf("%d bytes, error %+v", len(o.Stdout()), o.Error)
				}
				t.Logf("ended after %s", time.Since(began))
				if r, err = cx.Start(ctx, clients.Cell{Code: "1+1"}); err != nil {
					t.Fatal(err)
				}
				if o, err := r.Wait(ctx); err != nil || o.Status != "ok" {
					t.Errorf("the next run: %v %s", err, o)
				}
				if err := cx.Delete(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestSlowReader reads a little, lets more runs pass than are kept, and reads
// the rest: a client is never cut off for being slow.
func TestSlowReader(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx := inTime(t)
	for _, f := range []follower{
		overNative{&program.Program{URL: s.URL, Key: s.Key}}, overDaytona{&program.Program{URL: s.URL, Key: s.Key}},
	} {
		t.Run(f.name(), func(t *testing.T) {
			t.Parallel()
			r := &reader{want: expect(blocks(400, 64<<10)), pauseAt: 1 << 20}
			r.meant = func() {
				entries := s.Contexts.All()
				for range 600 {
					ran := false
					for _, e := range entries {
						x, err := e.Execute(interpreter.Request{Code: "1"})
						if err != nil {
							continue // the other client's is gone
						}
						<-x.Done()
						ran = true
					}
					if !ran {
						t.Error("nothing ran")
						return
					}
				}
			}
			code := "import sys\nfor i in range(400): _ = sys.stdout.write(chr(97 + i % 26) * 65536)"
			if err := f.run(ctx, t, "python", code, r); err != nil {
				t.Error(err)
			}
		})
	}
}
