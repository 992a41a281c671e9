package daytona_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestFilesWithoutABoundary: the SDKs find the same there.
func TestFilesWithoutABoundary(t *testing.T) { testserver.Again(t, "^TestFilesOf") }
