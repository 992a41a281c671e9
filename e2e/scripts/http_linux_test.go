package scripts_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"hotcell/e2e/testserver"
	"hotcell/internal/jail"
	"hotcell/sandboxes"
)

// answer is all that a client may read of one run.
type answer struct {
	Status    int `json:"-"`
	ExitCode  int
	Result    *string
	Artifacts *struct {
		Charts  []map[string]any
		Omitted int
	}
	Engine                string
	Message, Code, Source string
}

func (a answer) text() string {
	if a.Result == nil {
		return "<no result>"
	}
	return *a.Result
}

type object = map[string]any

// post sends a request to a sandbox's code-run. body is a text or a value.
func post(s *testserver.Server, sandbox string, body any) (answer, error) {
	raw, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			return answer{}, err
		}
		raw = string(encoded)
	}
	req, err := http.NewRequest(http.MethodPost, s.URL+"/toolbox/"+sandbox+"/process/code-run", bytes.NewBufferString(raw))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	got := answer{Status: resp.StatusCode}
	if err := json.Unmarshal(text, &got); err != nil {
		return answer{}, fmt.Errorf("%w: %s", err, text[:min(len(text), 500)])
	}
	return got, nil
}

func run(tb testing.TB, s *testserver.Server, sandbox string, body any) answer {
	tb.Helper()
	got, err := post(s, sandbox, body)
	if err != nil {
		tb.Fatal(err)
	}
	return got
}

// TestLanguages runs the same things in every language.
func TestLanguages(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for language, code := range map[string]struct{ args, exit, fail, loop, much, engine string }{
		"python": {
			args: "import sys, os; print(sys.argv[1:], os.environ['FOO'], len(sys.stdin.read()))", exit: "print('a'); raise SystemExit(3)", fail: "print('a')\n1/0",
			loop: "print('begun'); import time; time.sleep(600)", much: "print('x' * 1000, end=''); print('y' * 40_000_000, end=''); print('z' * 1000)", engine: "python ",
		},
		"javascript": {
			args: "console.log(JSON.stringify(process.argv.slice(2)), process.env.FOO, require('fs').readFileSync(0).length)", exit: "console.log('a'); process.exit(3)", fail: "console.log('a')\nnull.x",
			loop: "console.log('begun'); setInterval(() => {}, 9)", much: "process.stdout.write('x'.repeat(1000)); process.stdout.write('y'.repeat(40e6)); process.stdout.write('z'.repeat(1000) + '\\n')", engine: "node ",
		},
		"typescript": {
			args: "console.log(JSON.stringify(process.argv.slice(2) as string[]), process.env.FOO!, require('fs').readFileSync(0).length)", exit: "console.log('a' as string); process.exit(3)", fail: "let x: any = null\nconsole.log('a'); x.y",
			loop: "console.log('begun'); while (true as boolean) {}", much: "process.stdout.write('x'.repeat(1000)); process.stdout.write('y'.repeat(40e6)); process.stdout.write('z'.repeat(1000) + '\\n')", engine: "node ",
		},
		"go": {
			args: "b, _ := io.ReadAll(os.Stdin)\nfmt.Printf(\"%q %s %d\\n\", os.Args[1:], os.Getenv(\"FOO\"), len(b))", exit: "fmt.Println(\"a\"); os.Exit(3)", fail: "fmt.Println(\"a\")\nvar p *int\n*p = 1",
			loop: "fmt.Println(\"begun\"); for {}", much: "fmt.Print(strings.Repeat(\"x\", 1000)); fmt.Print(strings.Repeat(\"y\", 40_000_000)); fmt.Println(strings.Repeat(\"z\", 1000))", engine: "yaegi ",
		},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			ask := func(code string, more object) answer {
				body := object{"code": code, "language": language}
				maps.Copy(body, more)
				return run(t, s, "default", body)
			}
			a := ask(code.args, object{"argv": []string{"a b", "'\"", "\n", "", "ü😀"}, "envs": object{"FOO": "BAR é"}})
			want := map[string]string{"python": `['a b', '\'"', '\n', '', 'ü😀'] BAR é 0`, "go": `["a b" "'\"" "\n" "" "ü😀"] BAR é 0`}[language]
			if want == "" {
				want = `["a b","'\"","\n","","ü😀"] BAR é 0`
			}
			if a.Status != http.StatusOK || a.ExitCode != 0 || a.text() != want+"\n" || !strings.HasPrefix(a.Engine, code.engine) || a.Artifacts != nil {
				t.Errorf("arguments: %+v %q", a, a.text())
			}
			if a := ask(code.exit, nil); a.Status != http.StatusOK || a.ExitCode != 3 || a.text() != "a\n" {
				t.Errorf("exit: %+v %q", a, a.text())
			}
			if a := ask(code.fail, nil); a.Status != http.StatusOK || a.ExitCode == 0 || !strings.HasPrefix(a.text(), "a\n") || !strings.Contains(a.text(), "rror") {
				t.Errorf("failure: %+v %q", a, a.text())
			}
			began := time.Now()
			a = ask(code.loop, object{"timeout": 1.25})
			if took := time.Since(began); took < 1250*time.Millisecond || took > 10*time.Second {
				t.Errorf("a limit of 1.25 s took %s", took)
			}
			if a.Status != http.StatusRequestTimeout || a.Code != "PROCESS_EXECUTION_TIMEOUT" || a.Source != "DAYTONA_DAEMON" || a.text() != "begun\n" || !strings.Contains(a.Message, "1.25s") || !strings.Contains(a.Message, "begun") {
				t.Errorf("timeout: %+v %q", a, a.text())
			}
			a = ask(code.much, nil)
			text := a.text()
			if a.Status != http.StatusOK || !strings.HasPrefix(text, strings.Repeat("x", 1000)+"y") || !strings.HasSuffix(text, "y"+strings.Repeat("z", 1000)+"\n") ||
				!strings.Contains(text, "[hotcell: 6447569 bytes are left out here; ") {
				t.Errorf("much output: status %d, %d bytes", a.Status, len(text))
			}
			if a := ask("", nil); a.Status != http.StatusOK || a.ExitCode != 0 || a.text() != "" {
				t.Errorf("empty code: %+v", a)
			}
		})
	}
}

// TestRefused is what is the client's fault.
func TestRefused(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Name: "resting", Intervals: sandboxes.Intervals{AutoDelete: -1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sandboxes.Stop(t.Context(), sb.ID); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sandbox string
		body    any
		status  int
		code    string
		says    string
	}{
		"no code":          {"default", object{"language": "python"}, 400, "BAD_REQUEST", "code is required"},
		"null code":        {"default", object{"language": "python", "code": nil}, 400, "BAD_REQUEST", "code is required"},
		"code of a number": {"default", object{"code": 1}, 400, "BAD_REQUEST", "code must be a string"},
		"no JSON":          {"default", "{", 400, "INVALID_REQUEST_BODY", "not JSON"},
		"a list":           {"default", "[]", 400, "BAD_REQUEST", "object"},
		"language":         {"default", object{"code": "1", "language": "ruby"}, 400, "UNKNOWN_LANGUAGE", "python, javascript, typescript, go"},
		"variable":         {"default", object{"code": "1", "envs": object{"A-B": "1"}}, 400, "INVALID_ENV", "A-B"},
		"empty variable":   {"default", object{"code": "1", "envs": object{"": "1"}}, 400, "INVALID_ENV", `""`},
		"null variable":    {"default", object{"code": "1", "envs": object{"A": nil}}, 400, "BAD_REQUEST", "null"},
		"NUL in variable":  {"default", object{"code": "1", "envs": object{"A": "\x00"}}, 400, "INVALID_ENV", "NUL"},
		"null argument":    {"default", object{"code": "1", "argv": []any{nil}}, 400, "BAD_REQUEST", "argv[0]"},
		"NUL in argument":  {"default", object{"code": "1", "argv": []string{"a\x00"}}, 400, "INVALID_ARGUMENT", "NUL"},
		"argv of text":     {"default", object{"code": "1", "argv": "a"}, 400, "BAD_REQUEST", "argv"},
		"negative timeout": {"default", object{"code": "1", "timeout": -1}, 400, "BAD_REQUEST", "negative"},
		"timeout of text":  {"default", object{"code": "1", "timeout": "1"}, 400, "BAD_REQUEST", "seconds"},
		"lone surrogate":   {"default", `{"code": "print('\ud800')"}`, 400, "BAD_REQUEST", `\ud800`},
		"low surrogate":    {"default", `{"code": "1", "argv": ["\udc00\ud800"]}`, 400, "BAD_REQUEST", `\udc00`},
		"no UTF-8":         {"default", "{\"code\": \"\xff\"}", 400, "BAD_REQUEST", "UTF-8"},
		"sandbox":          {"nobody", object{"code": "1"}, 404, "NOT_FOUND", "nobody"},
		"stopped sandbox":  {"resting", object{"code": "1"}, 409, "SANDBOX_NOT_STARTED", "started"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := run(t, s, c.sandbox, c.body)
			if a.Status != c.status || a.Code != c.code || !strings.Contains(a.Message, c.says) || a.Result != nil {
				t.Errorf("%+v", a)
			}
		})
	}
}

// TestText is what is no fault, however odd.
func TestText(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, c := range map[string]struct {
		body   any
		output string
		exit   int
	}{
		"surrogate pair":    {`{"language": "python", "code": "print('\ud83d\ude00', '\\\\ud800')"}`, "😀 \\ud800\n", 0},
		"escaped backslash": {`{"language": "python", "code": "print(r'\\u0041')"}`, "\\u0041\n", 0},
		"invalid output":    {object{"language": "python", "code": `import os; os.write(1, b"a\xff\xc3\x28b\n")`}, "a\uFFFD\uFFFD(b\n", 0},
		"NUL in output":     {object{"language": "python", "code": `print("a\0b")`}, "a\x00b\n", 0},
		"NUL in code":       {object{"language": "javascript", "code": "console.log(1)\x00"}, "-", 1},
		"large":             {object{"language": "python", "code": "x = '''" + strings.Repeat("é", 2_500_000) + "'''\nprint(len(x))"}, "2500000\n", 0},
		"large in node":     {object{"language": "typescript", "code": "const x: string = `" + strings.Repeat("é", 2_500_000) + "`\nconsole.log(x.length)"}, "2500000\n", 0},
		"lone surrogate":    {object{"language": "python", "code": `print("\ud800")`}, "-", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := run(t, s, "default", c.body)
			if a.Status != http.StatusOK || a.ExitCode != c.exit || c.output != "-" && a.text() != c.output {
				t.Errorf("%+v %.200q", a, a.text())
			}
		})
	}
}

// TestVariablesThatStopTheInterpreter: the program ends as it would at a prompt.
func TestVariablesThatStopTheInterpreter(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for language, c := range map[string]struct {
		envs  object
		exit  int
		words string
	}{
		"javascript": {object{"NODE_OPTIONS": "--nope"}, 9, "--nope is not allowed"},
		"python":     {object{"PYTHONHOME": "/nowhere"}, 1, "PYTHONHOME"},
	} {
		t.Run(language, func(t *testing.T) {
			t.Parallel()
			a := run(t, s, "default", object{"language": language, "code": "1", "envs": c.envs})
			if a.Status != http.StatusOK || a.ExitCode != c.exit || !strings.Contains(a.text(), c.words) {
				t.Errorf("%+v %.300q", a, a.text())
			}
		})
	}
}

// TestLanguageOfTheSandbox: the request says it, or the sandbox's labels.
func TestLanguageOfTheSandbox(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, c := range map[string]struct {
		labels   map[string]string
		language any
		code     string
	}{
		"said":               {nil, "javascript", "console.log(1)"},
		"by an alias":        {nil, " TS ", "console.log(1 as number)"},
		"default":            {nil, nil, "print(1)"},
		"label":              {map[string]string{"code-toolbox-language": "javascript"}, nil, "console.log(1)"},
		"said beside label":  {map[string]string{"code-toolbox-language": "javascript"}, "python", "print(1)"},
		"own label":          {map[string]string{"hotcell-language": "go", "code-toolbox-language": "python"}, "python", "fmt.Println(1)"},
		"own label, nothing": {map[string]string{"hotcell-language": "go", "code-toolbox-language": "python"}, nil, "fmt.Println(1)"},
		"own label, another": {map[string]string{"hotcell-language": "go", "code-toolbox-language": "python"}, "javascript", "console.log(1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sb, err := s.Sandboxes.Create(sandboxes.Spec{Labels: c.labels})
			if err != nil {
				t.Fatal(err)
			}
			if a := run(t, s, sb.ID, object{"code": c.code, "language": c.language}); a.text() != "1\n" {
				t.Errorf("%+v %s", a, a.text())
			}
		})
	}
}

// TestSandboxes: a run has its sandbox's directory and variables, and others'
// runs don't matter to it.
func TestSandboxes(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	sb, err := s.Sandboxes.Create(sandboxes.Spec{Env: map[string]string{"OF_THE_BOX": "yes"}})
	if err != nil {
		t.Fatal(err)
	}
	work := s.Sandboxes.WorkDir(sb.ID)
	if err := os.WriteFile(filepath.Join(work, "mod.py"), []byte("x = 41"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := run(t, s, sb.ID, object{"code": "import os, mod; print(os.environ['OF_THE_BOX'], os.getcwd() == os.environ['PWD'], mod.x); open('made', 'w').write('x')", "envs": object{"PYTHONDONTWRITEBYTECODE": "1"}})
	if a.text() != "yes True 41\n" {
		t.Errorf("%+v %s", a, a.text())
	}
	if _, err := os.Stat(filepath.Join(work, "made")); err != nil {
		t.Error(err)
	}
	if a := run(t, s, "default", object{"code": "import os; print('OF_THE_BOX' in os.environ)"}); a.text() != "False\n" {
		t.Errorf("%+v %s", a, a.text())
	}
	if key := run(t, s, sb.ID, object{"code": "import os; print([n for n in os.environ if n.startswith('HOTCELL')])"}); key.text() != "[]\n" {
		t.Errorf("%s", key.text())
	}
}

// TestEnds: a sandbox that is stopped and a server that ends take their runs
// along, and say so.
func TestEnds(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	sb, err := s.Sandboxes.Create(sandboxes.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, sandbox string
		end           func() error
		status        int
		code          string
	}{
		{"sandbox", sb.ID, func() error { _, err := s.Sandboxes.Stop(t.Context(), sb.ID); return err }, 409, "SANDBOX_NOT_STARTED"},
		{"server", "default", func() error { s.Tools.Close(); return nil }, 503, "SHUTTING_DOWN"},
	} {
		begun := filepath.Join(s.Sandboxes.WorkDir(c.sandbox), "begun")
		if err := unix.Mkfifo(begun, 0o600); err != nil {
			t.Fatal(err)
		}
		got := make(chan answer, 1)
		go func() {
			a, err := post(s, c.sandbox, object{"code": "print('until then')\nopen('begun', 'w').close()\nimport time; time.sleep(600)"})
			if err != nil {
				t.Error(err)
			}
			got <- a
		}()
		if _, err := os.ReadFile(begun); err != nil { // ends when the program has written
			t.Fatal(err)
		}
		if !s.Tools.Busy(c.sandbox) {
			t.Error("the sandbox isn't busy")
		}
		if err := c.end(); err != nil {
			t.Fatal(err)
		}
		if a := <-got; a.Status != c.status || a.Code != c.code || a.text() != "until then\n" {
			t.Errorf("%s: %+v %s", c.name, a, a.text())
		}
	}
}

// TestUnknownEnd: a program that kills what it was forked from is not taken for
// a success, whatever it says.
func TestUnknownEnd(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	if s.Isolation.Status().Mode == jail.Namespace {
		t.Skip("inside, what a program was forked from has no number that could be signalled")
	}
	a := run(t, s, "default", object{"code": "import os, signal, time; print('before'); os.kill(os.getppid(), signal.SIGKILL); time.sleep(0.5); print('after')"})
	if a.Status != http.StatusInternalServerError || a.Code != "EXIT_UNKNOWN" || a.text() != "before\nafter\n" {
		t.Errorf("%+v %s", a, a.text())
	}
	if a := run(t, s, "default", object{"code": "print(1)"}); a.text() != "1\n" {
		t.Errorf("the next one: %+v %s", a, a.text())
	}
}

// TestCharts: figures come as charts, beside the output and never instead.
func TestCharts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithPandas())
	a := run(t, s, "default", object{"language": "python", "code": `import matplotlib.pyplot as plt
import numpy as np

x = np.linspace(0, 10, 30)
y = np.sin(x)

plt.figure(figsize=(8, 5))
plt.plot(x, y, 'b-', linewidth=2)
plt.title('Line Chart')
plt.show()
print('shown')
plt.figure()
plt.bar(['a', 'b'], [1.5, 2])`})
	if a.ExitCode != 0 || a.text() != "shown\n" || a.Artifacts == nil || len(a.Artifacts.Charts) != 2 {
		t.Fatalf("%+v %s", a, a.text())
	}
	for i, want := range []object{
		{"type": "line", "title": "Line Chart"},
		{"type": "bar", "elements": []any{
			object{"label": "a", "group": "", "value": "1.5"}, object{"label": "b", "group": "", "value": "2"},
		}},
	} {
		for member, value := range want {
			if got := a.Artifacts.Charts[i][member]; fmt.Sprint(got) != fmt.Sprint(value) {
				t.Errorf("%s of chart %d is %v", member, i, got)
			}
		}
	}
	for _, chart := range a.Artifacts.Charts {
		text, _ := chart["png"].(string)
		png, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !bytes.HasPrefix(png, []byte("\x89PNG")) || chart["type"] == "" || chart["elements"] == nil {
			t.Errorf("%v, a picture of %d bytes, type %v", err, len(png), chart["type"])
		}
	}
	if a := run(t, s, "default", object{"code": "import matplotlib.pyplot as plt\nplt.plot([1])\n1/0"}); a.ExitCode != 1 || a.Artifacts == nil || !strings.Contains(a.text(), "ZeroDivisionError") {
		t.Errorf("%+v %s", a, a.text())
	}
	if a := run(t, s, "default", object{"code": "import matplotlib.pyplot as plt\nplt.plot([1])\nplt.close()"}); a.Artifacts != nil {
		t.Errorf("%+v", a)
	}
}

// TestTogether runs many at once.
func TestTogether(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	codes := map[string]string{"python": "import sys; print(sys.argv[1])", "javascript": "console.log(process.argv[2])", "go": "fmt.Println(os.Args[1])"}
	var wg sync.WaitGroup
	errs := make(chan error, 60)
	for i := range 60 {
		language := []string{"python", "javascript", "go"}[i%3]
		wg.Go(func() {
			mark := fmt.Sprintf("run %d", i)
			a, err := post(s, "default", object{"code": codes[language], "language": language, "argv": []string{mark}})
			if err == nil && a.text() != mark+"\n" {
				err = fmt.Errorf("%s: %+v %q", mark, a, a.text())
			}
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if err := errors.Join(all...); err != nil {
		t.Error(err)
	}
	left, _ := filepath.Glob(filepath.Join(s.Sandboxes.WorkDir("default"), ".*"))
	if d := cmp.Diff([]string(nil), left); d != "" {
		t.Error(d)
	}
}

// TestModulesTogether: programs in one directory, whose files have to lie there for a
// moment, are not taken for each other.
func TestModulesTogether(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	var wg sync.WaitGroup
	for client := range 4 {
		wg.Go(func() {
			for n := range 15 {
				mark := fmt.Sprintf("x%d_%d", client, n)
				code, want := "import fs from 'fs'; console.log('"+mark+"')", mark+"\n"
				if client%2 == 1 { // ends just when another one is about to be loaded
					code, want = "import { "+mark+" } from 'nothing-like-this'", "Cannot find package 'nothing-like-this'"
				}
				a, err := post(s, "default", object{"language": "javascript", "code": code})
				if err != nil || !strings.Contains(a.text(), want) {
					t.Errorf("%s: %+v %s, %v", mark, a, a.text(), err)
				}
			}
		})
	}
	wg.Wait()
}

// TestAccess: the route is behind the same doors as all others.
func TestAccess(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	sb, err := s.Sandboxes.Create(sandboxes.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.Sandboxes.Token(sb.ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		path   string
		header http.Header
		status int
	}{
		"key":           {"/toolbox/" + sb.ID, http.Header{"Authorization": {"Bearer " + s.Key}}, 200},
		"by name":       {"/toolbox/" + sb.Name, http.Header{"Authorization": {"Bearer " + s.Key}}, 200},
		"old address":   {"/api/toolbox/" + sb.ID + "/toolbox", http.Header{"Authorization": {"Bearer " + s.Key}}, 200},
		"nothing":       {"/toolbox/" + sb.ID, nil, 401},
		"wrong key":     {"/toolbox/" + sb.ID, http.Header{"Authorization": {"Bearer x"}}, 401},
		"token at root": {"", http.Header{"X-Daytona-Preview-Token": {token}}, 200},
		"other's token": {"/toolbox/default", http.Header{"X-Daytona-Preview-Token": {token}}, 403},
		"other origin":  {"/toolbox/" + sb.ID, http.Header{"Authorization": {"Bearer " + s.Key}, "Origin": {"https://evil.example"}}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+c.path+"/process/code-run", strings.NewReader(`{"code": "print(1)"}`))
			if err != nil {
				t.Fatal(err)
			}
			if c.header != nil {
				req.Header = c.header
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if resp.StatusCode != c.status {
				text, _ := io.ReadAll(resp.Body)
				t.Errorf("%d: %s", resp.StatusCode, text)
			}
		})
	}
}
