package isolation_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hotcell/internal/jail"
	"hotcell/process"
	"hotcell/process/command"
	"hotcell/process/script"
	"hotcell/process/session"
	"hotcell/process/terminal"
)

// TestEverythingRuns is what a sandbox is for, inside.
func TestEverythingRuns(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			s := serve(t, mode, jail.Host)
			dir := s.Sandboxes.WorkDir("default")
			if out, code := sh(t, s, "default", "pwd; echo $HOME; touch $(mktemp) && cd / && pwd"); code != 0 || out != dir+"\n"+dir+"\n/" {
				t.Errorf("%d %s", code, out)
			}
			if mode == jail.Namespace {
				spec := command.Spec{Place: s.Place(t, "default"), Cwd: "/workspace", Argv: []string{"sh", "-c", "touch here && pwd && hostname"}}
				r, err := s.Tools.Commands.Run(t.Context(), spec)
				if err != nil || r.Output.String() != "/workspace\nsandbox\n" {
					t.Errorf("%v %v", r, err)
				}
				if _, err := os.Stat(filepath.Join(dir, "here")); err != nil {
					t.Error(err)
				}
			}
			_, err := s.Tools.Commands.Run(t.Context(), command.Spec{Place: s.Place(t, "default"), Argv: []string{"no-such-program"}})
			if missing := (*command.NotFoundError)(nil); !errors.As(err, &missing) || !missing.Missing() {
				t.Errorf("%v", err)
			}
			_, err = s.Tools.Commands.Run(t.Context(), command.Spec{Place: s.Place(t, "default"), Text: "true", Cwd: "nowhere"})
			if cwd := (*process.CwdError)(nil); !errors.As(err, &cwd) {
				t.Errorf("%v", err)
			}
			long := "echo " + strings.Repeat("x", 200<<10) + " | wc -c"
			if out, code := sh(t, s, "default", long); code != 0 || out != "204801" {
				t.Errorf("%d %.200s", code, out)
			}
			for language, code := range map[string]string{
				"python":     "import os; print(str(os.environ['HOME'] == os.getcwd()).lower(), 42)",
				"javascript": "console.log(require('fs').readdirSync('.').length >= 0, 6*7)",
				"typescript": "import {readFileSync} from 'fs'; const n: number = 42; console.log(readFileSync(import.meta.filename).length > 0, n)",
				"go":         "package main\nimport (\"fmt\"; \"os\")\nfunc main() { _, err := os.ReadFile(\"/etc/passwd\"); fmt.Println(err == nil, 42) }",
			} {
				r, err := s.Tools.Scripts.Run(t.Context(), s.Place(t, "default"), script.Request{Language: language, Code: code, Timeout: 2 * time.Minute})
				if err != nil || r.ExitCode != 0 || r.Output != "true 42\n" {
					t.Errorf("%s: %+v %v", language, r, err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".script*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

// TestSession keeps its state, and its processes until it ends.
func TestSession(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			s := serve(t, mode, jail.Host)
			sess, err := s.Tools.Sessions.Create(t.Context(), s.Place(t, "default"), "a")
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				text string
				code int
			}{{"mkdir -p sub && cd sub && x=5", 0}, {"[ $x = 5 ] && [ $(basename $PWD) = sub ]", 0}, {"sleep 600 &", 0}, {"exec 3>&1; (exit 3)", 3}} {
				c, err := sess.Execute(session.Request{Text: step.text})
				if err != nil {
					t.Fatal(err)
				}
				<-c.Done()
				if code, _ := c.Exit(); code != step.code {
					t.Errorf("%s: %d", step.text, code)
				}
			}
			// What the server writes there by name, nobody inside can turn into a link.
			out, code := sh(t, s, "default", "cd "+s.Place(t, "default").Inside.Run+"/session-* && (rm -f command || mv command x || ln -sf /etc/passwd command || touch new)")
			if code == 0 {
				t.Errorf("the session's directory can be changed: %s", out)
			}
			if err := s.Tools.Sessions.Delete(t.Context(), "default", "a"); err != nil {
				t.Error(err)
			}
			if out, _ := sh(t, s, "default", "ps -eo args | grep '[s]leep 600'"); mode == jail.Namespace && out != "" {
				t.Errorf("left: %s", out)
			}
		})
	}
}

// TestTerminal has its shell on a terminal of the jail's own.
func TestTerminal(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			s := serve(t, mode, jail.Host)
			term, err := s.Tools.Terminals.Create(t.Context(), s.Place(t, "default"), terminal.Options{ID: "t", Cols: 91})
			if err != nil {
				t.Fatal(err)
			}
			client, err := term.Attach(t.Context(), true)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if err := client.Write(t.Context(), []byte("tty > tty.txt; stty size; echo do\"\"ne; exit 4\n")); err != nil {
				t.Fatal(err)
			}
			var shown strings.Builder
			for {
				p, err := client.Next(t.Context())
				shown.Write(p)
				if err != nil {
					break
				}
			}
			<-term.Done()
			if !strings.Contains(shown.String(), "24 91") || !strings.Contains(shown.String(), "done") || term.Exit().Code != 4 {
				t.Errorf("%d %q", term.Exit().Code, shown.String())
			}
			if out, _ := sh(t, s, "default", "cat tty.txt"); !strings.HasPrefix(out, "/dev/pts/") {
				t.Errorf("its terminal is %q", out)
			}
		})
	}
}

// TestAnotherJail follows one whose first process was killed, and ends with the sandbox.
func TestAnotherJail(t *testing.T) {
	for _, mode := range modes(t) {
		t.Run(string(mode), func(t *testing.T) {
			s := serve(t, mode, jail.Host)
			id := sandbox(t, s)
			first, ok := s.Place(t, id).Jail.(*jail.Jail)
			if !ok {
				t.Fatal("no jail")
			}
			if p, err := os.FindProcess(first.Pid()); err != nil || p.Kill() != nil {
				t.Fatal("it can't be killed")
			}
			<-first.Done()
			if out, code := sh(t, s, id, "echo again"); code != 0 || out != "again" {
				t.Errorf("%d %s", code, out)
			}
			second, _ := s.Place(t, id).Jail.(*jail.Jail)
			if _, err := s.Sandboxes.Stop(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			select {
			case <-second.Done():
			default:
				t.Error("the jail has outlived its sandbox")
			}
		})
	}
}

// TestNetwork is what each choice lets through.
func TestNetwork(t *testing.T) {
	connect := `python3 -c 'import socket; socket.create_connection(("127.0.0.1", ` + "PORT" + `), 2)'`
	own := `python3 -c 'import socket; l = socket.create_server(("127.0.0.1", 0)); socket.create_connection(l.getsockname())'`
	for _, mode := range modes(t) {
		for _, network := range []jail.Network{jail.Host, jail.Loopback, jail.NoNet} {
			if mode == jail.Process && network == jail.Loopback {
				continue
			}
			t.Run(string(mode)+" "+string(network), func(t *testing.T) {
				s := serve(t, mode, network)
				port := s.URL[strings.LastIndexByte(s.URL, ':')+1:]
				if out, code := sh(t, s, "default", strings.Replace(connect, "PORT", port, 1)); (code == 0) != (network == jail.Host) {
					t.Errorf("the server: %d %s", code, out)
				}
				if out, code := sh(t, s, "default", own); (code == 0) != (network != jail.NoNet) {
					t.Errorf("its own: %d %s", code, out)
				}
			})
		}
	}
}
