package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// script runs a client program against a server and returns its output.
func script(t *testing.T, s *testserver.Server, file string, env ...string) (string, string, error) {
	t.Helper()
	return testserver.Script(t, file, append([]string{
		"DAYTONA_API_URL=" + s.APIURL, "DAYTONA_API_KEY=" + s.Key, "DAYTONA_TARGET=local", "HOTCELL_URL=" + s.URL,
	}, env...)...)
}
