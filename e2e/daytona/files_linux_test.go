package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestFilesBehindABoundary: the SDKs find the same there.
func TestFilesBehindABoundary(t *testing.T) { testserver.Again(t, "^TestFilesOf") }
