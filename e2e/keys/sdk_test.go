package keys_test

import (
	"path/filepath"
	"testing"
	"time"

	"hotcell/e2e/testserver"
	"hotcell/keys"
)

// reports is the folder of the scripts that report.
func reports(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../daytona/scripts")
	if err != nil {
		t.Fatal(err)
	}
	return "PYTHONPATH=" + path
}

// TestSDKs: what a key doesn't allow is an exception that says so.
func TestSDKs(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"scopes.py", "scopes.mjs"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			sandbox(t, s, "mine")
			sandbox(t, s, "hers")
			env := []string{reports(t), "DAYTONA_API_URL=" + s.APIURL, "ADMIN=" + s.Key}
			for name, spec := range map[string]keys.Spec{
				"READ": {Scope: keys.Read},
				"RUN":  {Scope: keys.Run},
				"ONE":  {Scope: keys.Admin, Sandboxes: []string{"mine"}},
				"FAST": {Scope: keys.Run, Limits: keys.Limits{Rate: keys.Rate{Count: 5, Per: time.Hour}}},
				"BUSY": {Scope: keys.Run, Limits: keys.Limits{Executions: 1}},
			} {
				spec.Name = name
				env = append(env, name+"="+key(t, s, spec))
			}
			out, errs, err := testserver.Script(t, file, env...)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

// TestE2BSDKs: the address that asks for no key has the limits of one.
func TestE2BSDKs(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"limits_e2b.py", "limits_e2b.mjs"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t, testserver.WithKeys(keys.Config{Limits: keys.Limits{Rate: keys.Rate{Count: 3, Per: time.Hour}}}))
			out, errs, err := testserver.Script(t, file, reports(t), "E2B_DEBUG=true", "E2B_SANDBOX_URL="+s.E2BURL)
			testserver.Subtests(t, out, errs, err)
		})
	}
}
