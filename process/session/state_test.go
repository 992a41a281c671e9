package session_test

import (
	"strings"
	"testing"

	"hotcell/process/session"
)

// step is a command and what has to come of it.
type step struct {
	text      string
	out, errs string // errs: a part of it; "-" is nothing at all
	code      int
	over      string // the session has ended, and this is in the words for it
	only      string // the shell that this is for
}

// TestState goes through what commands do to the shell that they share.
func TestState(t *testing.T) {
	shells(t, func(t *testing.T, shell string) {
		t.Helper()
		for name, steps := range map[string][]step{
			"directory":   {{text: "cd /usr; cd /"}, {text: "pwd; cd - >/dev/null; pwd; echo $OLDPWD", out: "/\n/usr\n/\n"}},
			"variables":   {{text: "export A=1 B='x y'; C=3"}, {text: `echo $A "$B" $C; sh -c 'echo $A$C'`, out: "1 x y 3\n1\n"}},
			"functions":   {{text: "f() {\n echo f$1\n}"}, {text: "f 1; f 2", out: "f1\nf2\n"}},
			"aliases":     {{text: "alias greet='echo hello'"}, {text: "greet you", out: "hello you\n"}},
			"arguments":   {{text: "set -- a b c"}, {text: "echo $# $2", out: "3 b\n"}},
			"umask":       {{text: "umask 077"}, {text: "umask", out: "0077\n"}},
			"descriptors": {{text: "exec 3>f3 7<&-; echo kept >&3"}, {text: "echo more >&3; cat f3", out: "kept\nmore\n"}},
			"status":      {{text: "(exit 7)", code: 7}, {text: "echo $?", out: "7\n"}, {text: "echo $?", out: "0\n"}},
			"streams":     {{text: "echo out; echo err >&2; exit_code() { return 9; }; exit_code", out: "out\n", errs: "err\n", code: 9}},
			"background":  {{text: "sleep 0.05 & echo on", out: "on\n", errs: "-"}, {text: "wait; echo waited", out: "waited\n", errs: "-"}},
			"not found":   {{text: "no-such-command", errs: "not found", code: 127}},
			"a signal":    {{text: `sh -c 'kill -9 $$'`, code: 137}, {text: "echo on", out: "on\n"}},
			"return":      {{text: "return 5; echo no", code: 5}, {text: "echo on", out: "on\n"}},
			"break":       {{text: "break"}, {text: "continue"}, {text: "for i in 1 2; do echo $i; break; done", out: "1\n"}},
			"no newline":  {{text: "cat <<X\na\nX", out: "a\n"}, {text: "echo b # c", out: "b\n"}},
			"comment":     {{text: "# nothing"}, {text: "\n#\n"}},
			"set -e holds": {
				{text: "set -e"},
				{text: "false || echo or", out: "or\n"},
				{text: "! true; if false; then :; fi; echo on", out: "on\n"},
				{text: "! true", code: 1, over: "exit status 1"},
			},
			"set -e":     {{text: "set -e"}, {text: "echo a; false; echo b", out: "a\n", code: 1, over: "exit status 1"}},
			"set -u":     {{text: "set -u"}, {text: "echo ${HOME:-x} >/dev/null; echo a", out: "a\n", errs: "-"}},
			"set -x":     {{text: "set -x", errs: "-"}, {text: "echo a", out: "a\n", errs: "+ echo a\n"}, {text: "set +x 2>/dev/null"}, {text: "echo b", out: "b\n", errs: "-"}},
			"set -v":     {{text: "set -v", errs: "-"}, {text: "echo a\n", out: "a\n", errs: "echo a\n"}},
			"set -f":     {{text: "set -f"}, {text: "echo *", out: "*\n"}},
			"set -C":     {{text: "set -C"}, {text: "echo a", out: "a\n"}, {text: "echo b", out: "b\n"}},
			"set -n":     {{text: "echo a; set -n; echo b", out: "a\n", over: "exit status 0"}},
			"set -a":     {{text: "set -a"}, {text: "Q=1; sh -c 'echo $Q'", out: "1\n"}},
			"set -r":     {{only: "bash", text: "set -r", code: 1, over: "exit status 1"}},
			"pipefail":   {{only: "bash", text: "set -o pipefail"}, {only: "bash", text: "false | true", code: 1}},
			"posix mode": {{only: "bash", text: "set -o posix"}, {only: "bash", text: `echo "`, errs: "EOF", code: 2}, {only: "bash", text: "echo on", out: "on\n"}},
			"set -m":     {{only: "bash", text: "set -m"}, {only: "bash", text: "sleep 0.01 & wait; echo on", out: "on\n"}},
			"IFS":        {{text: "IFS=0123456789=gohtcel_"}, {text: "(exit 3)", code: 3}, {text: "echo a b", out: "a b\n"}},
			"TMOUT":      {{text: "TMOUT=1; readonly TMOUT"}, {text: "echo a", out: "a\n"}},
			"PATH":       {{text: "PATH=/nowhere"}, {text: "echo a", out: "a\n"}},
			"exec redirects": {
				{text: "exec >/dev/null 2>&1; echo lost"}, {text: "echo seen", out: "seen\n"},
			},
			"shadowed builtins": {
				{text: "read() { :; }; echo() { :; }; printf() { :; }; test() { :; }; false() { :; }; _hotcell=x"},
				{only: "bash", text: "exit() { :; }; return() { :; }; eval() { :; }; shopt() { :; }"},
				{text: "echo a; ls /nowhere", errs: "nowhere", code: 2},
				{text: "alias command=false builtin=false until=false read=false echo=false"},
				{text: "pwd >/dev/null"},
			},
			"shadowed builtin":   {{only: "bash", text: "builtin() { :; }", code: 127, over: "exit status 127"}},
			"shadowed command":   {{only: "dash", text: "command() { :; }", code: 2, over: "exit status 2"}},
			"shadowed dot":       {{only: "bash", text: "function . { :; }; function source { :; }"}, {only: "bash", text: "echo a", out: "a\n"}},
			"closed descriptors": {{text: "exec 0<&- 1>&- 2>&- 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-"}, {text: "echo a; echo b >&2", out: "a\n", errs: "b\n"}},
			"read descriptors":   {{text: "for i in 3 4 5 6 7 8 9; do eval \"cat <&$i\" 2>/dev/null; done; echo a", out: "a\n"}},
			"high descriptors":   {{only: "bash", text: "exec 10>&- 11>&- 12>&- 13>&- 255<&-"}, {only: "bash", text: "echo a", out: "a\n"}},
			"stdin is empty":     {{text: "cat; read x; echo $?", out: "1\n"}},
			"quotes":             {{text: `echo "abc`, errs: "nterminated", code: 2, only: "dash"}, {text: `echo "abc`, errs: "unexpected EOF", code: 2, only: "bash"}, {text: "echo on", out: "on\n"}},
			"half a statement":   {{text: "if true", errs: "unexpected", code: 2}, {text: "echo )", errs: "unexpected", code: 2}, {text: "echo on", out: "on\n"}},
			"half a document":    {{text: "cat <<X\na\n", out: "a\n"}, {text: "echo on", out: "on\n"}},
			"what came before":   {{text: "echo a\necho (", out: "a\n", errs: "unexpected", code: 2}},
			"exit":               {{text: "echo a; exit 3; echo b", out: "a\n", code: 3, over: "exit status 3"}},
			"exit in a function": {{text: "f() { exit 4; }; f", code: 4, over: "exit status 4"}},
			"exit in a subshell": {{text: "(exit 4)", code: 4}, {text: "echo on", out: "on\n"}},
			"exec":               {{text: "exec sh -c 'echo new; exit 6'", out: "new\n", code: 6, over: "exit status 6"}},
			"killed":             {{text: "echo a; kill -9 $$", out: "a\n", code: 137, over: "killed by SIGKILL"}},
			"terminated":         {{text: "kill $$", code: 143, over: "killed by SIGTERM"}},
			"an exit trap": {
				{text: "trap 'echo bye; echo aye >&2' EXIT"},
				{text: "echo a; exit 2", out: "a\nbye\n", errs: "aye\n", code: 2, over: "exit status 2"},
			},
			"an exit trap, traced": {
				{text: "trap 'echo bye' EXIT; set -x"},
				{text: "exit 2", out: "bye\n", errs: "echo bye\n", code: 2, over: "exit status 2"},
			},
			"a debug trap":               {{only: "bash", text: "trap 'echo dbg' DEBUG"}, {only: "bash", text: "true", out: ""}, {only: "bash", text: "echo a", out: "a\n"}},
			"an error trap, and the end": {{only: "bash", text: "trap 'echo ERR' ERR"}, {only: "bash", text: "false", out: "ERR\n", code: 1}, {only: "bash", text: "exit 0", over: "exit status 0"}},
			"an error trap":              {{only: "bash", text: "trap 'echo ERR' ERR"}, {only: "bash", text: "false", out: "ERR\n", code: 1}, {only: "bash", text: "echo a", out: "a\n"}},
			"an unset variable":          {{only: "bash", text: "set -u; echo $nope", errs: "unbound", code: 127, over: "exit status 127"}, {only: "dash", text: "set -u; echo $nope", errs: "not set", code: 2}},
			"no descriptors left":        {{text: "ulimit -n 3", code: map[string]int{"bash": 1, "dash": 2, "sh": 2}[shell], over: "exit"}},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				b := newLab(t, shell, session.Limits{})
				s := b.open(t, "s")
				for _, st := range steps {
					if st.only == "" || st.only == shell {
						st.check(t, s)
					}
				}
			})
		}
	})
}

func (st step) check(t *testing.T, s *session.Session) {
	t.Helper()
	r := run(t, s, st.text)
	if r.out != st.out || r.code != st.code || r.late != "" {
		t.Errorf("%q: %+v, want %q and code %d", st.text, r, st.out, st.code)
	}
	if st.errs == "-" && r.errs != "" || st.errs != "-" && !strings.Contains(r.errs, st.errs) {
		t.Errorf("%q: stderr is %q, want %q", st.text, r.errs, st.errs)
	}
	if strings.Contains(r.errs, "_hotcell") || strings.Contains(r.errs, "/command\n") {
		t.Errorf("%q: the loop shows itself: %q", st.text, r.errs)
	}
	if st.over == "" {
		return
	}
	_, err := s.Execute(session.Request{Text: "true"})
	if err == nil || !strings.Contains(err.Error(), st.over) {
		t.Errorf("%q: the session says %v, want %q", st.text, err, st.over)
	}
}
