package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestCommandsOfTheSDKs runs one-shot commands through the real SDKs, and checks
// that none of their processes is left.
func TestCommandsOfTheSDKs(t *testing.T) {
	t.Parallel()
	for name, run := range map[string]func(*testing.T, *testserver.Server) (string, string, error){
		"typescript": func(t *testing.T, s *testserver.Server) (string, string, error) {
			t.Helper()
			return script(t, s, "commands.mjs", "SDK=@daytonaio/sdk")
		},
		"typescript 0.190": func(t *testing.T, s *testserver.Server) (string, string, error) {
			t.Helper()
			return script(t, s, "commands.mjs", "SDK=daytona-sdk-0190")
		},
		"python": func(t *testing.T, s *testserver.Server) (string, string, error) {
			t.Helper()
			return script(t, s, "commands_sync.py")
		},
		"python async": func(t *testing.T, s *testserver.Server) (string, string, error) {
			t.Helper()
			return script(t, s, "commands_async.py")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := testserver.Start(t)
			out, errs, err := run(t, s)
			testserver.Subtests(t, out, errs, err)
			s.Close(t)
			nothingWithin(t, s)
		})
	}
}
