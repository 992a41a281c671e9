package scripts_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"hotcell/e2e/testserver"
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

// run posts a request to a sandbox's code-run.
func run(t testing.TB, s *testserver.Server, sandbox string, body any) answer {
	t.Helper()
	raw, ok := body.(string)
	if !ok {
		encoded, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		raw = string(encoded)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/toolbox/"+sandbox+"/process/code-run", bytes.NewBufferString(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := answer{Status: resp.StatusCode}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v: %s", err, text[:min(len(text), 500)])
	}
	return got
}

func TestQuick(t *testing.T) {
	s := testserver.Start(t, testserver.WithPandas())
	for _, c := range []struct{ lang, code string }{
		{"python", "print(1)"}, {"python", "import pandas; print(pandas.DataFrame({'a': [1]}))"}, {"javascript", "console.log(1)"}, {"typescript", "console.log(1 as number)"}, {"go", "fmt.Println(1)"}, {"go", "package main\nfunc main() { println(1) }"},
		{"python", "import matplotlib.pyplot as plt; plt.plot([1,2])"},
	} {
		for range 4 {
			time.Sleep(150 * time.Millisecond)
			began := time.Now()
			a := run(t, s, "default", object{"code": c.code, "language": c.lang})
			t.Logf("%s %s: %d %d %q %s %v", c.lang, time.Since(began), a.Status, a.ExitCode, a.text(), a.Engine, a.Artifacts != nil)
		}
	}
}
