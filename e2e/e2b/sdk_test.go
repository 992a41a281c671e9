package e2b_test

import (
	"path/filepath"
	"testing"

	"hotcell/e2e/testserver"
)

// script runs a client program of E2B's against a server.
func script(t *testing.T, s *testserver.Server, file string) {
	t.Helper()
	reports, err := filepath.Abs("../daytona/scripts") // report.py
	if err != nil {
		t.Fatal(err)
	}
	out, errs, err := testserver.Script(t, file, "E2B_DEBUG=true", "E2B_SANDBOX_URL="+s.E2BURL, "PYTHONPATH="+reports)
	testserver.Subtests(t, out, errs, err)
}

func TestPythonSDK(t *testing.T) {
	t.Parallel()
	script(t, testserver.Start(t, testserver.WithPandas()), "sdk.py")
}

func TestJavaScriptSDK(t *testing.T) {
	t.Parallel()
	script(t, testserver.Start(t), "sdk.mjs")
}
