package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestCodeRun runs the guide's examples of one-shot code, and more.
func TestCodeRun(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t, testserver.WithPandas())
			out, errs, err := script(t, s, "code_run.mjs", "SDK="+pkg)
			testserver.Subtests(t, out, errs, err)
		})
	}
	t.Run("python", func(t *testing.T) {
		t.Parallel()
		s := testserver.Start(t, testserver.WithPandas())
		out, errs, err := script(t, s, "code_run.py")
		testserver.Subtests(t, out, errs, err)
	})
}
