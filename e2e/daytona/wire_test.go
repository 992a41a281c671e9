package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestWire has what needs no server of its own. Starting one takes longer than
// most of these.
func TestWire(t *testing.T) {
	t.Parallel()
	s := testserver.Start(t)
	for name, test := range map[string]func(*testing.T, *testserver.Server){
		"refused messages":   refusedMessages,
		"accepted messages":  acceptedMessages,
		"binary request":     binaryRequest,
		"too large request":  tooLargeRequest,
		"too large body":     tooLargeBody,
		"large code":         largeCode,
		"timeouts":           timeouts,
		"dead kernel":        deadKernel,
		"vanishing client":   vanishingClient,
		"stopped client":     stoppedClient,
		"pings while queued": pingsWhileQueued,
		"extra chunks":       extraChunks,
		"subprotocols":       subprotocols,
		"preview tokens":     previewTokens,
		"keys":               keys,
		"sandbox members":    sandboxMembers,
		"refused sandboxes":  refusedSandboxes,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, s)
		})
	}
}
