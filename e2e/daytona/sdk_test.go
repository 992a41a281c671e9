package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

func TestTypeScriptSDK(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := node(t, s, "typescript.mjs", "SDK="+pkg)
			subtests(t, out, errs, err)
		})
	}
}

func TestPythonSDK(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"python_sync.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := python(t, s, file)
			subtests(t, out, errs, err)
		})
	}
}
