package native_test

import (
	"testing"

	"hotcell/e2e/testserver"
	"hotcell/handlers/native/client"
)

func TestMain(m *testing.M) { testserver.Main(m) }

func dial(tb testing.TB, s *testserver.Server) *client.Client {
	tb.Helper()
	c, err := client.Dial(tb.Context(), s.URL, s.Key)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(c.Close)
	return c
}
