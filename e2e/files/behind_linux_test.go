package files_test

import (
	"testing"

	"hotcell/e2e/testserver"
)

// TestBehindABoundary: every test here holds where the files are behind one.
func TestBehindABoundary(t *testing.T) { testserver.Again(t, "^Test") }
