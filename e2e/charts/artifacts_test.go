package charts_test

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hotcell/e2e/testserver"
)

// TestArtifacts takes a figure and a data frame away as files, and reads them as what
// they claim to be.
func TestArtifacts(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t, testserver.WithPandas())
	r := &room{t: t, base: s.URL, key: s.Key}
	r.context("python")
	var ran struct {
		Execution struct{ ID, Status string }
	}
	code := `import matplotlib.pyplot as plt, pandas as pd
plt.plot(pd.to_datetime(['2024-01-01', '2024-01-02']), [1.5, 4], label='é'); plt.suptitle('T'); plt.show()
pd.DataFrame({'n': [1, 2], 'name': ['a, b', None]}, index=pd.to_datetime(['2024-01-01', '2024-01-02']).rename('day'))`
	r.post("/v1/contexts/"+r.id+"/executions", map[string]any{"code": code, "wait": true, "formats": []string{"svg", "pdf"}}, &ran)
	base := fmt.Sprintf("/v1/executions/%s/artifacts/", ran.Execution.ID)
	if figure, err := png.Decode(bytes.NewReader(r.file(base+"2.png", "image/png"))); err != nil || figure.Bounds().Dx() < 100 {
		t.Errorf("the PNG: %v", err)
	}
	var root struct{ XMLName xml.Name }
	if err := xml.Unmarshal(r.file(base+"2.svg", "image/svg+xml; charset=utf-8"), &root); err != nil || root.XMLName.Local != "svg" {
		t.Errorf("the SVG: %v, %v", err, root)
	}
	if body := r.file(base+"2.pdf", "application/pdf"); !bytes.HasPrefix(body, []byte("%PDF-")) {
		t.Errorf("the PDF: %.20q", body)
	}
	for path, want := range map[string][][]string{
		base + "2.csv": {{"axes", "series", "kind", "label", "x", "y"}, {"1", "1", "line", "é", "2024-01-01", "1.5"}, {"1", "1", "line", "é", "2024-01-02", "4"}},
		base + "3.csv": {{"day", "n", "name"}, {"2024-01-01T00:00:00", "1", "a, b"}, {"2024-01-02T00:00:00", "2", ""}},
	} {
		rows, err := csv.NewReader(bytes.NewReader(r.file(path, "text/csv; charset=utf-8"))).ReadAll()
		if d := cmp.Diff(want, rows); d != "" || err != nil {
			t.Errorf("%s: %v %s", path, err, d)
		}
	}
	if body := string(r.file(base+"2.json", "application/vnd.hotcell.chart+json")); !strings.Contains(body, `"title":"T"`) || strings.Contains(body, "svg") {
		t.Errorf("the model: %s", body)
	}
}

// file fetches an artifact's file, which must be of a type.
func (r *room) file(path, kind string) []byte {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.base+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != kind {
		r.t.Fatalf("%s: %s, %s: %v %.300s", path, resp.Status, resp.Header.Get("Content-Type"), err, raw)
	}
	return raw
}
