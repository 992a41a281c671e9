package daytona_test

import (
	"net/http"
	"testing"

	"hotcell/e2e/testserver"
)

// BenchmarkExecute measures what a client waits for a command, kept-alive
// connection and all.
func BenchmarkExecute(b *testing.B) {
	s := testserver.Start(b)
	for _, text := range []string{"true", "ls -la", "seq 1 2000000"} {
		b.Run(text, func(b *testing.B) {
			body := asBody(text)
			for b.Loop() {
				if status, raw, _ := post(b, s, "/toolbox/default/process/execute", body); status != http.StatusOK {
					b.Fatal(string(raw))
				}
			}
		})
	}
}
