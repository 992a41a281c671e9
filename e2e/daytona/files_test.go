package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

func TestFilesOfTheTypeScriptSDK(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, "files.mjs", "SDK="+pkg)
			testserver.Subtests(t, out, errs, err)
		})
	}
}

// TestFilesOfTheTypeScriptSDKElsewhere runs it as in a browser.
func TestFilesOfTheTypeScriptSDKElsewhere(t *testing.T) {
	t.Parallel()
	for _, pkg := range []string{"@daytonaio/sdk", "daytona-sdk-0190"} {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, "files_serverless.mjs", "SDK="+pkg, "VERCEL=1")
			testserver.Subtests(t, out, errs, err)
		})
	}
}

func TestFilesOfThePythonSDK(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"files_sync.py", "files_async.py"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := script(t, s, file)
			testserver.Subtests(t, out, errs, err)
		})
	}
}
