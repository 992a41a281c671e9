package load_test

import (
	"context"
	"io"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"

	"hotcell/e2e/clients"
	"hotcell/e2e/program"
)

// TestHealthWhileCodeRuns: a supervisor is answered at once while more code runs than
// there are cores. Kernels have no lower priority for that: it was measured with and
// without, and made no difference.
func TestHealthWhileCodeRuns(t *testing.T) {
	p := program.Start(t)
	native := &clients.Native{URL: p.URL, Key: p.Key}
	for range 2 * runtime.NumCPU() {
		k, err := native.Open(t.Context(), clients.Options{Language: "python"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = k.Delete(context.Background()) })
		r, err := k.Start(t.Context(), clients.Cell{Code: "print('on')\nwhile True: pass"})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Until(t.Context(), "on"); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		took := make([]time.Duration, 0, 200)
		for range cap(took) {
			took = append(took, probe(t, p.URL+path))
		}
		slices.Sort(took)
		median, high := took[len(took)/2], took[len(took)*95/100]
		t.Logf("%s: median %s, 95 of 100 within %s, longest %s", path, median, high, took[len(took)-1])
		if median > 10*time.Millisecond || high > 50*time.Millisecond {
			t.Errorf("%s took %s, and one in twenty times more than %s", path, median, high)
		}
	}
}

// probe asks on a connection of its own, as supervisors do.
func probe(t *testing.T, url string) time.Duration {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	began := time.Now()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", url, resp.StatusCode, body, err)
	}
	return time.Since(began)
}
