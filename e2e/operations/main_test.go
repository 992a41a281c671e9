package operations_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"hotcell/e2e/clients"
	"hotcell/e2e/testserver"
)

func TestMain(m *testing.M) { testserver.Main(m) }

// figures are what /metrics said at a moment.
type figures map[string]*dto.MetricFamily

// scrape reads /metrics as Prometheus does, and looks for what it would complain of.
func scrape(t *testing.T, s *testserver.Server) figures {
	t.Helper()
	status, body := ask(t, http.MethodGet, s.URL+"/metrics", s.Key, "")
	if status != http.StatusOK {
		t.Fatalf("/metrics: %d %s", status, body)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(body))
	if err != nil {
		t.Fatalf("/metrics can't be parsed: %v\n%s", err, body)
	}
	problems, err := promlint.New(bytes.NewReader(body)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		if strings.HasPrefix(p.Metric, "hotcell_") {
			t.Errorf("promlint: %s: %s", p.Metric, p.Text)
		}
	}
	return families
}

// value sums what has these labels: "language=python".
func (f figures) value(name string, labels ...string) float64 {
	sum := 0.0
	for _, m := range f["hotcell_"+name].GetMetric() {
		if !has(m, labels) {
			continue
		}
		switch {
		case m.GetCounter() != nil:
			sum += m.GetCounter().GetValue()
		case m.GetGauge() != nil:
			sum += m.GetGauge().GetValue()
		case m.GetHistogram() != nil:
			sum += float64(m.GetHistogram().GetSampleCount())
		}
	}
	return sum
}

func has(m *dto.Metric, labels []string) bool {
	have := map[string]bool{}
	for _, l := range m.GetLabel() {
		have[l.GetName()+"="+l.GetValue()] = true
	}
	for _, l := range labels {
		if !have[l] {
			return false
		}
	}
	return true
}

// series is how many there are.
func (f figures) series() int {
	n := 0
	for name, family := range f {
		if strings.HasPrefix(name, "hotcell_") {
			n += len(family.GetMetric())
		}
	}
	return n
}

func ask(t *testing.T, method, url, key, body string) (status int, answer []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return do(t, req)
}

func do(t *testing.T, req *http.Request) (status int, answer []byte) {
	t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// open makes a context of the native dialect, which is deleted with the test.
func open(t *testing.T, s *testserver.Server, language string) clients.Context {
	t.Helper()
	k, err := (&clients.Native{URL: s.URL, Key: s.Key}).Open(t.Context(), clients.Options{Language: language})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Delete(context.Background()) })
	return k
}

// start queues a cell.
func start(t *testing.T, k clients.Context, cell clients.Cell) *clients.Run {
	t.Helper()
	r, err := k.Start(t.Context(), cell)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run runs a cell to its end.
func run(t *testing.T, k clients.Context, cell clients.Cell) clients.Outcome {
	t.Helper()
	o, err := start(t, k, cell).Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return o
}
