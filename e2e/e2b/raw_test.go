package e2b_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

func TestLines(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	got := run(t, s.E2BURL, cell("import sys\nprint('out')\ndisplay('shown')\nprint('err', file=sys.stderr)\n'it'"))
	if want := "number_of_executions stdout result stderr result end_of_execution"; got.types() != want {
		t.Errorf("%s", got.types())
	}
	if got.text("stdout") != "out\n" || got.text("stderr") != "err\n" || got.first("number_of_executions").Count != 1 {
		t.Errorf("%+v", got)
	}
	if at, err := time.Parse(time.RFC3339Nano, got.first("stdout").Timestamp); err != nil || time.Since(at) > time.Hour {
		t.Errorf("%v, %v", at, err)
	}
	shown, value := got[2].all, got[4].all
	if d := cmp.Diff(map[string]any{"type": "result", "is_main_result": false, "text": "shown"}, shown); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]any{"type": "result", "is_main_result": true, "text": "it"}, value); d != "" {
		t.Error(d)
	}
}

func TestCharacters(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	text := "é ☃ 😀 \u2028 \u0085 \x1c \x0b \x7f \" \\ \t end"
	code := "s = " + string(must(json.Marshal(text))) + "\nprint(s)\ndisplay({'text/html': s, 'text/plain': s, 'application/json': {s: s}}, raw=True)\nraise ValueError(s)"
	got := run(t, s.E2BURL, cell(code))
	if got.text("stdout") != text+"\n" {
		t.Errorf("%q", got.text("stdout"))
	}
	result := got.first("result").all
	if result["html"] != text || result["text"] != text {
		t.Errorf("%q", result)
	}
	if d := cmp.Diff(map[string]any{text: text}, result["json"]); d != "" {
		t.Error(d)
	}
	if e := got.first("error"); e.Name != "ValueError" || e.Value != text || e.Traceback == nil || !strings.Contains(*e.Traceback, "raise ValueError(s)") {
		t.Errorf("%+v", e)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestBundle(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	bundle := `{"text/plain": "t", "text/html": "h", "text/markdown": "m", "image/svg+xml": "s", "image/png": "cG5n", "image/jpeg": "anBn",
"application/pdf": "cGRm", "text/latex": "l", "application/json": [1, None], "application/javascript": "j",
"application/vnd.example.v1+json": {"a": 1}, "odd": "o"}`
	got := run(t, s.E2BURL, cell("h = display("+bundle+", raw=True, display_id='d')\nfrom IPython.display import clear_output\nclear_output()"))
	want := map[string]any{
		"type": "result", "is_main_result": false, "text": "t", "html": "h", "markdown": "m", "svg": "s", "png": "cG5n", "jpeg": "anBn",
		"pdf": "cGRm", "latex": "l", "json": []any{1.0, nil}, "javascript": "j",
		"application/vnd.example.v1+json":      map[string]any{"a": 1.0},
		"application/vnd.hotcell.display+json": map[string]any{"display_id": "d", "update": false},
		"extra": map[string]any{
			"application/vnd.example.v1+json":      map[string]any{"a": 1.0},
			"application/vnd.hotcell.display+json": map[string]any{"display_id": "d", "update": false},
			"odd":                                  "o",
		},
	}
	if d := cmp.Diff(want, got.first("result").all); d != "" {
		t.Error(d)
	}
	if got.first("clear_output").Type == "" {
		t.Error(got.types())
	}
}

func TestCharts(t *testing.T) {
	t.Parallel()
	const model = "application/vnd.hotcell.chart+json"
	s := testserver.Start(t)
	for name, c := range map[string]struct {
		code, kind string // kind: empty when there must be no chart
	}{
		"matplotlib":   {"import matplotlib.pyplot as plt\nplt.bar(['a', 'b'], [1.5, 2])\nplt.show()", "bar"},
		"plotly":       {"display({'application/vnd.plotly.v1+json': {'data': [{'type': 'pie', 'labels': ['a', 'b'], 'values': [1, 3]}], 'layout': {}}}, raw=True)", "pie"},
		"a forged one": {"display({'image/png': b'x', '" + model + "': {'axes': 'none'}}, raw=True)", ""},
		"no object":    {"display({'image/png': b'x', '" + model + "': 3}, raw=True)", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			made := map[string]any{}
			if _, raw := say(t, "POST", s.E2BURL+"/contexts", `{}`); json.Unmarshal([]byte(raw), &made) != nil {
				t.Fatal(raw)
			}
			got := run(t, s.E2BURL, map[string]any{"code": c.code, "context_id": made["id"]}).first("result").all
			chart, _ := got["chart"].(map[string]any)
			extra, _ := got["extra"].(map[string]any)
			if kind, _ := chart["type"].(string); kind != c.kind {
				t.Errorf("the chart is %v", got["chart"])
			}
			if extra[model] == nil {
				t.Errorf("the model is not in extra: %v", got)
			}
			if c.kind == "" && got["png"] != "eA==" {
				t.Errorf("the picture is %v", got["png"])
			}
		})
	}
}

// What other languages show has the same members.
func TestLanguagesShow(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for _, c := range []struct{ language, code, member string }{
		{"javascript", "Buffer.from('iVBORw0KGgoAAAA=', 'base64')", "png"},
		{"typescript", "const svg: string = '<svg></svg>'; svg", "svg"},
		{"javascript", "({$schema: 'https://vega.github.io/schema/vega-lite/v5.json'})", "application/vnd.vegalite.v5+json"},
		{"javascript", "({toMimeBundle: () => ({'text/html': '<b>'})})", "html"},
		{"go", "import \"image\"\nimage.NewGray(image.Rect(0, 0, 1, 1))", "png"},
		{"go", "import \"hotcell/display\"\ndisplay.Markdown(\"*x*\")", "markdown"},
	} {
		got := run(t, s.E2BURL, map[string]any{"code": c.code, "language": c.language})
		if got.first("result").all[c.member] == nil {
			t.Errorf("%s: %+v", c.code, got)
		}
	}
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for code, want := range map[string]string{
		`'plain'`:         "plain",
		`"it's"`:          "it's",
		`''`:              "",
		`'a\nb'`:          `a\nb`,
		`'ends\\'`:        `ends\\`,
		`'both " and \''`: `both " and \'`,
		`('a', 'b')`:      "('a', 'b')",
		`type('R', (), {'__repr__': lambda s: "'a', 'b'"})()`: "'a', 'b'",
		`type('R', (), {'__repr__': lambda s: "'"})()`:        "'",
		`type('R', (), {'__repr__': lambda s: "'a\\'"})()`:    `'a\'`,
		`b'x'`: "b'x'",
		`42`:   "42",
	} {
		got := run(t, s.E2BURL, cell(code))
		if text := got.first("result").all["text"]; text != want {
			t.Errorf("%s: %q, not %q", code, text, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for _, c := range []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		words                    string
	}{
		{"no JSON", "POST", "/execute", "{", nil, 400, "the request body is not JSON"},
		{"nothing", "POST", "/execute", "", nil, 400, "body is empty"},
		{"a list", "POST", "/execute", "[]", nil, 400, "must be a JSON object"},
		{"no code", "POST", "/execute", "{}", nil, 400, `"code" is missing`},
		{"code of another kind", "POST", "/execute", `{"code": 1}`, nil, 400, "code must be a string"},
		{"null code", "POST", "/execute", `{"code": null}`, nil, 400, `"code" is missing`},
		{"context and language", "POST", "/execute", `{"code": "1", "context_id": "x", "language": "python"}`, nil, 400, "only one of context_id or language"},
		{"unknown context", "POST", "/execute", `{"code": "1", "context_id": "x"}`, nil, 404, "context not found: x"},
		{"unknown language", "POST", "/execute", `{"code": "1", "language": "R"}`, nil, 400, `unknown language "R": use one of python`},
		{"bad variable", "POST", "/execute", `{"code": "1", "env_vars": {"A=B": ""}}`, nil, 400, "A=B"},
		{"unknown language of a context", "POST", "/contexts", `{"language": "java"}`, nil, 400, "unknown language"},
		{"no such directory", "POST", "/contexts", `{"cwd": "/nowhere"}`, nil, 400, "/nowhere"},
		{"restart of nothing", "POST", "/contexts/x/restart", "", nil, 404, "context not found: x"},
		{"removal of nothing", "DELETE", "/contexts/x", "", nil, 404, "context not found: x"},
		{"unknown sandbox", "POST", "/execute", `{"code": "1"}`, []string{"E2b-Sandbox-Id", "nope"}, 404, `sandbox not found: "nope"`},
		{"files", "GET", "/files?path=x", "", nil, 404, "not files"},
		{"a foreign page", "POST", "/execute", `{"code": "1"}`, []string{"Origin", "https://evil.example"}, 403, "origin"},
		{"a rebound name", "POST", "/execute", `{"code": "1"}`, []string{"Host", "evil.example"}, 403, "host"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, base := range []string{s.E2BURL, s.URL + "/e2b"} {
				headers := append([]string{"Authorization", "Bearer " + s.Key}, c.headers...)
				status, words := say(t, c.method, base+c.path, c.body, headers...)
				if status != c.status || !strings.Contains(words, c.words) {
					t.Errorf("%d %s", status, words)
				}
			}
		})
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	if status, body := say(t, "GET", s.URL+"/e2b/health", ""); status != 200 || body != `"OK"` {
		t.Errorf("%d %s", status, body)
	}
	for _, c := range []struct {
		base, header, value string
		status              int
	}{
		{s.E2BURL, "X-None", "", 200},
		{s.URL + "/e2b", "X-None", "", 401},
		{s.URL + "/e2b", "Authorization", "Bearer " + s.Key, 200},
		{s.URL + "/e2b", "X-Access-Token", s.Key, 200},
		{s.URL + "/e2b", "X-Access-Token", "wrong", 401},
		{s.URL + "/e2b", "E2B-Traffic-Access-Token", s.Key, 200},
	} {
		if status, body := say(t, "GET", c.base+"/contexts", "", c.header, c.value); status != c.status {
			t.Errorf("%+v: %d %s", c, status, body)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	var made struct{ ID, Language, Cwd string }
	status, body := say(t, "POST", s.E2BURL+"/contexts", `{"language": " JS ", "cwd": null}`)
	if err := json.Unmarshal([]byte(body), &made); status != 200 || err != nil || made.Language != "javascript" || made.ID == "" || made.Cwd == "" {
		t.Fatalf("%d %s", status, body)
	}
	in := func(code string) map[string]any { return map[string]any{"code": code, "context_id": made.ID} }
	run(t, s.E2BURL, in("let x = 20"))
	if got := run(t, s.E2BURL, in("x + 1")).first("result").Text; got != "21" {
		t.Error(got)
	}
	// The default context of a language is another, and always the same.
	run(t, s.E2BURL, map[string]any{"code": "var y = typeof x", "language": "javascript"})
	if got := run(t, s.E2BURL, map[string]any{"code": "y", "language": "js"}).first("result").Text; got != "undefined" {
		t.Error(got)
	}
	var all []struct{ ID string }
	if _, body := say(t, "GET", s.E2BURL+"/contexts", ""); json.Unmarshal([]byte(body), &all) != nil || len(all) != 2 {
		t.Errorf("%s", body)
	}
	if status, _ := say(t, "POST", s.E2BURL+"/contexts/"+made.ID+"/restart", ""); status != 200 {
		t.Error(status)
	}
	if got := run(t, s.E2BURL, in("typeof x")).first("result").Text; got != "undefined" {
		t.Error(got)
	}
	// Another dialect sees the same context, under the same id.
	if status, body := say(t, "POST", s.URL+"/v1/contexts/"+made.ID+"/executions", `{"code": "x = 7", "wait": true}`, "Authorization", "Bearer "+s.Key); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if got := run(t, s.E2BURL, in("x")).first("result").Text; got != "7" {
		t.Error(got)
	}
	for _, c := range all {
		if status, body := say(t, "DELETE", s.E2BURL+"/contexts/"+c.ID, ""); status != 200 {
			t.Errorf("%d %s", status, body)
		}
	}
	if _, body := say(t, "GET", s.E2BURL+"/contexts", ""); body != "[]" {
		t.Error(body)
	}
	if got := run(t, s.E2BURL, map[string]any{"code": "typeof y", "language": "js"}).first("result").Text; got != "undefined" {
		t.Error(got)
	}
}

func TestSandboxes(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	status, body := say(t, "POST", s.APIURL+"/sandbox", `{"name": "mine", "env": {"WHERE": "mine"}}`, "Authorization", "Bearer "+s.Key)
	if status != 200 && status != 201 {
		t.Fatalf("%d %s", status, body)
	}
	where := `{"code": "import os; os.environ.get('WHERE')"}`
	for sandbox, want := range map[string]string{"mine": `"mine"`, "": "", "debug_sandbox_id": ""} {
		status, body := say(t, "POST", s.E2BURL+"/execute", where, "E2b-Sandbox-Id", sandbox)
		if status != 200 || strings.Contains(body, `"mine"`) != (want != "") {
			t.Errorf("%q: %d %s", sandbox, status, body)
		}
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	value := "it's \"quoted\"\nand two lines; $(x) `y`"
	for language, code := range map[string]string{
		"python": "import os; print(os.environ.get('V'), end='')", "javascript": "process.stdout.write(String(process.env.V))",
		"go": "import (\"fmt\"; \"os\")\nfmt.Print(os.Getenv(\"V\"))",
	} {
		with := map[string]any{"code": code, "language": language, "env_vars": map[string]string{"V": value}}
		if got := run(t, s.E2BURL, with).text("stdout"); got != value {
			t.Errorf("%s: %q", language, got)
		}
		after := run(t, s.E2BURL, map[string]any{"code": code, "language": language}).text("stdout")
		if after != "None" && after != "undefined" && after != "" {
			t.Errorf("%s: afterwards %q", language, after)
		}
	}
}

func TestQueueFull(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first(t, start(t, ctx, s.E2BURL, cell("print('on', flush=True)\nimport time\ntime.sleep(600)")))
	e, err := s.Contexts.Lookup("default", "default")
	if err != nil {
		t.Fatal(err)
	}
	for e.Status().Queued < 256 {
		start(t, ctx, s.E2BURL, cell("1"))
	}
	if status, words := say(t, http.MethodPost, s.E2BURL+"/execute", `{"code": "1"}`); status != 429 || !strings.Contains(words, "256") {
		t.Errorf("%d %s", status, words)
	}
	// Everybody leaves, and makes room.
	cancel()
	for status := 0; status != 200; {
		var words string
		if status, words = say(t, http.MethodPost, s.E2BURL+"/execute", `{"code": "'in'"}`); status != 200 && status != 429 {
			t.Fatalf("%d %s", status, words)
		}
	}
}
