package examples_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/charts"
	"hotcell/e2e/testserver"
)

// weather is where the package vega_datasets has the file that the example uploads.
func weather(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(run(t, t.TempDir(), nil, testserver.ClientPython(t), "-c", "from vega_datasets import data; print(data.seattle_weather.filepath)"))
}

// rain is what a month has of it in the mean of the years, computed from the file,
// how many days there are, and the share of those with rain.
func rain(t *testing.T) (months []float64, days int, wet float64) {
	t.Helper()
	months = make([]float64, 12)
	years := map[string]bool{}
	rows := table(t, weather(t))
	for _, row := range rows {
		month, err := strconv.Atoi(row[0][5:7])
		if err != nil {
			t.Fatal(err)
		}
		fell, err := strconv.ParseFloat(row[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		months[month-1] += fell
		years[row[0][:4]] = true
		if fell > 0 {
			wet++
		}
	}
	for i := range months {
		months[i] /= float64(len(years))
	}
	return months, len(rows), wet / float64(len(rows))
}

// near is about numbers that were rounded to a tenth.
func near(a, b float64) bool { return math.Abs(a-b) < 0.0501 }

func TestPython(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithPandas())
	dir := t.TempDir()
	out := run(t, dir, []string{"DAYTONA_API_URL=" + s.APIURL, "DAYTONA_API_KEY=" + s.Key}, testserver.ClientPython(t), example(t, "python/rain.py"))
	months, days, wet := rain(t)
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != 15 || lines[0] != fmt.Sprintf("%d days, of which %.0f%% had rain", days, 100*wet) {
		t.Fatalf("it printed:\n%s", out)
	}
	for i, name := range []string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"} {
		label, value, _ := strings.Cut(lines[2+i], " ")
		got, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if label != name || err != nil || !near(got, months[i]) {
			t.Errorf("%q, but %s has %.2f mm", lines[2+i], name, months[i])
		}
	}
	if d := cmp.Diff(documented(t, "Python: rain in Seattle"), out); d != "" {
		t.Errorf("the README says otherwise: %s", d)
	}
	picture(t, filepath.Join(dir, "rain.png"))
}

// picture compares one with that of the README by its size; what is drawn in
// it is compared as data.
func picture(t *testing.T, path string) {
	t.Helper()
	shown := filepath.Join("..", "..", "docs", "rain.png")
	if info, err := os.Stat(shown); err != nil || info.Size() > 60<<10 {
		t.Fatalf("%s: %v, at most 60 KiB", shown, err)
	}
	var sizes []image.Config
	for _, p := range []string{path, shown} {
		config, err := png.DecodeConfig(strings.NewReader(read(t, p)))
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		sizes = append(sizes, config)
	}
	// Versions of matplotlib differ by a pixel.
	if a, b := sizes[0], sizes[1]; max(a.Width-b.Width, b.Width-a.Width, a.Height-b.Height, b.Height-a.Height) > 10 {
		t.Errorf("the picture is %d×%d, that of the README %d×%d: copy rain.png to docs", a.Width, a.Height, b.Width, b.Height)
	}
}

// TestReadme draws the README's picture again, in a context, and compares the data that
// stand beside it there with those of the artifact, and these with the data set.
func TestReadme(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithPandas())
	code := regexp.MustCompile(`(?s)ANALYSIS = """(.*?)"""`).FindStringSubmatch(read(t, example(t, "python/rain.py")))
	dir := s.Dir(t, "default")
	if err := os.WriteFile(filepath.Join(dir, "seattle-weather.csv"), []byte(read(t, weather(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	var made struct{ ID string }
	ask(t, s, http.MethodPost, "/v1/contexts", map[string]any{"language": "python", "cwd": dir}, &made)
	var ran struct {
		Execution struct{ ID, Status string }
	}
	ask(t, s, http.MethodPost, "/v1/contexts/"+made.ID+"/executions", map[string]any{"code": code[1], "wait": true}, &ran)
	var list struct {
		Artifacts []struct {
			Formats map[string]struct{ Href string }
		}
	}
	ask(t, s, http.MethodGet, "/v1/executions/"+ran.Execution.ID+"/artifacts", nil, &list)
	if ran.Execution.Status != "ok" || len(list.Artifacts) != 1 {
		t.Fatalf("%+v", ran)
	}
	var figure, shown charts.Figure
	var whole map[string]any
	ask(t, s, http.MethodGet, list.Artifacts[0].Formats["json"].Href, nil, &figure)
	ask(t, s, http.MethodGet, list.Artifacts[0].Formats["json"].Href, nil, &whole)

	page := read(t, filepath.Join("..", "..", "README.md"))
	_, rest, _ := strings.Cut(page, "(docs/rain.png)")
	_, rest, _ = strings.Cut(rest, "```json\n")
	excerpt, _, _ := strings.Cut(rest, "```\n")
	var said map[string]any
	if json.Unmarshal([]byte(excerpt), &said) != nil || json.Unmarshal([]byte(excerpt), &shown) != nil {
		t.Fatalf("no excerpt beside the picture: %s", excerpt)
	}
	if fault := lacks(whole, said); fault != "" {
		t.Errorf("the README's excerpt: %s", fault)
	}
	months, _, _ := rain(t)
	for i, v := range shown.Axes[0].Series[0].Value {
		if got, err := strconv.ParseFloat(v.String(), 64); err != nil || !near(got, months[i]) {
			t.Errorf("month %d of the excerpt is %s, it has %.2f mm", i+1, v, months[i])
		}
	}
	if n := len(shown.Axes[0].Series[0].Value); n != 12 {
		t.Errorf("%d months", n)
	}
}

// lacks says what of a part isn't in the whole: members may be left out, items of
// lists may not.
func lacks(whole, part any) string {
	switch part := part.(type) {
	case map[string]any:
		have, _ := whole.(map[string]any)
		for name, value := range part {
			if fault := lacks(have[name], value); fault != "" {
				return name + ": " + fault
			}
		}
	case []any:
		have, _ := whole.([]any)
		if len(have) != len(part) {
			return fmt.Sprintf("%d items, not %d", len(part), len(have))
		}
		for i := range part {
			if fault := lacks(have[i], part[i]); fault != "" {
				return fmt.Sprintf("%d: %s", i, fault)
			}
		}
	default:
		if whole != part {
			return fmt.Sprintf("%v, not %v", part, whole)
		}
	}
	return ""
}

func ask(t *testing.T, s *testserver.Server, method, path string, body, into any) {
	t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if body == nil {
		raw = nil
	}
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if raw, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s: %s %s %v", path, resp.Status, raw, err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v: %s", path, err, raw)
	}
}
